"""The score of the Numenta Anomaly Benchmark, from its published rules.

In: the scores of series and the windows in which something was labelled. Out: a normalised score, 0 for a detector that
never alarms and 100 for a perfect one, at a given threshold or at the best one for all series together.

Reference: Lavin and Ahmad, "Evaluating real-time anomaly detection algorithms: the Numenta Anomaly Benchmark", 2015,
arXiv:1510.03336. The first 15 % of a series, of at most 5,000 rows, is never scored. The first alarm in a window earns
up to 1, by how early it comes; a missed window costs 1; an alarm outside costs up to 0.11 (standard) or 0.22 (low false
positives), less just after a window.

As the threshold sinks, alarms are only added, so each alarm changes the sum by a fixed amount: sorted by score, their
running sum is the score at every threshold at once.
"""

import json
import math
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
STANDARD, LOW_FP = 0.11, 0.22
PROBATION, PROBATION_ROWS = 0.15, 5_000


class Labelled(NamedTuple):
    """Hold the windows of a series, as first and last row, and how many of its rows are not scored."""

    spans: list[tuple[int, int]]
    probation: int


class Alarms(NamedTuple):
    """Hold what each alarm of a series brings: its score, its cost outside windows, its gain within; arrays alike."""

    scores: Floats
    outside: Floats
    gains: Floats
    windows: int


class Best(NamedTuple):
    score: float
    threshold: float


def read_windows(path: Path) -> dict[str, list[tuple[str, str]]]:
    return {
        name: [tuple(span) for span in spans]
        for name, spans in json.loads(path.read_text()).items()
    }


def label(timestamps: Sequence[str], windows: Sequence[tuple[str, str]]) -> Labelled:
    times: Any = np.array([datetime.fromisoformat(text) for text in timestamps], "datetime64[us]")
    spans = []
    for start, end in windows:
        first, last = datetime.fromisoformat(start), datetime.fromisoformat(end)
        inside = np.flatnonzero((times >= np.datetime64(first)) & (times <= np.datetime64(last)))
        if len(inside):
            spans.append((int(inside[0]), int(inside[-1])))
    return Labelled(sorted(spans), math.floor(PROBATION * min(len(times), PROBATION_ROWS)))


def alarms_of(scores: Floats, labelled: Labelled) -> Alarms:
    spans, rows = labelled.spans, np.arange(len(scores))
    owner = np.full(len(scores), -1)
    for number, (first, last) in enumerate(spans):
        owner[first : last + 1] = number
    scored = rows >= labelled.probation
    outside = np.flatnonzero(scored & (owner < 0))
    found, costs = [scores[outside]], [np.array([_cost(int(row), spans) for row in outside])]
    gains = [np.zeros(len(outside))]
    for number in range(len(spans)):
        inside = np.flatnonzero(scored & (owner == number))
        if len(inside):
            heights, gain = _window(scores[inside], rows=inside, span=spans[number])
            found.append(heights)
            gains.append(gain)
            costs.append(np.zeros(len(gain)))
    return Alarms(
        scores=np.concatenate(found),
        outside=np.concatenate(costs),
        gains=np.concatenate(gains),
        windows=len(spans),
    )


def at_threshold(series: Sequence[Alarms], threshold: float, *, weight: float = STANDARD) -> float:
    total = sum(
        float((weight * one.outside + one.gains)[one.scores >= threshold].sum()) for one in series
    )
    return 100.0 * total / (2 * max(sum(one.windows for one in series), 1))


def best(series: Sequence[Alarms], *, weight: float = STANDARD) -> Best:
    """Return the best single threshold for all series together; above every score where nothing is worth an alarm."""
    scores = np.concatenate([one.scores for one in series])
    worth = np.concatenate([weight * one.outside + one.gains for one in series])
    order = np.argsort(-scores, kind="stable")
    scores, sums = scores[order], np.cumsum(worth[order])
    # Equal scores alarm together.
    ends = np.flatnonzero(np.append(scores[1:] != scores[:-1], True) & (scores > 0))
    if not len(ends) or sums[ends].max() <= 0:
        return Best(0.0, 1.1)
    place = ends[sums[ends].argmax()]
    windows = sum(one.windows for one in series)
    return Best(100.0 * float(sums[place]) / (2 * windows), float(scores[place]))


def _cost(row: int, spans: Sequence[tuple[int, int]]) -> float:
    past = [span for span in spans if span[1] < row]
    if not past or past[-1][0] == past[-1][1]:
        return -1.0
    first, last = past[-1]
    return _sigmoid((row - last) / (last - first))


def _window(scores: Floats, *, rows: Any, span: tuple[int, int]) -> tuple[Floats, Floats]:
    """Return the scores at which the first alarm of a window moves forward, and what each brings."""
    first, last = span
    values = np.array(
        [_sigmoid(-(last - row + 1) / (last - first + 1)) for row in rows]
    ) / _sigmoid(-1.0)
    highest = np.maximum.accumulate(scores)
    records = np.append(True, highest[1:] > highest[:-1])
    worth = values[records]
    # The highest record alarms first and saves the miss; every lower one before it comes earlier.
    return scores[records], worth - np.append(worth[1:], -1.0)


def _sigmoid(position: float) -> float:
    return -1.0 if position > 3.0 else 2.0 / (1.0 + math.exp(5.0 * position)) - 1.0
