"""Choose which text to ask a person about next: one that the head doubts, unlike those that were asked before.

In: unit vectors of texts, the head's doubt about each (or nothing), which are answered. Out: positions, one at a time.
Pure; imports numpy and models.protocols.

A text's worth is doubt x distance: the distance is 1 - the greatest cosine to any text that is answered or was shown,
as in the greedy solution of the k-centre problem. Without a head, typicality stands for doubt, as the text farthest
from all others is mostly rubbish: it is the mean cosine to a sample of all texts, as a share of the greatest.
Reference: Sener and Savarese, Active Learning for Convolutional Neural Networks: A Core-Set Approach, 2018.
"""

from collections.abc import Sequence

import numpy as np

from models.protocols import FloatArray

SAMPLE = 1000
# Doubt and typicality never make a text worthless: 0.05 of worth is left to being different.
LEAST = 0.05


class Asker:
    """Give the texts worth asking about, best first; each `answered` or shown one makes those like it worth less."""

    def __init__(self, embedding: FloatArray, *, doubt: FloatArray | None, seed: int = 0) -> None:
        self._vectors = centred(embedding)
        self._nearest = np.full(len(embedding), -1.0, np.float32)
        self._is_open = np.ones(len(embedding), bool)
        self._worth = _typical(self._vectors, seed=seed) if doubt is None else doubt
        self._worth = np.maximum(self._worth, LEAST)

    @property
    def left(self) -> int:
        """Return how many texts can still be asked about."""
        return int(self._is_open.sum())

    def answered(self, positions: Sequence[int]) -> None:
        """Take these texts, and their share of what is like them, out of the question."""
        for at in positions:
            self._is_open[at] = False
            np.maximum(self._nearest, self._vectors @ self._vectors[at], out=self._nearest)

    def reopen(self, position: int) -> None:
        """Let a text be asked about again; what is like it stays worth less."""
        self._is_open[position] = True

    def next(self) -> int | None:
        """Return the position of the text to ask about, or None where none is left; it counts as shown."""
        if not self._is_open.any():
            return None
        worth = self._worth * (1 - self._nearest)
        chosen = int(np.argmax(np.where(self._is_open, worth, -np.inf)))
        self.answered([chosen])
        return chosen


def centred(embedding: FloatArray) -> FloatArray:
    """Return the vectors less their mean, as unit rows; a row of nothing stays one."""
    if not len(embedding):
        return embedding
    moved = embedding - embedding.mean(axis=0, keepdims=True)
    lengths = np.linalg.norm(moved, axis=1, keepdims=True)
    result: FloatArray = (moved / np.maximum(lengths, 1e-9)).astype(np.float32)
    return result


def _typical(vectors: FloatArray, *, seed: int) -> FloatArray:
    if not len(vectors):
        return np.zeros(0, np.float32)
    sample = np.random.default_rng(seed).permutation(len(vectors))[:SAMPLE]
    # Centred vectors cancel out: what counts is how near a text's nearer half is.
    near = np.maximum(vectors @ vectors[sample].T, 0).mean(axis=1)
    result: FloatArray = (near / max(float(near.max()), 1e-9)).astype(np.float32)
    return result
