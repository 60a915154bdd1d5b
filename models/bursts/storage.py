"""What detectors learnt, as bytes and back, for a changelog.

In: arrays whose first axis is the series. Out: bytes with a version, and the same arrays. Pure; imports numpy and
contracts.
"""

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from contracts.errors import StateInvalid

Arrays = Sequence[npt.NDArray[Any]]
# Version, series, and the time of the last step.
_HEADER = struct.Struct("<HId")


def grown(arrays: Arrays, more: Arrays) -> Arrays:
    """Return `arrays`, each with the series of its partner in `more` behind its own.

    >>> grown([np.ones(2)], [np.zeros(1)])[0].tolist()
    [1.0, 1.0, 0.0]
    """
    return [np.concatenate(pair) for pair in zip(arrays, more, strict=True)]


def pack(arrays: Arrays, *, version: int, at_s: float) -> bytes:
    """Return all `arrays` as bytes, little-endian, behind a header of 14 bytes."""
    header = _HEADER.pack(version, len(arrays[0]), at_s)
    return header + b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)


def unpack(state: bytes, *, version: int, empty: Arrays) -> tuple[float, Arrays]:
    """Return the time of the last step, and the arrays, which are shaped like `empty` but for the number of series.

    Raises StateInvalid where the version or the length is another.
    """
    n, at_s = _read_header(state, version)
    expected = _HEADER.size + n * sum(_row_bytes(array) for array in empty)
    if len(state) != expected:
        raise StateInvalid(f"a state of {len(state)} bytes for {n} series, expected {expected}")
    place, arrays = _HEADER.size, []
    for array in empty:
        shape = (n, *array.shape[1:])
        kept = np.frombuffer(state, array.dtype, count=int(np.prod(shape)), offset=place)
        arrays.append(kept.reshape(shape).copy())
        place += kept.nbytes
    return at_s, arrays


def _read_header(state: bytes, version: int) -> tuple[int, float]:
    if len(state) < _HEADER.size:
        raise StateInvalid(f"a state of {len(state)} bytes, expected at least {_HEADER.size}")
    found, n, at_s = _HEADER.unpack_from(state)
    if found != version:
        raise StateInvalid(f"a state of version {found}, expected {version}")
    return n, at_s


def _row_bytes(array: npt.NDArray[Any]) -> int:
    return int(np.prod(array.shape[1:])) * array.itemsize
