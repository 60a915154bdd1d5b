"""Keep few of the training rows: those that a short training would draw.

In: labelled rows, unlabelled texts, a `TrainingConfig` whose `rows` is not 0. Out: fewer of both, in their order.
Imports numpy; never torch.

A row's chance is that of the student's last stage: its head's share, its own weight; the unlabelled share is spread
over the texts. Rows are taken without replacement, so small sets that are drawn again and again are kept whole.
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from models.training.config import TrainingConfig
from models.training.sources import LabelledRow, PlainText


def thinned(
    rows: Sequence[LabelledRow], texts: Sequence[PlainText], *, config: TrainingConfig
) -> tuple[list[LabelledRow], list[PlainText]]:
    """Return `config.rows` rows and texts for training, and all development rows."""
    chances = _chances(rows, texts, config=config)
    count = min(config.rows, int(np.count_nonzero(chances)))
    generator = np.random.default_rng(config.seed)
    kept = np.zeros(len(chances), np.bool_)
    kept[generator.choice(len(chances), count, replace=False, p=chances)] = True
    labelled = [row for row, is_kept in zip(rows, kept, strict=False) if is_kept or row.is_dev]
    plain = [text for text, is_kept in zip(texts, kept[len(rows) :], strict=True) if is_kept]
    return labelled, plain


def _chances(
    rows: Sequence[LabelledRow], texts: Sequence[PlainText], *, config: TrainingConfig
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the chance of each row, then of each text; they sum to 1."""
    total: defaultdict[str, float] = defaultdict(float)
    for row in rows:
        total[row.head] += 0 if row.is_dev else row.weight
    unlabelled = config.student.fit.unlabelled_share if texts else 0.0
    chances = np.zeros(len(rows) + len(texts), np.float64)
    for at, row in enumerate(rows):
        if not row.is_dev:
            chances[at] = config.heads[row.head].share * row.weight / total[row.head]
    chances[: len(rows)] *= (1 - unlabelled) / chances.sum()
    chances[len(rows) :] = unlabelled / max(1, len(texts))
    return chances / chances.sum()
