"""Compute the figures by which a classifier is judged.

In: true and guessed label positions, probabilities. Out: numbers in 0...1. Pure; imports numpy and models.protocols.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from models.protocols import FloatArray

Positions = npt.NDArray[np.integer[Any]]
Numbers = npt.NDArray[np.float64]
CALIBRATION_BINS = 15
COVERAGE = 0.8


class ClassFigures(NamedTuple):
    """Hold precision, recall, F1 and the number of true rows of every class, each [classes]."""

    precision: Numbers
    recall: Numbers
    f1: Numbers
    support: npt.NDArray[np.int64]


def accuracy(true: Positions, guessed: Positions) -> float:
    """Return the share of equal entries; 0 for none."""
    return float(np.mean(true == guessed)) if len(true) else 0.0


def macro_f1(true: Positions, guessed: Positions) -> float:
    """Return the mean F1 over the labels that occur in `true`; F1 = 2 tp / (2 tp + fp + fn).

    >>> round(macro_f1(np.array([0, 0, 1]), np.array([0, 1, 1])), 4)
    0.6667
    """
    scores = []
    for label in np.unique(true):
        hits = np.sum((true == label) & (guessed == label))
        scores.append(2 * hits / (np.sum(true == label) + np.sum(guessed == label)))
    return float(np.mean(scores)) if scores else 0.0


def macro_recall(true: Positions, guessed: Positions) -> float:
    """Return the mean recall over the labels that occur in `true`."""
    recalls = [np.mean(guessed[true == label] == label) for label in np.unique(true)]
    return float(np.mean(recalls)) if recalls else 0.0


def confusion(true: Positions, guessed: Positions, *, classes: int) -> npt.NDArray[np.int64]:
    """Return the number of rows by true (first axis) and guessed class, int64 [classes, classes].

    >>> confusion(np.array([0, 0, 1]), np.array([0, 1, 1]), classes=2).tolist()
    [[1, 1], [0, 1]]
    """
    cells = np.bincount(true * classes + guessed, minlength=classes * classes)
    return cells.reshape(classes, classes)


def class_figures(cells: npt.NDArray[np.int64]) -> ClassFigures:
    """Return each class's figures from its confusion; 0 where a denominator is 0, as scikit-learn's `zero_division=0`.

    >>> class_figures(np.array([[1, 1], [0, 1]])).f1.round(4).tolist()
    [0.6667, 0.6667]
    """
    hits, support, guesses = np.diag(cells), cells.sum(1), cells.sum(0)
    return ClassFigures(
        precision=hits / np.maximum(guesses, 1),
        recall=hits / np.maximum(support, 1),
        f1=2 * hits / np.maximum(support + guesses, 1),
        support=support,
    )


def ranking_area(true: Positions, shares: Numbers) -> float | None:
    """Return the macro one-vs-rest area under the ROC curve, over the classes that have rows on both sides.

    `shares` is [rows, classes]. A class's area is the chance that a row of it has a greater share than a row of another
    (ties count half), from the mean ranks of its p rows among n: (sum of ranks - p (p + 1) / 2) / (p (n - p)). None
    where no class has both sides.
    Reference: Hand and Till, A Simple Generalisation of the Area Under the ROC Curve, 2001.

    >>> ranking_area(np.array([0, 0, 1]), np.array([[0.9, 0.1], [0.4, 0.6], [0.4, 0.6]]))
    0.75
    """
    areas = []
    for label, column in enumerate(shares.T):
        is_it = true == label
        inside, outside = int(is_it.sum()), int((~is_it).sum())
        if inside and outside:
            _, place, count = np.unique(column, return_inverse=True, return_counts=True)
            mean_rank = np.cumsum(count) - (count - 1) / 2
            total = mean_rank[place[is_it]].sum()
            areas.append((total - inside * (inside + 1) / 2) / (inside * outside))
    return float(np.mean(areas)) if areas else None


def calibration_error(
    is_right: npt.NDArray[np.bool_],
    probability: FloatArray | Numbers,
    *,
    bins: int = CALIBRATION_BINS,
) -> float:
    """Return the expected calibration error: the mean gap of accuracy and confidence over bins of equal mass, weighted.

    The rows in order of their probability are cut into `bins` parts of as many rows; equal probabilities share a bin,
    so that the order of the rows changes nothing. Reference: Nguyen and O'Connor, Posterior calibration and
    exploratory analysis for natural language processing models, 2015.

    >>> round(calibration_error(np.array([True, False]), np.array([0.95, 0.95])), 4)
    0.45
    """
    if not len(is_right):
        return 0.0
    confidence = probability.astype(np.float64)
    _, place, count = np.unique(confidence, return_inverse=True, return_counts=True)
    below = (np.cumsum(count) - count)[place]
    which = below * bins // len(confidence)
    gaps = np.bincount(which, is_right, minlength=bins) - np.bincount(
        which, confidence, minlength=bins
    )
    return float(np.abs(gaps).sum() / len(confidence))


def most_confident(confidence: Numbers, *, share: float = COVERAGE) -> npt.NDArray[np.int64]:
    """Return the positions of the `share` of rows with the highest confidence; of equal ones the earlier."""
    kept = max(1, round(share * len(confidence)))
    return np.argsort(-confidence, kind="stable")[:kept]
