"""Hold tokenised texts end to end, and hand out batches of them by position.

In: texts and a tokenizer. Out: flat piece ids with starts, as numpy arrays. Imports numpy and tokenizers.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

IndexArray = npt.NDArray[np.int64]
ENCODE_CHUNK = 8192


class Bag(NamedTuple):
    """Hold some texts' pieces end to end and where each text starts, both int64."""

    ids: IndexArray
    starts: IndexArray


class BagStore:
    """Keep all texts of a run in two arrays (8 bytes a piece)."""

    def __init__(self, rows: Sequence[Sequence[int]]) -> None:
        lengths = np.fromiter(map(len, rows), np.int64, len(rows))
        self.starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        self.ids = np.fromiter((i for row in rows for i in row), np.int64, int(lengths.sum()))

    def __len__(self) -> int:
        """Return the number of texts."""
        return len(self.starts) - 1

    def take(self, positions: IndexArray) -> Bag:
        """Return the bag of the texts at `positions`, in that order."""
        begins, lengths = self.starts[positions], np.diff(self.starts)[positions]
        starts = np.cumsum(lengths) - lengths
        offsets = np.arange(int(lengths.sum())) - np.repeat(starts, lengths)
        return Bag(self.ids[np.repeat(begins, lengths) + offsets], starts)


def tokenize(tokenizer: Tokenizer, texts: Sequence[str], *, limit: int) -> BagStore:
    """Return a store of the first `limit` pieces of every text."""
    return BagStore(tokenize_rows(tokenizer, texts, limit=limit))


def tokenize_rows(tokenizer: Tokenizer, texts: Sequence[str], *, limit: int) -> list[list[int]]:
    """Return the first `limit` pieces of every text."""
    rows: list[list[int]] = []
    for first in range(0, len(texts), ENCODE_CHUNK):
        encodings = tokenizer.encode_batch_fast(
            list(texts[first : first + ENCODE_CHUNK]), add_special_tokens=False
        )
        rows.extend(encoding.ids[:limit] for encoding in encodings)
    return rows


def drop_pieces(bag: Bag, share: float, *, generator: np.random.Generator) -> Bag:
    """Return the bag with a random `share` of its pieces turned to padding: noise against learning by heart."""
    return Bag(np.where(generator.random(len(bag.ids)) < share, 0, bag.ids), bag.starts)


def in_chunks(store: BagStore, *, rows: int = 2048) -> Iterator[tuple[Any, Bag]]:
    """Yield (positions, bag) over the whole store, in order."""
    for first in range(0, len(store), rows):
        positions = np.arange(first, min(first + rows, len(store)))
        yield positions, store.take(positions)
