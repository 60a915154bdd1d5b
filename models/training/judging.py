"""Fit calibration on development rows, and write down how each head does on each source.

In: development rows and the exported network's outputs on them. Out: calibrations and `Figure`s. Pure; imports numpy.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from models.calibration import LANGUAGES, HeadCalibrator, fit_temperature, fit_threshold, softmax
from models.evaluation.figures import accuracy, calibration_error, macro_f1
from models.manifest import Figure, LanguageCalibration
from models.protocols import EngineOutput, FloatArray
from models.training.config import TrainingConfig
from models.training.sources import LabelledRow

Calibration = dict[str, dict[str, LanguageCalibration]]
Indices = npt.NDArray[np.int64]


def fit_calibration(
    rows: Sequence[LabelledRow], output: EngineOutput, *, config: TrainingConfig
) -> Calibration:
    """Return temperature and threshold of each head and language with development rows (those with one label)."""
    calibration: Calibration = {}
    for head in config.labels:
        calibration[head] = {}
        for lang in config.abstain.answers_in.get(head, ("en", "zh")):
            at = _positions(rows, head, lang=lang)
            if len(at):
                calibration[head][lang] = _fit_one(
                    output.logits[head][at], _true(rows, at), config=config, head=head
                )
    return calibration


def _fit_one(
    logits: FloatArray, true: Indices, *, config: TrainingConfig, head: str
) -> LanguageCalibration:
    temperature = fit_temperature(logits, true)
    probabilities = softmax(logits / np.float32(temperature))
    threshold = fit_threshold(
        probabilities.max(1),
        probabilities.argmax(1) == true,
        accuracy=config.abstain.accuracy[head],
        least_answered=config.abstain.least_answered,
    )
    return LanguageCalibration(temperature, max(threshold, config.abstain.floor.get(head, 0.0)))


def judge(
    rows: Sequence[LabelledRow],
    output: EngineOutput,
    *,
    calibration: Calibration,
    baseline: Mapping[str, Mapping[str, float]],
) -> tuple[Figure, ...]:
    """Return one figure for each head and development source; `baseline` has keys `head/source`."""
    figures = []
    for head, source, lang in dict.fromkeys((row.head, row.source, row.lang) for row in rows):
        at = _positions(rows, head, lang=lang, source=source)
        true = _true(rows, at)
        known = np.zeros(output.logits[head].shape[1], np.bool_)
        known[list(rows[at[0]].known)] = True
        guessed = np.where(known, output.logits[head][at], -np.inf).argmax(1)
        languages = np.full(len(at), LANGUAGES.index("en" if lang == "en" else "zh"))
        answer = HeadCalibrator(calibration[head]).calibrate(output.logits[head][at], languages)
        is_right, is_answered = answer.best == true, ~answer.abstained
        yardstick = baseline[f"{head}/{source}"]
        numbers = {
            "accuracy": accuracy(true, guessed),
            "macro_f1": macro_f1(true, guessed),
            "baseline_accuracy": yardstick["accuracy"],
            "baseline_macro_f1": yardstick["macro_f1"],
            "open_accuracy": float(is_right.mean()),
            "answered": float(is_answered.mean()),
            "answered_accuracy": accuracy(true[is_answered], answer.best[is_answered]),
            "calibration_error": calibration_error(is_right, answer.probabilities.max(1)),
        }
        rounded = {name: round(value, 4) for name, value in numbers.items()}
        figures.append(Figure(head=head, source=source, lang=lang, rows=len(at), **rounded))
    return tuple(figures)


def _positions(
    rows: Sequence[LabelledRow], head: str, *, lang: str, source: str | None = None
) -> Indices:
    return np.array(
        [
            i
            for i, row in enumerate(rows)
            if row.head == head
            and row.lang == lang
            and len(row.targets) == 1
            and (source is None or row.source == source)
        ],
        np.int64,
    )


def _true(rows: Sequence[LabelledRow], at: Indices) -> Indices:
    return np.array([rows[i].targets[0] for i in at], np.int64)
