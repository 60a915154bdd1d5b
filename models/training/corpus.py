"""Lay all training texts out as flat arrays, once, so that training reads neither files nor text.

In: labelled rows, plain texts, the cut tokenizer. Out: a `Corpus`, saved as one `corpus.npz`, and its label columns.
Imports numpy and tokenizers; never torch.

A row's labels are a set of columns of which any may be true, and the columns among which its source chose. Columns run
over all heads, one after another. Both sets stand once in `label_sets` and rows point to them.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from models.training.config import TrainingConfig
from models.training.sources import LabelledRow, PlainText

LANGUAGES = ("en", "zh")
NO_LABELS = -1

Ids = npt.NDArray[np.int64]


class Columns(msgspec.Struct, frozen=True):
    """Hold the label columns of each head in order, and the names of the sources that rows point to."""

    labels: dict[str, tuple[str, ...]]
    files: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """Return the number of columns."""
        return sum(map(len, self.labels.values()))

    def first(self, head: str) -> int:
        """Return the head's first column."""
        at = 0
        for name, labels in self.labels.items():
            if name == head:
                return at
            at += len(labels)
        raise KeyError(head)

    def span(self, head: str) -> slice:
        """Return the head's columns."""
        at = self.first(head)
        return slice(at, at + len(self.labels[head]))


class Corpus(msgspec.Struct, frozen=True):
    """Hold the arrays; text t has the pieces `pieces[starts[t]:starts[t + 1]]`, a context likewise.

    `text` and `before` are each row's text and context (0 is the empty one), since rows of several heads share them.
    `head`, `lang`, `source` and `label_set` are positions [rows] (-1: none), `weight` float32 [rows], `is_dev` bool
    [rows]. `targets` and `known` are bool [label sets, columns].
    """

    pieces: npt.NDArray[np.uint16]
    starts: Ids
    context: npt.NDArray[np.uint16]
    context_starts: Ids
    text: Ids
    before: Ids
    head: Ids
    lang: Ids
    source: Ids
    label_set: Ids
    weight: npt.NDArray[np.float32]
    is_dev: npt.NDArray[np.bool_]
    targets: npt.NDArray[np.bool_]
    known: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.head)

    def lengths(self) -> Ids:
        """Return the framed length of every row with its context."""
        context = np.diff(self.context_starts)[self.before]
        return np.diff(self.starts)[self.text] + 2 + np.where(context > 0, context + 2, 0)


def columns_of(config: TrainingConfig, rows: Sequence[LabelledRow]) -> Columns:
    """Return the columns of all heads; a head that is not exported has those that its rows name."""
    named: dict[str, dict[str, None]] = {name: {} for name in config.heads}
    for row in rows:
        named[row.head].update(dict.fromkeys(row.known))
    return Columns(
        {name: head.labels or tuple(sorted(named[name])) for name, head in config.heads.items()},
        tuple(dict.fromkeys(row.source for row in rows)),
    )


def build_corpus(
    config: TrainingConfig,
    rows: Sequence[LabelledRow],
    *,
    texts: Sequence[PlainText],
    tokenizer: Tokenizer,
    columns: Columns,
) -> Corpus:
    """Tokenize everything; labelled rows come first, then plain texts."""
    limits = config.vocabulary
    place: dict[str, int] = {}
    items: list[LabelledRow | PlainText] = [*rows, *texts]
    text = [place.setdefault(item.text, len(place)) for item in items]
    contexts = {"": 0}
    before = [contexts.setdefault(row.context, len(contexts)) for row in rows]
    pieces, starts = _flat(tokenizer, list(place), limit=limits.token_limit - 2, keep_last=False)
    context, context_starts = _flat(
        tokenizer, list(contexts), limit=limits.context_limit - 2, keep_last=True
    )
    sets: dict[tuple[tuple[str, ...], ...], int] = {}
    label_set = [sets.setdefault(((r.head,), r.targets, r.known), len(sets)) for r in rows]
    heads, files = list(config.heads), columns.files
    extra = [NO_LABELS] * len(texts)
    langs = [LANGUAGES.index(item.lang) for item in items]
    return Corpus(
        pieces=pieces,
        starts=starts,
        context=context,
        context_starts=context_starts,
        text=np.array(text, np.int64),
        before=np.array(before + [0] * len(texts), np.int64),
        head=np.array([heads.index(row.head) for row in rows] + extra, np.int64),
        lang=np.array(langs, np.int64),
        source=np.array([files.index(row.source) for row in rows] + extra, np.int64),
        label_set=np.array(label_set + extra, np.int64),
        weight=np.array([row.weight for row in rows] + [1.0] * len(texts), np.float32),
        is_dev=np.array([row.is_dev for row in rows] + [False] * len(texts)),
        targets=_masks(columns, [(key[0][0], key[1]) for key in sets]),
        known=_masks(columns, [(key[0][0], key[2]) for key in sets]),
    )


def _masks(columns: Columns, sets: Sequence[tuple[str, tuple[str, ...]]]) -> npt.NDArray[np.bool_]:
    masks = np.zeros((len(sets), columns.width), np.bool_)
    for at, (head, labels) in enumerate(sets):
        first, names = columns.first(head), columns.labels[head]
        masks[at, [first + names.index(label) for label in labels]] = True
    return masks


def _flat(
    tokenizer: Tokenizer, texts: Sequence[str], *, limit: int, keep_last: bool
) -> tuple[npt.NDArray[np.uint16], Ids]:
    parts, lengths = [], []
    for first in range(0, len(texts), 4096):
        for encoding in tokenizer.encode_batch_fast(
            texts[first : first + 4096], add_special_tokens=False
        ):
            ids = encoding.ids[-limit:] if keep_last else encoding.ids[:limit]
            parts.append(np.array(ids, np.uint16))
            lengths.append(len(ids))
    flat = np.concatenate(parts) if parts else np.empty(0, np.uint16)
    return flat, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def save_corpus(corpus: Corpus, columns: Columns, *, path: Path) -> None:
    """Write the arrays and, beside them, the columns."""
    partial = path.with_suffix(".partial.npz")
    np.savez_compressed(partial, **msgspec.structs.asdict(corpus))
    path.with_suffix(".json").write_bytes(msgspec.json.encode(columns))
    partial.rename(path)


def load_corpus(path: Path) -> tuple[Corpus, Columns]:
    """Read what `save_corpus` wrote."""
    with np.load(path) as arrays:
        corpus = Corpus(**{name: arrays[name] for name in arrays.files})
    return corpus, msgspec.json.decode(path.with_suffix(".json").read_bytes(), type=Columns)
