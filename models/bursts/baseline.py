"""What a series usually shows at this hour of the week, and how far it strays: a robust seasonal baseline.

In: values [n], one a series, step by step. Out: what was expected of them and the usual deviation. Pure; imports
numpy alone.

    expected = level + size · (D[hour of day] + W[hour of week])
    r = clip(x − expected, ±CLIP · scale)                     one burst moves nothing far
    level  += a · r                                           a: `models/bursts/pace.py`
    size   += a · (min(|x|, |expected| + CLIP · scale) − size)      what seasons are measured in
    D += d · r/size,  W += d · r/size,  d = step / SEASON_S   from 0: an hour seldom seen stays near the level
    spread += a · (|r| − spread);  scale = max(1.2533 · spread, √(unit · |expected|))
    deviation = (x − expected) / scale;   lasting += (deviation − lasting) / LASTING_STEPS

D sees each hour seven times as often as W, and W learns only what D leaves: each is shrunk towards the one before it.
The floor of the scale is the noise of counting. What lasts is seen before one step of it is rare. A series that was
never negative is never expected to be.
Reference: exponential smoothing with a double season, Taylor, "Short-term electricity demand forecasting using double
seasonal exponential smoothing", 2003; clipped as in Gelper, Fried and Croux, "Robust forecasting with exponential and
Holt-Winters smoothing", 2010.

    >>> state = fresh(1)
    >>> for step in range(100):
    ...     pace = Pace(np.ones(1), np.full(1, 1 / (step + 1)), 300.0)
    ...     value = np.array([8.0 + 4 * (step % 2)])
    ...     told = observe(state, value, at_s=300.0 * step, least=np.zeros(1), pace=pace)
    >>> (
    ...     told.expected.round(0).tolist(),
    ...     told.scale.round(0).tolist(),
    ...     told.deviation.round(1).tolist(),
    ... )
    ([10.0], [3.0], [0.7])
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.bursts.pace import Pace
from models.bursts.readings import Floats

SEASON_S = 6 * 3_600.0
CLIP = 5.0
LASTING_STEPS = 12.0
HOUR_S = 3_600.0
HOURS_OF_DAY = 24
HOURS_OF_WEEK = 168
# The mean absolute deviation of a normal distribution is 1/1.2533 of its standard deviation.
NORMAL = 1.2533
_TINY = 1e-12


class Baseline(NamedTuple):
    """Hold what was learnt of n series: arrays [n], but `season` [n, 24 + 168]."""

    seen: Floats
    level: Floats
    size: Floats
    spread: Floats
    lasting: Floats
    season: npt.NDArray[np.float32]


class Foretold(NamedTuple):
    """Hold what was expected of n values before they came, the usual deviation, and theirs in scales; arrays [n].

    `lasting` is the mean deviation of the last steps.
    """

    expected: Floats
    scale: Floats
    deviation: Floats
    lasting: Floats


def fresh(n: int) -> Baseline:
    """Return the state of `n` series that were never seen."""
    season = np.zeros((n, HOURS_OF_DAY + HOURS_OF_WEEK), np.float32)
    return Baseline(np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n), season)


def expect(state: Baseline, at_s: float, *, least: Floats) -> Floats:
    """Return what is expected of each series at `at_s`; `least` is the smallest value it ever showed."""
    day, week = _cells(at_s)
    expected = state.level + state.size * (state.season[:, day] + state.season[:, week])
    return np.where(least >= 0, np.maximum(expected, 0.0), expected)


def scale_of(state: Baseline, expected: Floats, *, unit: Floats) -> Floats:
    """Return how far values usually stray from what is `expected`: never less than counting makes them."""
    counting = np.sqrt(unit * np.maximum(np.abs(expected), unit / (state.seen + 1.0)))
    scale: Floats = np.maximum(NORMAL * state.spread, counting)
    return scale


def observe(state: Baseline, values: Floats, *, at_s: float, least: Floats, pace: Pace) -> Foretold:
    """Return what was foretold of `values` and how they compare, then learn them in place."""
    first = state.seen == 0
    state.level[first], state.size[first] = values[first], np.abs(values[first])
    expected = expect(state, at_s, least=least)
    scale = scale_of(state, expected, unit=pace.unit)
    strayed = np.clip(values - expected, -CLIP * scale, CLIP * scale)
    _learn(
        state, strayed, size=np.minimum(np.abs(values), np.abs(expected) + CLIP * scale), pace=pace
    )
    _learn_season(state, strayed, at_s=at_s, share=min(pace.step_s / SEASON_S, 1.0))
    deviation = (values - expected) / scale
    reach = np.maximum(1.0 / LASTING_STEPS, 1.0 / (state.seen + 1.0))
    state.lasting[:] += reach * (deviation - state.lasting)
    state.seen[:] += 1.0
    return Foretold(expected, scale, deviation, state.lasting.copy())


def skip(state: Baseline, steps: float, *, at_s: float, step_s: float, kept: Floats) -> None:
    """Learn `steps` zeros at once, the last just before `at_s`; they leave the share `kept` of a level.

    The seasons learn a week of hours at most.
    """
    hours = int(min(steps * step_s / HOUR_S, HOURS_OF_WEEK))
    for hour in range(hours, 0, -1):
        then_s = at_s - hour * HOUR_S
        missed = -expect(state, then_s, least=np.zeros(1))
        _learn_season(state, missed, at_s=then_s, share=HOUR_S / SEASON_S)
    for learnt in (state.level, state.size, state.spread):
        learnt *= kept
    state.lasting[:] *= (1.0 - 1.0 / LASTING_STEPS) ** steps
    state.seen[:] += steps


def _learn(state: Baseline, strayed: Floats, *, size: Floats, pace: Pace) -> None:
    state.level[:] += pace.rate * strayed
    state.size[:] += pace.rate * (size - state.size)
    state.spread[:] += pace.rate * (np.abs(strayed) - state.spread)


def _learn_season(state: Baseline, strayed: Floats, *, at_s: float, share: float) -> None:
    change = share * strayed / np.maximum(state.size, _TINY)
    day, week = _cells(at_s)
    state.season[:, day] += change
    state.season[:, week] += change


def _cells(at_s: float) -> tuple[int, int]:
    hour = int(at_s // HOUR_S)
    return hour % HOURS_OF_DAY, HOURS_OF_DAY + hour % HOURS_OF_WEEK
