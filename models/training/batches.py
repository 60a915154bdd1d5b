"""Draw training texts and lay them out as padded batches, each step a function of seed and step number alone.

In: a `Corpus`, chances of drawing each row. Out: positions of rows a step, and padded piece ids.
Imports numpy; torch only inside `drop_pieces`.

Texts are drawn by thousands, sorted by length and cut where rows x longest row would pass the budget: padding is wasted
work. The order of the steps within such a group is shuffled again.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from contracts.errors import SettingsInvalid
from models.training.config import FitConfig, TrainingConfig
from models.training.corpus import NO_LABELS, Corpus
from models.training.vocabulary import BEGIN_ID, END_ID, PAD_ID, UNKNOWN_ID

if TYPE_CHECKING:
    from torch import Tensor

GROUP_ROWS = 8192

Positions = npt.NDArray[np.int64]


def drawing_chances(
    corpus: Corpus, config: TrainingConfig, *, fit: FitConfig, without: Positions | None = None
) -> npt.NDArray[np.float64]:
    """Return each row's chance [rows], summing to 1: heads by share, rows of a head by weight, the rest unlabelled.

    `without` are rows that are never drawn. Raises `SettingsInvalid` where no row is left.
    """
    usable = ~corpus.is_dev
    if without is not None:
        usable[without] = False
    if not fit.labels:
        return usable / usable.sum()
    chances = np.zeros(len(corpus), np.float64)
    for at, (name, head) in enumerate(config.heads.items()):
        mine = (corpus.head == at) & usable
        if mine.any() and (not fit.heads or name in fit.heads):
            chances[mine] = head.share * corpus.weight[mine] / corpus.weight[mine].sum()
    if fit.resampling:
        chances *= label_weights(corpus, chances, power=fit.resampling)
    if not chances.any():
        names = ", ".join(fit.heads or config.heads)
        raise SettingsInvalid(f"no training row has a label of {names}; expected some")
    chances *= (1 - fit.unlabelled_share) / chances.sum()
    free = corpus.head == NO_LABELS
    if free.any():
        chances[free] = fit.unlabelled_share / free.sum()
    return chances / chances.sum()


def label_weights(
    corpus: Corpus, chances: npt.NDArray[np.float64], *, power: float
) -> npt.NDArray[np.float32]:
    """Return each row's weight [rows]; 0 without labels.

    A label set weighs its share of its head's and language's draws to the power of minus `power`, 1 on average.
    """
    weights = np.zeros(len(corpus), np.float32)
    sets = corpus.targets / corpus.targets.sum(1, keepdims=True)
    for head, lang in np.unique(np.stack([corpus.head, corpus.lang], 1), axis=0):
        mine = np.flatnonzero((corpus.head == head) & (corpus.lang == lang) & (chances > 0))
        if head == NO_LABELS or not len(mine):
            continue
        mass = np.bincount(corpus.label_set[mine], chances[mine], len(sets)) @ sets
        share = (sets @ mass)[corpus.label_set[mine]] / chances[mine].sum()
        raw = (share + 1e-3) ** -power
        weights[mine] = raw / np.average(raw, weights=chances[mine])
    return weights


def planned_steps(
    chances: npt.NDArray[np.float64],
    lengths: Positions,
    *,
    fit: FitConfig,
    seed: int,
) -> Iterator[Positions]:
    """Yield the row positions of each step until `fit.samples` rows are drawn."""
    edges = np.cumsum(chances)
    drawn, group = 0, 0
    while drawn < fit.samples:
        generator = np.random.default_rng((seed, group))
        count = min(GROUP_ROWS, fit.samples - drawn)
        rows = np.searchsorted(edges, generator.random(count) * edges[-1])
        rows = np.minimum(rows, len(chances) - 1)
        rows = rows[np.argsort(lengths[rows] + generator.random(count), kind="stable")]
        steps = _cut(rows, lengths[rows], budget=fit.tokens_per_step)
        for at in generator.permutation(len(steps)):
            yield steps[at]
        drawn, group = drawn + count, group + 1


def _cut(rows: Positions, lengths: Positions, *, budget: int) -> list[Positions]:
    steps, first = [], 0
    for last in range(1, len(rows) + 1):
        if last < len(rows) and (last + 1 - first) * lengths[last] <= budget:
            continue
        steps.append(rows[first:last])
        first = last
    return steps


def framed_rows(
    corpus: Corpus, rows: Positions, *, with_context: npt.NDArray[np.bool_]
) -> Positions:
    """Return int64 [rows, width]: begin, text, end and, where wanted, end, context, end; then padding."""
    text, before = corpus.text[rows], corpus.before[rows]
    text_length = corpus.starts[text + 1] - corpus.starts[text]
    context_length = corpus.context_starts[before + 1] - corpus.context_starts[before]
    context_length = np.where(with_context, context_length, 0)
    end = text_length + 1
    has = context_length > 0
    ids = np.full((len(rows), int((end + 1 + np.where(has, context_length + 2, 0)).max())), PAD_ID)
    ids[:, 0] = BEGIN_ID
    _place(ids, corpus.pieces, first=corpus.starts[text], length=text_length, at=1)
    every = np.arange(len(rows))
    ids[every, end] = END_ID
    if has.any():
        ids[every[has], end[has] + 1] = END_ID
        ids[every[has], end[has] + context_length[has] + 2] = END_ID
        starts = corpus.context_starts[before]
        _place(ids, corpus.context, first=starts, length=context_length, at=end + 2)
    return ids


def _place(
    ids: Positions,
    flat: npt.NDArray[np.uint16],
    *,
    first: Positions,
    length: Positions,
    at: Positions | int,
) -> None:
    row = np.repeat(np.arange(len(ids)), length)
    within = np.arange(len(row)) - np.repeat(np.cumsum(length) - length, length)
    ids[row, np.repeat(np.broadcast_to(at, length.shape), length) + within] = flat[
        np.repeat(first, length) + within
    ]


def with_prefix(ids: Positions, prefix: tuple[int, ...]) -> Positions:
    """Return framed rows with `prefix` after their begin."""
    if not prefix:
        return ids
    middle = np.broadcast_to(np.array(prefix, np.int64), (len(ids), len(prefix)))
    return np.concatenate([ids[:, :1], middle, ids[:, 1:]], axis=1)


def drop_pieces(ids: "Tensor", *, share: float, augmented: float) -> "Tensor":
    """Replace some pieces of some rows by the unknown one; the frame stays."""
    import torch

    if not share or not augmented:
        return ids
    rows = torch.rand(len(ids), 1, device=ids.device) < augmented
    hit = torch.rand(ids.shape, device=ids.device) < share
    return torch.where(rows & hit & (ids > END_ID), UNKNOWN_ID, ids)
