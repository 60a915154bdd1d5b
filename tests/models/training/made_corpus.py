"""A corpus written by hand: texts of given pieces and rows that point to them."""

from collections.abc import Sequence

import numpy as np

from models.training.corpus import Corpus


def flat(parts: Sequence[Sequence[int]]) -> tuple[list[int], list[int]]:
    return [i for part in parts for i in part], [0, *np.cumsum([len(part) for part in parts])]


def made_corpus(
    texts: Sequence[Sequence[int]],
    *,
    contexts: Sequence[Sequence[int]] = ((),),
    targets: Sequence[Sequence[int]] = ((1, 0), (0, 1)),
    known: Sequence[Sequence[int]] | None = None,
    **rows: Sequence[float],
) -> Corpus:
    """Return a corpus with a row a text; `rows` replaces columns: by default head 0, no context, first label set."""
    pieces, starts = flat(texts)
    context, context_starts = flat(contexts)
    count = len(rows.get("text", texts))
    plain = {name: [0] * count for name in ("before", "head", "lang", "source", "label_set")}
    columns = {"text": range(count)} | plain | rows
    return Corpus(
        pieces=np.array(pieces, np.uint16),
        starts=np.array(starts, np.int64),
        context=np.array(context, np.uint16),
        context_starts=np.array(context_starts, np.int64),
        text=np.array(columns["text"], np.int64),
        before=np.array(columns["before"], np.int64),
        head=np.array(columns["head"], np.int64),
        lang=np.array(columns["lang"], np.int64),
        source=np.array(columns["source"], np.int64),
        label_set=np.array(columns["label_set"], np.int64),
        weight=np.array(rows.get("weight", [1.0] * count), np.float32),
        is_dev=np.array(rows.get("is_dev", [False] * count), np.bool_),
        targets=np.array(targets, np.bool_),
        known=np.array(targets if known is None else known, np.bool_),
    )
