"""Remember what was said of texts, because crowds repeat themselves.

In: digests and what belongs to them. Out: what belongs to those seen lately. Bounded; the one not asked for longest
goes first. Pure; imports numpy.

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
from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from models.protocols import FloatArray

KEY_BYTES = 16
Kept = TypeVar("Kept")


class Answer(NamedTuple):
    """Hold one text's numbers [numbers], and its pieces' shares [pieces, emotions] where the network has them."""

    numbers: FloatArray
    shares: FloatArray | None = None


class Cache(Generic[Kept]):
    """Keep what belongs to at most `limit` keys; nothing where it is 0."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
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
        if not self._limit:
            return
        self._kept[key] = kept
        self._kept.move_to_end(key)
        if len(self._kept) > self._limit:
            self._kept.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()


def key_of(pieces: Sequence[int]) -> bytes:
    """Return the digest of a row of pieces: 16 bytes of BLAKE2b."""
    return hashlib.blake2b(np.asarray(pieces, np.int32).tobytes(), digest_size=KEY_BYTES).digest()
