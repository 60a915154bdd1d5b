"""Say how far a figure may be off by chance: percentile intervals of the bootstrap.

In: a confusion of true and guessed classes. Out: 95 % intervals of accuracy and macro-F1. Pure; imports numpy.

Rows drawn with replacement give cells drawn from a multinomial distribution, and both figures depend on the cells
alone: one draw costs as much as there are cells, however many rows the file has.
Reference: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

DRAWS = 2_000
SEED = 7
TAILS = (2.5, 97.5)

Interval = tuple[float, float]
Counts = npt.NDArray[np.int64]


class Intervals(NamedTuple):
    """Hold the 95 % intervals of accuracy and macro-F1, each (low, high) in 0...1."""

    accuracy: Interval
    macro_f1: Interval


def bootstrap_intervals(cells: Counts, *, draws: int = DRAWS, seed: int = SEED) -> Intervals:
    """Return the intervals of a confusion `cells` [classes, classes] with at least one row; equal seeds, equal answers.

    A draw's macro-F1 is the mean over the classes that it has true rows of.

    >>> bootstrap_intervals(np.array([[5, 0], [0, 5]])).accuracy
    (1.0, 1.0)
    """
    total = int(cells.sum())
    true, guessed = np.nonzero(cells)
    drawn = np.random.default_rng(seed).multinomial(total, cells[true, guessed] / total, size=draws)
    classes, is_hit = len(cells), true == guessed
    support = _by_class(drawn, true, classes=classes)
    guesses = _by_class(drawn, guessed, classes=classes)
    hits = _by_class(drawn[:, is_hit], true[is_hit], classes=classes)
    f1 = 2 * hits / np.maximum(support + guesses, 1)
    # A class without true rows has hits and so F1 of 0: it must only leave the count.
    macro = f1.sum(1) / (support > 0).sum(1)
    return Intervals(_interval(hits.sum(1) / total), _interval(macro))


def _by_class(drawn: Counts, owners: Counts, *, classes: int) -> Counts:
    """Return `drawn` [draws, cells] added up by the class in `owners` [cells], int64 [draws, classes]."""
    totals = np.zeros((len(drawn), classes), np.int64)
    if len(owners):
        order = np.argsort(owners, kind="stable")
        present, starts = np.unique(owners[order], return_index=True)
        totals[:, present] = np.add.reduceat(drawn[:, order], starts, axis=1)
    return totals


def _interval(values: npt.NDArray[np.float64]) -> Interval:
    low, high = np.percentile(values, TAILS)
    return float(low), float(high)
