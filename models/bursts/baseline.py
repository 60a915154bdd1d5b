"""What a series usually shows at this hour of the week, and how far it strays: a robust seasonal baseline.

In: values [n], one a series, step by step. Out: what was expected of them and the usual deviation. Pure; imports
numpy alone.

    expected = level + size · (D[hour of day] + W[hour of week])
    r = clip(x − expected, ±CLIP · scale)                     one burst moves nothing far
    level  += a · r,  a = max(step / LEVEL_S, 1 / (steps + 1))
    size   += a · (min(|x|, |expected| + CLIP · scale) − size)      what seasons are measured in
    D      += d · (r / size),      d = step / DAY_S           from 0: an hour seldom seen stays near the level
    W      += w · (r / size),      w = step / WEEK_S
    spread += a · (|r| − spread);  scale = max(1.2533 · spread, √(unit · expected))

The floor is the noise of counting: `unit` is the smallest step that the values ever took, 1 for counts. A series that
was never negative is never expected to be. Reference: exponential smoothing with a double season, Taylor, "Short-term
electricity demand forecasting using double seasonal exponential smoothing", 2003; clipped as in Gelper, Fried and
Croux, "Robust forecasting with exponential and Holt-Winters smoothing", 2010.

    >>> state = fresh(1)
    >>> for step in range(100):
    ...     _ = observe(state, np.array([8.0 + 4 * (step % 2)]), at_s=300.0 * step, step_s=300.0)
    >>> expected, scale = foretell(state, at_s=30_000.0)
    >>> expected.round(0).tolist(), scale.round(0).tolist()
    ([10.0], [3.0])
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.bursts.readings import Floats

LEVEL_S = 86_400.0
DAY_S = 4 * 3_600.0
WEEK_S = 4 * 3_600.0
CLIP = 3.0
HOUR_S = 3_600.0
HOURS_OF_DAY = 24
HOURS_OF_WEEK = 168
# The mean absolute deviation of a normal distribution is 1/1.2533 of its standard deviation.
NORMAL = 1.2533


class Baseline(NamedTuple):
    """Hold what was learnt of n series: arrays [n], but `season` [n, 24 + 168]."""

    steps: Floats
    level: Floats
    size: Floats
    spread: Floats
    last: Floats
    unit: Floats
    least: Floats
    season: npt.NDArray[np.float32]


def fresh(n: int) -> Baseline:
    """Return the state of `n` series that were never seen."""
    return Baseline(
        steps=np.zeros(n),
        level=np.zeros(n),
        size=np.zeros(n),
        spread=np.zeros(n),
        last=np.full(n, np.nan),
        unit=np.full(n, np.inf),
        least=np.full(n, np.inf),
        season=np.zeros((n, HOURS_OF_DAY + HOURS_OF_WEEK), np.float32),
    )


def foretell(state: Baseline, at_s: float) -> tuple[Floats, Floats]:
    """Return what is expected of each series at `at_s`, and the usual deviation, before its value is known."""
    day, week = _cells(at_s)
    expected = state.level + state.size * (state.season[:, day] + state.season[:, week])
    expected = np.where(state.least >= 0, np.maximum(expected, 0.0), expected)
    unit = np.where(np.isfinite(state.unit), state.unit, 1.0)
    counting = np.sqrt(unit * np.maximum(np.abs(expected), unit / (state.steps + 1.0)))
    return expected, np.maximum(NORMAL * state.spread, counting)


def observe(
    state: Baseline, values: Floats, *, at_s: float, step_s: float
) -> tuple[Floats, Floats]:
    """Learn `values` in place and return what was expected of them, and the usual deviation, before they came."""
    _learn_unit(state, values)
    expected, scale = foretell(state, at_s)
    expected = np.where(state.steps == 0, values, expected)
    strayed = np.clip(values - expected, -CLIP * scale, CLIP * scale)
    rate = np.maximum(min(step_s / LEVEL_S, 1.0), 1.0 / (state.steps + 1.0))
    level, size = state.level, state.size
    level += rate * np.where(state.steps == 0, values - level, strayed)
    size += rate * (np.minimum(np.abs(values), np.abs(expected) + CLIP * scale) - size)
    state.spread[:] += rate * (np.abs(strayed) - state.spread)
    share = strayed / np.maximum(size, 1e-12)
    day, week = _cells(at_s)
    state.season[:, day] += min(step_s / DAY_S, 1.0) * share
    state.season[:, week] += min(step_s / WEEK_S, 1.0) * share
    state.steps[:] += 1.0
    return expected, scale


def _learn_unit(state: Baseline, values: Floats) -> None:
    """Keep the smallest step that values took, at most 1 while all are whole numbers, and the least value."""
    step = np.abs(values - state.last)
    whole = (values == np.floor(values)) & (~np.isfinite(state.unit) | (state.unit == 1.0))
    found = np.where(step > 0, step, np.inf)
    found = np.where(whole, 1.0, found)
    np.minimum(state.unit, found, out=state.unit)
    state.last[:] = values
    np.minimum(state.least, values, out=state.least)


def _cells(at_s: float) -> tuple[int, int]:
    hour = int(at_s // HOUR_S)
    return hour % HOURS_OF_DAY, HOURS_OF_DAY + hour % HOURS_OF_WEEK
