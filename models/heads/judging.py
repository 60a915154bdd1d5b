"""Judge a head by its answers to examples that it was not fitted on.

In: both parts' scores from cross-validation, true labels, a limit of entropy. Out: `HeadFigures`. Pure; imports numpy,
models.evaluation and models.heads.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from models.evaluation.figures import (
    accuracy,
    calibration_error,
    class_figures,
    confusion,
    macro_f1,
)
from models.heads.joining import Factors, entropy, join
from models.heads.manifest import HeadFigures, LabelFigures
from models.protocols import FloatArray

Positions = npt.NDArray[np.int64]
DIGITS = 4


class CrossAnswers(NamedTuple):
    """Hold both parts' scores [examples, labels]; `is_judged` where the example's label was learnt in its fold."""

    dense: FloatArray
    sparse: FloatArray
    is_judged: npt.NDArray[np.bool_]


def figures_of(
    answers: CrossAnswers,
    true: Positions,
    *,
    labels: Sequence[str],
    factors: Factors,
    limit: float,
) -> HeadFigures:
    """Return the figures of the joined answers; an example whose label its fold could not learn is wrong."""
    shares = join(answers.dense, answers.sparse, factors=factors)
    guessed = np.where(answers.is_judged, shares.argmax(1), -1)
    is_right, is_answered = guessed == true, entropy(shares) <= np.float32(limit)
    cells = confusion(true, np.maximum(guessed, 0), classes=len(labels))
    by_label = class_figures(cells)
    numbers = {
        "accuracy": is_right.mean(),
        "macro_f1": macro_f1(true, guessed),
        "dense_accuracy": accuracy(true, answers.dense.argmax(1)),
        "sparse_accuracy": accuracy(true, answers.sparse.argmax(1)),
        "calibration_error": calibration_error(is_right, shares.max(1)),
        "answered": is_answered.mean(),
        "answered_accuracy": is_right[is_answered].mean() if is_answered.any() else 0.0,
        "kept_accuracy": (is_right & is_answered).mean(),
    }
    columns = (by_label.support, by_label.precision, by_label.recall, by_label.f1)
    return HeadFigures(
        rows=len(true),
        out_of_scope_recall=None,
        labels={
            label: LabelFigures(int(rows), _round(precision), _round(recall), _round(f1))
            for label, rows, precision, recall, f1 in zip(labels, *columns, strict=True)
        },
        **{name: _round(value) for name, value in numbers.items()},
    )


def _round(value: float | np.floating[Any]) -> float:
    return round(float(value), DIGITS)
