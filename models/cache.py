"""Remember what the network said of texts, because crowds repeat themselves.

In: rows of piece ids, as the network reads them: the normalised text and its context. Out: the network's numbers for
those seen lately. Bounded; the one not asked for longest goes first. Pure; imports numpy.

The key is a digest of the pieces, so that a text that differs in what is not read (case of a link, spaces) is the same,
and one with another context is another. One cache belongs to one network on one engine: its owner clears it with those.

>>> cache = RowCache(1)
>>> cache.put(key_of([2, 5, 3]), Answer(np.ones(2, np.float32)))
>>> cache.get(key_of([2, 5, 3])).numbers.tolist()
[1.0, 1.0]
>>> cache.put(key_of([2, 6, 3]), Answer(np.zeros(2, np.float32)))
>>> cache.get(key_of([2, 5, 3])) is None
True
"""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from models.protocols import FloatArray

KEY_BYTES = 16


class Answer(NamedTuple):
    """Hold one text's numbers [numbers], and its pieces' shares [pieces, emotions] where the network has them."""

    numbers: FloatArray
    shares: FloatArray | None = None


class RowCache:
    """Keep the answers of at most `limit` texts; none where it is 0."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._answers: OrderedDict[bytes, Answer] = OrderedDict()

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, key: bytes) -> Answer | None:
        """Return what is known."""
        found = self._answers.get(key)
        if found is not None:
            self._answers.move_to_end(key)
        return found

    def put(self, key: bytes, answer: Answer) -> None:
        """Remember an answer; its arrays must be its own, not parts of larger ones."""
        if not self._limit:
            return
        self._answers[key] = answer
        self._answers.move_to_end(key)
        if len(self._answers) > self._limit:
            self._answers.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        self._answers.clear()


def key_of(pieces: Sequence[int]) -> bytes:
    """Return the digest of a row of pieces: 16 bytes of BLAKE2b."""
    return hashlib.blake2b(np.asarray(pieces, np.int32).tobytes(), digest_size=KEY_BYTES).digest()
