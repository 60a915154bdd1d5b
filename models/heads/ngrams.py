"""Turn lines of text into sparse features: hashed words, pairs of words and pieces of words.

In: normalised lines. Out: for each line the columns of a limited vocabulary that it holds and their weights. Pure;
imports numpy alone, so that serving a head needs nothing else.

A feature is the 64-bit hash of an n-gram; no text is kept. With the code points c[0], c[1], ... of all lines, one after
the other, an odd B and S[i] = sum of c[j] B^j for j < i, the hash of c[i:j] is (S[j] - S[i]) B^-i modulo 2^64, the
same wherever the n-gram stands. Words are runs of letters and digits; pieces have 1 to 5 characters and hold a space
at their ends alone, so that they know where a word begins. A weight is (1 + log count) x idf; those of a line's words
have length 1 together, and so have those of its pieces.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.protocols import FloatArray

Hashes = npt.NDArray[np.uint64]
Positions = npt.NDArray[np.int64]

PIECE_LENGTHS = (1, 2, 3, 4, 5)
WORD_LIMIT = 32
WORDS, PIECES = 0, 1
LINES_AT_ONCE = 512
_SEPARATOR = "\n"
_BASE = 0x9E3779B97F4A7C15
_INVERSE = pow(_BASE, -1, 1 << 64)
_PAIR = np.uint64(0xD6E8FEB86659FD93)
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


class Grams(NamedTuple):
    """Hold every n-gram of some lines: the position of its `line`, its `hash`, its `kind` (WORDS or PIECES)."""

    line: Positions
    hash: Hashes
    kind: npt.NDArray[np.int8]


class SparseRows(NamedTuple):
    """Hold sparse rows: row i has `columns[starts[i]:starts[i + 1]]`, ascending, with `weights` of the same places."""

    starts: Positions
    columns: Positions
    weights: FloatArray


class Vocabulary(NamedTuple):
    """Hold the n-grams that count: `hashes` ascending, and of each the `kind` and the inverse document frequency."""

    hashes: Hashes
    kinds: npt.NDArray[np.int8]
    idf: FloatArray

    def rows(self, lines: Sequence[str]) -> SparseRows:
        """Return the features of `lines`; a line without a known n-gram has none."""
        parts = [
            self._rows(lines[at : at + LINES_AT_ONCE]) for at in range(0, len(lines), LINES_AT_ONCE)
        ]
        sizes = [np.diff(part.starts) for part in parts]
        starts = np.concatenate([[0], *sizes]).cumsum() if parts else np.zeros(1, np.int64)
        columns = [part.columns for part in parts]
        weights = [part.weights for part in parts]
        return SparseRows(
            starts,
            np.concatenate(columns) if parts else np.zeros(0, np.int64),
            np.concatenate(weights) if parts else np.zeros(0, np.float32),
        )

    def _rows(self, lines: Sequence[str]) -> SparseRows:
        grams, size = grams_of(lines), len(self.hashes)
        if not size:
            return SparseRows(np.zeros(len(lines) + 1, np.int64), grams.line[:0], self.idf[:0])
        at = np.minimum(np.searchsorted(self.hashes, grams.hash), size - 1)
        is_known = self.hashes[at] == grams.hash
        cells, counts = np.unique(grams.line[is_known] * size + at[is_known], return_counts=True)
        line, columns = np.divmod(cells, size)
        weights = (1 + np.log(counts.astype(np.float32))) * self.idf[columns]
        group = 2 * line + self.kinds[columns]
        lengths = np.sqrt(np.bincount(group, weights.astype(np.float64) ** 2, 2 * len(lines)))
        starts = np.searchsorted(line, np.arange(len(lines) + 1))
        return SparseRows(starts, columns, (weights / lengths[group]).astype(np.float32))


def learn_vocabulary(lines: Sequence[str], *, limit: int) -> Vocabulary:
    """Return the n-grams of `lines` that stand in at least two of them, the `limit` most frequent.

    Of fewer than 200 lines every n-gram counts. Ties go to the smaller hash.
    """
    hashes, kinds, frequency = _document_frequency(lines)
    least = 2 if len(lines) >= 200 else 1
    kept = np.flatnonzero(frequency >= least)
    kept = np.sort(kept[np.lexsort((hashes[kept], -frequency[kept]))][:limit])
    idf = 1 + np.log((1 + len(lines)) / (1 + frequency[kept]))
    return Vocabulary(hashes[kept], kinds[kept], idf.astype(np.float32))


def _document_frequency(
    lines: Sequence[str],
) -> tuple[Hashes, npt.NDArray[np.int8], Positions]:
    """Return every hash of `lines`, ascending, with its kind and in how many lines it stands."""
    parts, kinds = [], []
    for at in range(0, len(lines), LINES_AT_ONCE):
        grams = grams_of(lines[at : at + LINES_AT_ONCE])
        order = np.lexsort((grams.hash, grams.line))
        line, hashes = grams.line[order], grams.hash[order]
        is_first = np.ones(len(order), bool)
        is_first[1:] = (line[1:] != line[:-1]) | (hashes[1:] != hashes[:-1])
        parts.append(hashes[is_first])
        kinds.append(grams.kind[order][is_first])
    if not parts:
        return np.zeros(0, np.uint64), np.zeros(0, np.int8), np.zeros(0, np.int64)
    hashes, first, counts = np.unique(np.concatenate(parts), return_index=True, return_counts=True)
    return hashes, np.concatenate(kinds)[first], counts


class _Codes(NamedTuple):
    """Hold the code points of joined lines, the line of each, and S and B^-i for i in 0...len(points)."""

    points: Hashes
    line: Positions
    sums: Hashes
    inverses: Hashes

    def hashes(self, starts: Positions, ends: Positions) -> Hashes:
        return (self.sums[ends] - self.sums[starts]) * self.inverses[starts]


def grams_of(lines: Sequence[str]) -> Grams:
    """Return every n-gram of `lines`, in lower case, repetitions too."""
    codes = _codes(lines)
    words, pieces = _words(codes), _pieces(codes)
    return Grams(
        np.concatenate([words[0], pieces[0]]),
        np.concatenate([_mixed(words[1], WORDS), _mixed(pieces[1], PIECES)]),
        np.repeat(np.array([WORDS, PIECES], np.int8), [len(words[0]), len(pieces[0])]),
    )


def _codes(lines: Sequence[str]) -> _Codes:
    words = (" ".join(line.lower().split()) for line in lines)
    joined = "".join(f"{_SEPARATOR} {line} " if line else _SEPARATOR for line in words)
    points = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint64)
    size = len(points) + 1
    powers, inverses = np.ones(size, np.uint64), np.ones(size, np.uint64)
    powers[1:], inverses[1:] = _BASE, _INVERSE
    sums = np.zeros(size, np.uint64)
    np.cumsum((points + np.uint64(1)) * np.cumprod(powers)[:-1], out=sums[1:])
    line = np.cumsum(points == ord(_SEPARATOR)) - 1
    return _Codes(points, line, sums, np.cumprod(inverses))


def _words(codes: _Codes) -> tuple[Positions, Hashes]:
    """Return line and hash of every word, and of every two words that follow one another."""
    known, place = np.unique(codes.points, return_inverse=True)
    is_letter = np.array([chr(code).isalnum() for code in known.tolist()], bool)[place]
    edges = np.diff(is_letter.astype(np.int8), prepend=0, append=0)
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    is_short = ends - starts <= WORD_LIMIT
    starts, ends = starts[is_short], ends[is_short]
    line, hashes = codes.line[starts], codes.hashes(starts, ends)
    together = line[1:] == line[:-1]
    pairs = (_mixed(hashes[:-1], WORDS) * _PAIR + hashes[1:])[together]
    return np.concatenate([line, line[1:][together]]), np.concatenate([hashes, pairs])


def _pieces(codes: _Codes) -> tuple[Positions, Hashes]:
    """Return line and hash of every piece of 1 to 5 characters that no space divides."""
    is_separator = codes.points == ord(_SEPARATOR)
    gaps = np.concatenate([[0], np.cumsum(is_separator | (codes.points == ord(" ")))])
    lines, hashes = [], []
    for length in PIECE_LENGTHS:
        starts = np.arange(max(0, len(codes.points) - length + 1))
        if length == 1:
            starts = starts[gaps[1:] == gaps[:-1]]
        else:
            last = starts + length - 1
            is_whole = gaps[last] == gaps[starts + 1]
            is_inside = ~is_separator[starts] & (codes.line[starts] == codes.line[last])
            starts = starts[is_whole & is_inside]
        lines.append(codes.line[starts])
        hashes.append(codes.hashes(starts, starts + length))
    return np.concatenate(lines), np.concatenate(hashes)


def _mixed(hashes: Hashes, kind: int) -> Hashes:
    """Return hashes whose bits all depend on all bits, other ones for each kind (the end of splitmix64)."""
    mixed = hashes + np.uint64(_BASE * (kind + 1) % (1 << 64))
    mixed = (mixed ^ (mixed >> np.uint64(30))) * _MIX[0]
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _MIX[1]
    return mixed ^ (mixed >> np.uint64(31))
