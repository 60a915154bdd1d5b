"""Run a plan on a GPU: one context a profile, addresses that never change.

In: a plan's bytes, its profiles, a started device. Out: named float32 arrays of padded int64 batches. Only what needs a
GPU: which batch goes to which profile is decided in `tensorrt.py`.

Memory for the fullest batch of any profile is taken once, at the start: no batch allocates, so none lacks memory later.
"""

from typing import Any

import numpy as np

from contracts.errors import EngineFailed
from models.engines.cuda_device import CudaDevice
from models.engines.tensorrt_building import INPUTS, Profile
from models.engines.tensorrt_library import Library
from models.protocols import FloatArray, TokenArray

BYTES_OF_ID, BYTES_OF_FLOAT = 8, 4


class PlanRunner:
    """Run one plan. `start` once, `run` from one thread, `close` once."""

    def __init__(self, library: Library, device: CudaDevice) -> None:
        self._library = library
        self._device = device
        self._runtime: Any = None
        self._engine: Any = None
        self._contexts: list[Any] = []
        self._addresses: dict[str, int] = {}
        self.outputs: tuple[str, ...] = ()

    def start(self, plan: bytes, profiles: tuple[Profile, ...]) -> None:
        """Load the plan and take all memory. Raises `EngineFailed` where TensorRT does not take the plan."""
        self._library.heard.clear()
        self._runtime = self._library.trt.Runtime(self._library.logger)
        self._engine = self._runtime.deserialize_cuda_engine(plan)
        if self._engine is None:
            self._fail("load the plan")
        count = self._engine.num_optimization_profiles
        if count != len(profiles):
            raise EngineFailed(f"the plan has {count} profiles, its record says {len(profiles)}")
        names = [self._engine.get_tensor_name(at) for at in range(self._engine.num_io_tensors)]
        self.outputs = tuple(name for name in names if name not in INPUTS)
        for at, profile in enumerate(profiles):
            self._contexts.append(self._context(at, profile))
        self._take_memory(profiles)
        self._device.wait()

    def run(self, at: int, ids: TokenArray, *, mask: TokenArray) -> dict[str, FloatArray]:
        """Return every output of a batch as wide as profile `at`, with no more rows than it has."""
        context = self._contexts[at]
        for name, array in zip(INPUTS, (ids, mask), strict=True):
            self._set_shape(context, name, shape=array.shape)
            self._device.send(array, self._addresses[name])
        if not context.execute_async_v3(self._device.stream):
            self._fail(f"run {ids.shape[0]} rows of {ids.shape[1]} pieces")
        found = {
            name: self._device.fetch(
                self._addresses[name], shape=tuple(context.get_tensor_shape(name))
            )
            for name in self.outputs
        }
        self._device.wait()
        return found

    def close(self) -> None:
        """Give plan and contexts back, contexts first; the device frees the memory."""
        self._contexts.clear()
        self._engine = self._runtime = None

    def _context(self, at: int, profile: Profile) -> Any:
        context = self._engine.create_execution_context(*self._settings())
        if context is None:
            self._fail(f"make a context for {profile.rows} rows of {profile.width} pieces")
        if not context.set_optimization_profile_async(at, self._device.stream):
            self._fail(f"choose profile {at}")
        for name in INPUTS:
            self._set_shape(context, name, shape=(profile.rows, profile.width))
        return context

    def _settings(self) -> tuple[Any, ...]:
        """Return how a context runs. RTX would swap kernels while it serves: what was certified is what must run."""
        if not self._library.builds_anywhere:
            return ()
        settings = self._engine.create_runtime_config()
        strategies = self._library.trt.DynamicShapesKernelSpecializationStrategy
        settings.dynamic_shapes_kernel_specialization_strategy = strategies.NONE
        return (settings,)

    def _take_memory(self, profiles: tuple[Profile, ...]) -> None:
        pieces = max(profile.rows * profile.width for profile in profiles)
        sizes = dict.fromkeys(INPUTS, pieces * BYTES_OF_ID)
        for context in self._contexts:
            for name in self.outputs:
                size = BYTES_OF_FLOAT * int(np.prod(context.get_tensor_shape(name)))
                sizes[name] = max(size, sizes.get(name, 0))
        self._addresses = {name: self._device.allocate(size) for name, size in sizes.items()}
        for context in self._contexts:
            for name, address in self._addresses.items():
                if not context.set_tensor_address(name, address):
                    self._fail(f"place {name}")

    def _set_shape(self, context: Any, name: str, *, shape: tuple[int, ...]) -> None:
        if not context.set_input_shape(name, shape):
            self._fail(f"take {name} of {shape[0]} rows of {shape[1]} pieces")

    def _fail(self, what: str) -> None:
        raise EngineFailed(f"{self._library.name} cannot {what}: {self._library.last_words()}")
