"""Fit calibration on development rows, and write down how each head does on each source.

In: development rows and the exported network's outputs on them. Out: calibrations, `Figure`s, likeness. Pure; imports
numpy.

A row's source told only some labels apart, and may have left open which of several is true: a row's probability is that
of its set of labels among those that its source knows.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from models.calibration import LANGUAGES, HeadCalibrator, fit_temperature, fit_threshold, softmax
from models.evaluation.figures import (
    accuracy,
    calibration_error,
    macro_recall,
    most_confident,
)
from models.evaluation.summary import Figures, summarise
from models.manifest import Figure, LanguageCalibration, Pool, RarestClass
from models.protocols import EngineOutput, FloatArray
from models.training.config import TrainingConfig
from models.training.sources import LabelledRow

Calibration = dict[str, dict[str, LanguageCalibration]]
Indices = npt.NDArray[np.int64]
IMPOSSIBLE = -1e4


class Classes(NamedTuple):
    """Hold one source's rows as classes.

    `at` are the rows' positions, `true` their classes, `members` bool [classes, labels] the labels of each class and
    `known` bool [labels] those that the source tells apart.
    """

    at: Indices
    true: Indices
    members: npt.NDArray[np.bool_]
    known: npt.NDArray[np.bool_]
    names: list[str]


def classes_of(
    rows: Sequence[LabelledRow], labels: Sequence[str], *, source: tuple[str, str, str]
) -> Classes:
    """Return the classes of one (head, file, language): its sets of labels where they do not overlap, else its labels.

    Where sets overlap, rows with several labels are left out.
    """
    mine = [i for i, row in enumerate(rows) if (row.head, row.source, row.lang) == source]
    sets = sorted({tuple(sorted(rows[i].targets)) for i in mine})
    if len({label for group in sets for label in group}) < sum(map(len, sets)):
        mine = [i for i in mine if len(rows[i].targets) == 1]
        sets = sorted({tuple(rows[i].targets) for i in mine})
    numbers = {group: number for number, group in enumerate(sets)}
    true = [numbers[tuple(sorted(rows[i].targets))] for i in mine]
    known = np.isin(labels, rows[mine[0]].known)
    members = np.array([[label in group for label in labels] for group in sets])
    names = ["+".join(group) for group in sets]
    return Classes(np.array(mine), np.array(true), members, known, names)


def sources_of(rows: Sequence[LabelledRow], head: str) -> list[tuple[str, str, str]]:
    """Return each (head, file, language) of a head's rows, in order."""
    return list(dict.fromkeys((r.head, r.source, r.lang) for r in rows if r.head == head))


def shares_of(logits: FloatArray, classes: Classes, *, temperature: float) -> FloatArray:
    """Return the probability of each class [rows, classes], its row's sum 1."""
    among = np.where(classes.known, logits[classes.at] / np.float32(temperature), IMPOSSIBLE)
    sums = softmax(among.astype(np.float32)) @ classes.members.T.astype(np.float32)
    result: FloatArray = sums / sums.sum(1, keepdims=True)
    return result


def fit_calibration(
    rows: Sequence[LabelledRow], output: EngineOutput, *, config: TrainingConfig
) -> Calibration:
    """Return temperature and threshold of each head and language with development rows.

    A source counts by the root of its rows: one that is large would else decide alone. A temperature that the config
    sets is kept; a threshold is at least the floor that it sets.
    """
    calibration: Calibration = {}
    for head, labels in config.exported.items():
        calibration[head] = {}
        for lang in config.abstain.answers_in.get(head, ("en", "zh")):
            sources = [source for source in sources_of(rows, head) if source[2] == lang]
            classes = [classes_of(rows, labels, source=source) for source in sources]
            if classes:
                calibration[head][lang] = _fit_one(
                    output.logits[head], classes, config=config, answer=(head, lang)
                )
    return calibration


def _fit_one(
    logits: FloatArray,
    classes: Sequence[Classes],
    *,
    config: TrainingConfig,
    answer: tuple[str, str],
) -> LanguageCalibration:
    """Return the calibration of `answer`, a head and a language."""
    generator = np.random.default_rng(config.seed)
    count = round(float(np.mean([len(each.at) ** 0.5 for each in classes])) ** 2)
    drawn = [
        each._replace(at=each.at[chosen], true=each.true[chosen])
        for each in classes
        for chosen in [generator.integers(0, len(each.at), _weighed(len(each.at), count))]
    ]
    temperature = config.abstain.temperature_of(*answer)
    if temperature is None:
        temperature = fit_temperature(lambda t: _loss(logits, drawn, temperature=t))
    # What is served is the best of all labels, whatever a source tells apart.
    served = [softmax(logits[each.at] / np.float32(temperature)) for each in drawn]
    threshold = fit_threshold(
        np.concatenate([share.max(1) for share in served]),
        np.concatenate(
            [
                each.members[each.true, share.argmax(1)]
                for share, each in zip(served, drawn, strict=True)
            ]
        ),
        accuracy=config.abstain.accuracy[answer[0]],
        least_answered=config.abstain.least_answered,
    )
    return LanguageCalibration(temperature, max(threshold, config.abstain.floor_of(*answer)))


def _loss(logits: FloatArray, drawn: Sequence[Classes], *, temperature: float) -> float:
    shares = [shares_of(logits, each, temperature=temperature) for each in drawn]
    losses = [
        -np.log(share[np.arange(len(each.at)), each.true] + 1e-9)
        for share, each in zip(shares, drawn, strict=True)
    ]
    return float(np.concatenate(losses).mean())


def _weighed(rows: int, typical: int) -> int:
    return max(1, round((rows * typical) ** 0.5))


def judge(
    rows: Sequence[LabelledRow],
    output: EngineOutput,
    *,
    config: TrainingConfig,
    calibration: Calibration,
    baseline: Mapping[str, Mapping[str, float]],
) -> tuple[Figure, ...]:
    """Return one figure for each head and development source; `baseline` has keys `head/source`."""
    figures = []
    for head, labels in config.exported.items():
        for source in sources_of(rows, head):
            classes = classes_of(rows, labels, source=source)
            if len(classes.names) > 1:
                figures.append(
                    _figure(
                        source,
                        classes,
                        logits=output.logits[head],
                        calibration=calibration[head],
                        baseline=baseline,
                    )
                )
    return tuple(figures)


def pool(
    rows: Sequence[LabelledRow],
    output: EngineOutput,
    *,
    config: TrainingConfig,
    calibration: Calibration,
) -> tuple[Pool, ...]:
    """Return one head's figures over all its rows of a language, for each head and language."""
    pools = []
    for head, labels in config.exported.items():
        by_language: dict[str, list[Classes]] = {}
        for source in sources_of(rows, head):
            classes = classes_of(rows, labels, source=source)
            if len(classes.names) > 1:
                by_language.setdefault(source[2], []).append(classes)
        for lang, parts in by_language.items():
            fitted = calibration[head].get(lang)
            temperature = fitted.temperature if fitted else 1.0
            shares = [shares_of(output.logits[head], p, temperature=temperature) for p in parts]
            top = np.concatenate([share.max(1) for share in shares])
            right = np.concatenate(
                [s.argmax(1) == p.true for s, p in zip(shares, parts, strict=True)]
            )
            surest = most_confident(top.astype(np.float64))
            pools.append(
                Pool(
                    head=head,
                    lang=lang,
                    rows=len(top),
                    accuracy=round(float(right.mean()), 4),
                    accuracy_at_80=round(float(right[surest].mean()), 4),
                    calibration_error=round(calibration_error(right, top), 4),
                )
            )
    return tuple(pools)


def _figure(
    source: tuple[str, str, str],
    classes: Classes,
    *,
    logits: FloatArray,
    calibration: Mapping[str, LanguageCalibration],
    baseline: Mapping[str, Mapping[str, float]],
) -> Figure:
    head, file, lang = source
    fitted = calibration.get(lang)
    shares = shares_of(logits, classes, temperature=fitted.temperature if fitted else 1.0)
    summary = summarise(classes.true, shares.astype(np.float64), names=classes.names)
    languages = np.full(len(classes.at), LANGUAGES.index("en" if lang == "en" else "zh"))
    answered = ~HeadCalibrator(calibration).calibrate(logits[classes.at], languages).abstained
    yardstick = baseline.get(f"{head}/{file}", {})
    guessed = shares.argmax(1)
    return Figure(
        head=head,
        source=file,
        lang=lang,
        rows=summary.n,
        accuracy=summary.accuracy,
        macro_f1=summary.macro_f1,
        macro_recall=round(macro_recall(classes.true, guessed), 4),
        baseline_accuracy=yardstick.get("accuracy", 0.0),
        baseline_macro_f1=yardstick.get("macro_f1", 0.0),
        baseline_macro_recall=yardstick.get("macro_recall", 0.0),
        calibration_error=summary.ece,
        macro_f1_at_80=summary.macro_f1_at_80,
        answered=round(float(answered.mean()), 4),
        answered_accuracy=round(accuracy(classes.true[answered], guessed[answered]), 4),
        rarest=_rarest(summary),
    )


def _rarest(summary: Figures) -> RarestClass:
    name, found = min(summary.per_class.items(), key=lambda item: item[1].support)
    return RarestClass(name, found.support, found.f1)


def likeness_by_language(
    ours: FloatArray, theirs: npt.NDArray[np.floating[Any]], *, langs: Sequence[str]
) -> dict[str, float]:
    """Return the mean cosine of unit rows `ours` to unit rows `theirs` [rows, hidden], by language.

    >>> ours = np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)
    >>> likeness_by_language(ours, np.array([[1.0, 0.0], [0.8, 0.6]]), langs=["en", "zh"])
    {'en': 1.0, 'zh': 0.6}
    """
    cosines = np.sum(ours * theirs.astype(np.float32), axis=1)
    spoken = np.array(langs)
    return {lang: round(float(cosines[spoken == lang].mean()), 4) for lang in sorted(set(langs))}
