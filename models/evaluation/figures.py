"""Compute the figures by which a classifier is judged.

In: true and guessed label positions, probabilities. Out: numbers in 0...1. Pure; imports numpy and models.protocols.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from models.protocols import FloatArray

Positions = npt.NDArray[np.integer[Any]]


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


def calibration_error(
    is_right: npt.NDArray[np.bool_], probability: FloatArray, *, bins: int = 10
) -> float:
    """Return the expected calibration error: the mean gap of accuracy and confidence over equal-width bins, weighted.

    Reference: Guo et al., On Calibration of Modern Neural Networks, 2017.
    """
    if not len(is_right):
        return 0.0
    which = np.minimum((probability * bins).astype(int), bins - 1)
    gaps = [
        abs(is_right[which == b].mean() - probability[which == b].mean()) * np.mean(which == b)
        for b in np.unique(which)
    ]
    return float(np.sum(gaps))
