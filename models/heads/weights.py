"""Hold a head's weights as they are stored and multiply with them.

In: vectors of the encoder and sparse rows of n-grams. Out: scores by label. Pure; imports contracts and numpy.

    dense score  = pooled @ dense + dense_bias            (the vectors' mean and scale are folded into it)
    sparse score = sum over n-grams of weight x sparse    (sparse[n-gram, label] is int8 times a scale for each label)
"""

from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from contracts.errors import ModelInvalid
from models.heads.ngrams import SparseRows, Vocabulary
from models.protocols import FloatArray

LEVELS = 127


class HeadWeights(NamedTuple):
    """Hold all arrays of a head.

    `dense` float16 [width, labels], `dense_bias` float32 [labels]; `hashes` uint64, `kinds` int8 and `idf` float32
    [n-grams]; `sparse` int8 [n-grams, labels], `sparse_scale` and `sparse_bias` float32 [labels].
    """

    dense: npt.NDArray[np.float16]
    dense_bias: FloatArray
    hashes: npt.NDArray[np.uint64]
    kinds: npt.NDArray[np.int8]
    idf: FloatArray
    sparse: npt.NDArray[np.int8]
    sparse_scale: FloatArray
    sparse_bias: FloatArray

    @property
    def vocabulary(self) -> Vocabulary:
        """Return the n-grams that have weights."""
        return Vocabulary(self.hashes, self.kinds, self.idf)

    def check(self, labels: int, *, width: int, place: Path) -> None:
        """Raise `ModelInvalid` unless every array has the type and shape of a head with that many labels."""
        grams = len(self.hashes)
        expected = {
            "dense": ("float16", (width, labels)),
            "dense_bias": ("float32", (labels,)),
            "hashes": ("uint64", (grams,)),
            "kinds": ("int8", (grams,)),
            "idf": ("float32", (grams,)),
            "sparse": ("int8", (grams, labels)),
            "sparse_scale": ("float32", (labels,)),
            "sparse_bias": ("float32", (labels,)),
        }
        for name, (kind, shape) in expected.items():
            array = getattr(self, name)
            if (array.dtype.name, array.shape) != (kind, shape):
                raise ModelInvalid(
                    f"{place} has {name} of {array.dtype.name} {array.shape}, expected {kind} {shape}:"
                    " fit the head again"
                )


def packed(
    vocabulary: Vocabulary,
    *,
    dense: tuple[FloatArray, FloatArray],
    sparse: tuple[FloatArray, FloatArray],
) -> HeadWeights:
    """Return the weights as they are stored; `dense` and `sparse` are (weights [inputs, labels], bias [labels])."""
    scale = np.maximum(np.abs(sparse[0]).max(axis=0, initial=0), 1e-9) / LEVELS
    return HeadWeights(
        dense=dense[0].astype(np.float16),
        dense_bias=dense[1].astype(np.float32),
        hashes=vocabulary.hashes,
        kinds=vocabulary.kinds,
        idf=vocabulary.idf,
        sparse=np.rint(sparse[0] / scale).astype(np.int8),
        sparse_scale=scale.astype(np.float32),
        sparse_bias=sparse[1].astype(np.float32),
    )


class HeadScorer:
    """Score rows with unpacked weights."""

    def __init__(self, weights: HeadWeights) -> None:
        self._dense = weights.dense.astype(np.float32)
        self._dense_bias = weights.dense_bias
        self._sparse = weights.sparse.astype(np.float32)
        self._scale = weights.sparse_scale
        self._sparse_bias = weights.sparse_bias

    def dense(self, pooled: FloatArray) -> FloatArray:
        """Return the scores [rows, labels] of vectors [rows, width]."""
        result: FloatArray = pooled @ self._dense + self._dense_bias
        return result

    def sparse(self, rows: SparseRows) -> FloatArray:
        """Return the scores [rows, labels] of sparse rows, each by itself: a row's sum never depends on others."""
        out = np.empty((len(rows.starts) - 1, len(self._scale)), np.float32)
        bounds = rows.starts.tolist()
        for row, (start, end) in enumerate(pairwise(bounds)):
            out[row] = rows.weights[start:end] @ self._sparse[rows.columns[start:end]]
        result: FloatArray = out * self._scale + self._sparse_bias
        return result
