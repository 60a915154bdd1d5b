"""Turn logits into probabilities that mean what they say, and abstain where they say too little.

In: logits [rows, labels] and each row's language. Out: calibrated probabilities, the best label, whether to abstain.
Pure; imports numpy, models.manifest and models.protocols.

    p = softmax(logits / T[language]);  abstain if max p < threshold[language]

Reference: Guo et al., On Calibration of Modern Neural Networks, 2017. A language without a calibration of its
own always abstains.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.manifest import LanguageCalibration
from models.protocols import FloatArray, Lang

LANGUAGES: tuple[Lang, ...] = ("en", "zh", "other")
NEVER = 2.0  # a probability that no answer reaches


class Calibrated(NamedTuple):
    """Hold one head's answers: `probabilities` [rows, labels], `best` [rows] label positions, `abstained` [rows]."""

    probabilities: FloatArray
    best: npt.NDArray[np.int64]
    abstained: npt.NDArray[np.bool_]


class HeadCalibrator:
    """Calibrate one head; holds a temperature and a threshold a language."""

    def __init__(self, by_language: Mapping[str, LanguageCalibration]) -> None:
        absent = LanguageCalibration(temperature=1.0, threshold=NEVER)
        chosen = [by_language.get(lang, absent) for lang in LANGUAGES]
        self._temperatures = np.array([each.temperature for each in chosen], np.float32)
        self._thresholds = np.array([each.threshold for each in chosen], np.float32)

    def calibrate(self, logits: FloatArray, languages: npt.NDArray[np.int64]) -> Calibrated:
        """Return the calibrated answers; `languages` holds each row's position in `LANGUAGES`."""
        probabilities = softmax(logits / self._temperatures[languages, None])
        best = probabilities.argmax(axis=1)
        top = probabilities[np.arange(len(best)), best]
        return Calibrated(probabilities, best, top < self._thresholds[languages])


def softmax(logits: FloatArray) -> FloatArray:
    """Return exp(x) / sum exp(x) along the last axis, safe for large x."""
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    result: FloatArray = raised / raised.sum(axis=-1, keepdims=True)
    return result


def language_positions(languages: Sequence[Lang]) -> npt.NDArray[np.int64]:
    """Return each language's position in `LANGUAGES`, int64."""
    return np.fromiter(map(LANGUAGES.index, languages), np.int64, len(languages))


def fit_temperature(loss: Callable[[float], float]) -> float:
    """Return the temperature in 0.25...4 (steps of 2 %) of the least loss.

    >>> fit_temperature(lambda t: (t - 2.0) ** 2)
    1.9997
    """
    grid = 0.25 * 1.02 ** np.arange(141)
    losses = [loss(float(temperature)) for temperature in grid]
    return round(float(grid[int(np.argmin(losses))]), 4)


def fit_threshold(
    top: FloatArray, is_right: npt.NDArray[np.bool_], *, accuracy: float, least_answered: float
) -> float:
    """Return the lowest probability at which the answered rows reach `accuracy`, but answer at least `least_answered`.

    `top` [rows] is each row's best probability. When no threshold reaches the accuracy, the highest that still answers
    enough is returned.
    """
    order = np.argsort(-top, kind="stable")
    right_so_far = np.cumsum(is_right[order]) / np.arange(1, len(order) + 1)
    least = max(1, round(least_answered * len(order)))
    good = np.flatnonzero(right_so_far >= accuracy)
    answered = max(int(good[-1]) + 1 if len(good) else 0, least)
    return round(float(top[order[answered - 1]]) - 5e-5, 4)
