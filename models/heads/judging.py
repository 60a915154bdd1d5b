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
    """Hold both parts' scores [examples, labels]; `is_judged` where the example's label was learnt in its fold.

    `is_foreign` where the example is in a language of too few others, in which the head abstains.
    """

    dense: FloatArray
    sparse: FloatArray
    is_judged: npt.NDArray[np.bool_]
    is_foreign: npt.NDArray[np.bool_]


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
    # What could not be learnt is a guess of no label: of one beyond the last.
    guessed = np.where(answers.is_judged, shares.argmax(1), len(labels))
    is_right = guessed == true
    is_answered = (entropy(shares) <= np.float32(limit)) & ~answers.is_foreign
    by_label = class_figures(confusion(true, guessed, classes=len(labels) + 1))
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
    precision, recall, f1, support = (column[: len(labels)] for column in by_label)
    return HeadFigures(
        rows=len(true),
        out_of_scope_recall=None,
        labels={
            label: LabelFigures(int(rows), _round(precision), _round(recall), _round(f1))
            for label, rows, precision, recall, f1 in zip(
                labels, support, precision, recall, f1, strict=True
            )
        },
        **{name: _round(value) for name, value in numbers.items()},
    )


def _round(value: float | np.floating[Any]) -> float:
    return round(float(value), DIGITS)
