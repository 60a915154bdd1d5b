"""How far the last two steps stand above or below the usual: a short mean against a slow, clipped one.

In: values [n], one a series, step by step. Out: deviations [n]. Pure; imports numpy alone.

    short  += (x − short) / SHORT_STEPS
    r = clip(x − level, ±CLIP · scale)
    level  += a · r,   spread += a · (|r| − spread)     a: `models/bursts/pace.py`
    scale = max(1.2533 · spread, √(unit · level))       never below the noise of counting
    deviation = (short − level) / scale

No season stands in the way of a spike here: what rises at its usual hour is the seasonal baseline's affair.
Reference: Roberts, "Control chart tests based on geometric moving averages", 1959; clipped as in Gelper, Fried and
Croux, "Robust forecasting with exponential and Holt-Winters smoothing", 2010.

    >>> state = fresh(1)
    >>> for value in [4.0, 6.0] * 50 + [30.0]:
    ...     pace = Pace(np.ones(1), np.full(1, 0.02), 60.0)
    ...     deviation = observe(state, np.array([value]), pace=pace)
    >>> deviation.round(1).tolist()
    [5.8]
"""

from typing import NamedTuple

import numpy as np

from models.bursts.pace import Pace
from models.bursts.readings import Floats

SHORT_STEPS = 2.0
CLIP = 5.0
# The mean absolute deviation of a normal distribution is 1/1.2533 of its standard deviation.
NORMAL = 1.2533


class Spike(NamedTuple):
    """Hold what was learnt of n series, arrays [n]."""

    seen: Floats
    level: Floats
    spread: Floats
    short: Floats


def fresh(n: int) -> Spike:
    """Return the state of `n` series that were never seen."""
    return Spike(np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n))


def observe(state: Spike, values: Floats, *, pace: Pace) -> Floats:
    """Return how far the short mean lies from the level, in scales, then learn `values` in place."""
    unit, rate = pace.unit, pace.rate
    first = state.seen == 0
    state.level[first] = state.short[first] = values[first]
    state.short[:] += (values - state.short) / SHORT_STEPS
    counting = np.sqrt(unit * np.maximum(np.abs(state.level), unit / (state.seen + 1.0)))
    scale = np.maximum(NORMAL * state.spread, counting)
    deviation: Floats = (state.short - state.level) / scale
    strayed = np.clip(values - state.level, -CLIP * scale, CLIP * scale)
    state.level[:] += rate * strayed
    state.spread[:] += rate * (np.abs(strayed) - state.spread)
    state.seen[:] += 1.0
    return deviation


def skip(state: Spike, steps: float, *, kept: Floats) -> None:
    """Learn `steps` zeros at once, which leave the share `kept` [n] of a level."""
    state.level[:] *= kept
    state.spread[:] *= kept
    state.short[:] *= (1.0 - 1.0 / SHORT_STEPS) ** steps
    state.seen[:] += steps
