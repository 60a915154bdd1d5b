"""Remember what was said of texts, because crowds repeat themselves.

In: digests and what belongs to them. Out: what belongs to those seen lately. Bounded; the one not asked for longest
goes first. Imports numpy and contracts.

A row of piece ids, as the network reads it, is the normalised text and its context: a text that differs in what is not
read (case of a link, spaces) is the same, and one with another context is another. One cache belongs to one network on
one engine: its owner clears it with those.

>>> cache: Cache[str] = Cache(1)
>>> cache.put(key_of([2, 5, 3]), "five")
>>> cache.get(key_of([2, 5, 3]))
'five'
>>> cache.put(key_of([2, 6, 3]), "six")
>>> cache.get(key_of([2, 5, 3])) is None
True
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from contracts import telemetry
from models.protocols import FloatArray

KEY_BYTES = 16
Kept = TypeVar("Kept")


class Answer(NamedTuple):
    """Hold one text's numbers [numbers], and its pieces' shares [pieces, emotions] where the network has them."""

    numbers: FloatArray
    shares: FloatArray | None = None


class Counts(NamedTuple):
    """Hold how many texts of a batch were known, stood in it before, and had to be read."""

    hit: int
    same_batch: int
    miss: int

    @classmethod
    def of(
        cls, keys: Sequence[bytes], *, found: Collection[bytes], new: Collection[bytes]
    ) -> "Counts":
        """Count a batch's `keys`, of which those in `found` were known and those in `new`, each once, were not."""
        hits = sum(key in found for key in keys)
        return cls(hits, len(keys) - hits - len(new), len(new))


def count_texts(counts: Counts) -> None:
    """Tell Prometheus of a batch that has its answers; tries that gave none do not count."""
    for outcome, count in counts._asdict().items():
        telemetry.CACHED.labels(outcome).inc(count)


def _one(_: object) -> int:
    return 1


class Cache(Generic[Kept]):
    """Keep what belongs to some keys, of at most `limit` in all; nothing where that is 0.

    `size_of` says how much of the limit something takes: 1 if left out, so that the limit is a number of keys.
    """

    def __init__(self, limit: int, *, size_of: Callable[[Kept], int] = _one) -> None:
        self._limit = limit
        self._size_of = size_of
        self._size = 0
        self._kept: OrderedDict[bytes, Kept] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: bytes) -> Kept | None:
        """Return what is known."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def put(self, key: bytes, kept: Kept) -> None:
        """Remember what belongs to a key; arrays in it must be its own, not parts of larger ones."""
        before = self._kept.pop(key, None)
        self._size += self._size_of(kept) - (0 if before is None else self._size_of(before))
        self._kept[key] = kept
        while self._size > self._limit:
            _, oldest = self._kept.popitem(last=False)
            self._size -= self._size_of(oldest)

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()
        self._size = 0


def key_of(pieces: Sequence[int]) -> bytes:
    """Return the digest of a row of pieces: 16 bytes of BLAKE2b."""
    return hashlib.blake2b(np.asarray(pieces, np.int32).tobytes(), digest_size=KEY_BYTES).digest()
