"""Sum up how a classifier chose among the classes of a file, whoever the classifier is.

In: true classes and a share for every class, row by row. Out: `Figures`. Pure; imports msgspec, numpy and
models.evaluation.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from models.evaluation.figures import (
    ClassFigures,
    Numbers,
    Positions,
    accuracy,
    calibration_error,
    class_figures,
    confusion,
    macro_f1,
    macro_recall,
    most_confident,
    ranking_area,
)
from models.evaluation.intervals import Interval, bootstrap_intervals

DIGITS = 4


class ClassSummary(msgspec.Struct, frozen=True):
    """Hold one class's figures in 0...1 and its number of true rows."""

    f1: float
    precision: float
    recall: float
    support: int


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Hold what was measured of one classifier on one file, shares in 0...1.

    A guess is the class with the largest share. Intervals are 95 % of the bootstrap. `auc` is macro one-vs-rest, None
    where no class can be ranked. `ece` is over 15 bins of equal mass, of the guess's share. What ends in `_at_80`
    counts the 80 % of rows with the largest share of the guess, and `gain` is what that adds. `confusion` is by true,
    then guessed class, without zeros.
    """

    n: int
    accuracy: float
    accuracy_interval: Interval
    macro_f1: float
    macro_f1_interval: Interval
    macro_recall: float
    auc: float | None
    ece: float
    accuracy_at_80: float
    accuracy_gain_at_80: float
    macro_f1_at_80: float
    macro_f1_gain_at_80: float
    per_class: dict[str, ClassSummary]
    confusion: dict[str, dict[str, int]]


def summarise(true: Positions, shares: Numbers, *, names: Sequence[str]) -> Figures:
    """Return the figures of `shares` [rows, classes], each row's sum 1, against `true` [rows] positions in `names`."""
    guessed, confidence = shares.argmax(1), shares.max(1)
    cells = confusion(true, guessed, classes=len(names))
    intervals = bootstrap_intervals(cells)
    surest = most_confident(confidence)
    whole = accuracy(true, guessed), macro_f1(true, guessed)
    part = accuracy(true[surest], guessed[surest]), macro_f1(true[surest], guessed[surest])
    return Figures(
        n=len(true),
        accuracy=rounded(whole[0]),
        accuracy_interval=_rounded_pair(intervals.accuracy),
        macro_f1=rounded(whole[1]),
        macro_f1_interval=_rounded_pair(intervals.macro_f1),
        macro_recall=rounded(macro_recall(true, guessed)),
        auc=None if (area := ranking_area(true, shares)) is None else rounded(area),
        ece=rounded(calibration_error(true == guessed, confidence)),
        accuracy_at_80=rounded(part[0]),
        accuracy_gain_at_80=rounded(part[0] - whole[0]),
        macro_f1_at_80=rounded(part[1]),
        macro_f1_gain_at_80=rounded(part[1] - whole[1]),
        per_class=_by_class(class_figures(cells), names),
        confusion=_by_name(cells, names),
    )


def rounded(value: float) -> float:
    """Return `value` to four digits."""
    return round(float(value), DIGITS)


def normalised(sums: Numbers) -> Numbers:
    """Return each row of `sums` [rows, classes] divided by its total; a row without any is spread evenly."""
    totals = sums.sum(1, keepdims=True)
    shares = np.full_like(sums, 1 / sums.shape[1])
    np.divide(sums, totals, out=shares, where=totals > 0)
    return shares


def _rounded_pair(interval: Interval) -> Interval:
    return rounded(interval[0]), rounded(interval[1])


def _by_class(figures: ClassFigures, names: Sequence[str]) -> dict[str, ClassSummary]:
    return {
        name: ClassSummary(
            f1=rounded(figures.f1[at]),
            precision=rounded(figures.precision[at]),
            recall=rounded(figures.recall[at]),
            support=int(figures.support[at]),
        )
        for at, name in enumerate(names)
    }


def _by_name(cells: npt.NDArray[np.int64], names: Sequence[str]) -> dict[str, dict[str, int]]:
    return {
        name: {guess: count for guess, count in zip(names, row, strict=True) if count}
        for name, row in zip(names, cells.tolist(), strict=True)
    }
