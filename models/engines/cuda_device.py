"""Hold one CUDA GPU: its name, memory on it, copies there and back, one stream.

In: sizes and numpy arrays. Out: addresses and filled arrays. Imports cuda-bindings lazily: 31 MB that need nothing but
the driver, where torch would bring gigabytes for the same four calls.
"""

import importlib
from typing import Any

import numpy as np
import numpy.typing as npt

from contracts.errors import EngineFailed, MissingExtra
from models.engines.tensorrt_library import EXTRA

Array = npt.NDArray[Any]


class CudaDevice:
    """Use the process's first GPU (`CUDA_VISIBLE_DEVICES` says which that is). `start` once, `close` once."""

    def __init__(self) -> None:
        self.name = ""
        self.driver = ""
        self.stream = 0
        self._cuda: Any = None
        self._held: list[int] = []

    def start(self) -> None:
        """Find the GPU. Raises `EngineFailed` without one, `MissingExtra` without cuda-bindings."""
        try:
            self._cuda = importlib.import_module("cuda.bindings.runtime")
        except ImportError as error:
            raise MissingExtra(f"{EXTRA} ({error})") from error
        status, count = self._cuda.cudaGetDeviceCount()
        if not count:
            raise EngineFailed(f"there is no GPU that CUDA can use: {self._words(status)}")
        properties = self._ask("read the GPU's name", self._cuda.cudaGetDeviceProperties, 0)
        self.name = properties.name.decode(errors="replace").strip("\0 ")
        self.driver = str(self._ask("read the driver's version", self._cuda.cudaDriverGetVersion))
        self.stream = int(self._ask("make a stream", self._cuda.cudaStreamCreate))

    def allocate(self, size_bytes: int) -> int:
        """Return the address of fresh memory, freed by `close`. Raises `EngineFailed` where it is short."""
        what = f"take {size_bytes:,} bytes of {self.name}"
        address = int(self._ask(what, self._cuda.cudaMalloc, size_bytes))
        self._held.append(address)
        return address

    def send(self, array: Array, address: int) -> None:
        """Copy an array to the GPU, in the stream's order; the array may change once `wait` has returned."""
        kind = self._cuda.cudaMemcpyKind.cudaMemcpyHostToDevice
        self._copy(address, array.ctypes.data, size_bytes=array.nbytes, kind=kind)

    def fetch(self, address: int, *, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
        """Return an array that holds the GPU's float32 values once `wait` has returned."""
        array = np.empty(shape, np.float32)
        kind = self._cuda.cudaMemcpyKind.cudaMemcpyDeviceToHost
        self._copy(array.ctypes.data, address, size_bytes=array.nbytes, kind=kind)
        return array

    def wait(self) -> None:
        """Return when all that was asked of the stream is done. Raises `EngineFailed` where any of it failed."""
        self._ask("run what was asked", self._cuda.cudaStreamSynchronize, self.stream)

    def close(self) -> None:
        """Free memory and stream; a second call does nothing. What a broken GPU does not free ends with the process."""
        for address in self._held:
            self._cuda.cudaFree(address)
        self._held.clear()
        if self.stream:
            self._cuda.cudaStreamDestroy(self.stream)
            self.stream = 0

    def _copy(self, to: int, source: int, *, size_bytes: int, kind: Any) -> None:
        asked = (to, source, size_bytes, kind, self.stream)
        self._ask(f"copy {size_bytes:,} bytes", self._cuda.cudaMemcpyAsync, *asked)

    def _ask(self, what: str, function: Any, *arguments: Any) -> Any:
        """Return what the call returned beside its status. Raises `EngineFailed` with CUDA's words for a bad status."""
        status, *values = function(*arguments)
        if status != self._cuda.cudaError_t.cudaSuccess:
            raise EngineFailed(f"CUDA cannot {what}: {self._words(status)}")
        return values[0] if values else None

    def _words(self, status: Any) -> str:
        _, words = self._cuda.cudaGetErrorString(status)
        return f"{words.decode()} (status {int(status)})"
