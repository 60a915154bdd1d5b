"""What all statistics of a series share in one step: the smallest step of its values, and how fast it learns.

In: values [n], one a series, step by step. Out: `Pace`. Pure; imports numpy alone.

    unit = the smallest difference of two values in a row, at most 1 while all are whole numbers (1 before any is known)
    rate = max(step / LEVEL_S, 1 / (steps + 1))        the mean of all at first, then of the last LEVEL_S seconds

The unit tells a count from a measurement without being told: a count of mean m strays by √m, whatever else it does.

    >>> state = fresh(2)
    >>> for values in ([3.0, 71.5], [5.0, 71.25]):
    ...     pace = observe(state, np.array(values), step_s=300.0)
    >>> pace.unit.tolist(), pace.rate.tolist()
    ([1.0, 0.25], [0.5, 0.5])
"""

from typing import NamedTuple

import numpy as np

from models.bursts.readings import Floats

LEVEL_S = 3 * 86_400.0


class Pace(NamedTuple):
    """Hold `unit` [n], `rate` [n], the share of a difference that a level takes over in one step, and `step_s`."""

    unit: Floats
    rate: Floats
    step_s: float


class PaceState(NamedTuple):
    """Hold what was learnt of n series, arrays [n]: `last` is NaN and `unit` infinite until known."""

    seen: Floats
    last: Floats
    unit: Floats
    least: Floats


def fresh(n: int) -> PaceState:
    """Return the state of `n` series that were never seen."""
    return PaceState(
        seen=np.zeros(n),
        last=np.full(n, np.nan),
        unit=np.full(n, np.inf),
        least=np.full(n, np.inf),
    )


def observe(state: PaceState, values: Floats, *, step_s: float) -> Pace:
    """Learn the unit of `values` in place and return the pace of this step."""
    difference = np.abs(values - state.last)
    found = np.where(difference > 0, difference, np.inf)
    whole = (values == np.floor(values)) & ((state.unit == 1.0) | (state.seen == 0))
    np.minimum(state.unit, np.where(whole, 1.0, found), out=state.unit)
    state.last[:] = values
    np.minimum(state.least, values, out=state.least)
    pace = foretell(state, step_s)
    state.seen[:] += 1.0
    return pace


def foretell(state: PaceState, step_s: float) -> Pace:
    """Return the pace of a step whose values are not known yet."""
    rate = np.maximum(min(step_s / LEVEL_S, 1.0), 1.0 / (state.seen + 1.0))
    return Pace(np.where(np.isfinite(state.unit), state.unit, 1.0), rate, step_s)


def kept_after(state: PaceState, steps: float, *, step_s: float) -> Floats:
    """Return the share of a level [n] that `steps` zeros leave: the product of 1 − rate over them, in one go.

    >>> state = fresh(1)
    >>> _ = observe(state, np.array([8.0]), step_s=60.0)
    >>> kept_after(state, 3.0, step_s=60.0).tolist()
    [0.25]
    """
    slow = min(step_s / LEVEL_S, 1.0)
    young = np.clip(1.0 / slow - state.seen, 0.0, steps)
    mean = state.seen / np.maximum(state.seen + young, 1.0)
    kept: Floats = mean * (1.0 - slow) ** (steps - young)
    return kept


def skip(state: PaceState, steps: float) -> None:
    """Learn `steps` zeros at once."""
    np.minimum(state.least, 0.0, out=state.least)
    state.last[:] = 0.0
    state.seen[:] += steps
