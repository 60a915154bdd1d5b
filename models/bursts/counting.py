"""What counting alone can do by chance: no burst is one that a steady crowd of the usual size could have made.

In: values [n] and what was expected of them, step by step. Out: surprise [n] in nats. Pure; imports numpy alone.

    usual = max(expected, mean, unit/steps)            mean: of all values, bursts and all, slowly forgotten
    for each scale k of SCALES:   x += (value − x)/k,   m += (usual − m)/k,   steps in view = 2k − 1
    near = clip(mean of LOCAL_STEPS, m/swing, m·swing),   swing = 1 + exp(−age/SWING_S)
    deviation = count deviation of (2k − 1)·x/unit from (2k − 1)·m'/unit     m': the nearest to x between m and near
    surprise = −ln P(Z ≥ |deviation|), the greatest over the scales, − ln(steps in a day)

Sums are Poisson too. Nobody knows the day of a series that is younger than a day: what the last hour has risen to step
by step, up to twice the mean, may be usual; what comes at once is not. exp(surprise) is how many days pass until chance
does the like once. One step sees a jump, the longer scales what creeps. A measurement's `unit` is far below its noise,
and then this test lets everything pass.
Reference: Poisson counts on several scales as in Kulldorff, "Prospective time periodic geographical disease
surveillance using a scan statistic", 2001; exponential sums instead of windows.

    >>> state = fresh(1)
    >>> for value in [0.0] * 99 + [5.0]:
    ...     nats = observe(
    ...         state,
    ...         np.array([value]),
    ...         expected=np.full(1, 0.1),
    ...         pace=Pace(np.ones(1), np.full(1, 0.01), 600.0),
    ...     )
    >>> nats.round(1).tolist()
    [13.3]
"""

from typing import NamedTuple

import numpy as np

from models.bursts.pace import Pace
from models.bursts.readings import Floats
from models.bursts.tails import count_deviation, surprise

SCALES = np.array([1.0, 3.0, 12.0])
DAY_S = 86_400.0
SWING_S = 86_400.0
LOCAL_STEPS = 36.0


class Counting(NamedTuple):
    """Hold what was seen and expected of n series on each scale: arrays [n, 3], but `seen`, `mean` and `local` [n]."""

    seen: Floats
    mean: Floats
    local: Floats
    values: Floats
    expected: Floats


def fresh(n: int) -> Counting:
    """Return the state of `n` series that were never seen."""
    shape = (n, len(SCALES))
    return Counting(
        seen=np.zeros(n),
        mean=np.zeros(n),
        local=np.zeros(n),
        values=np.zeros(shape),
        expected=np.zeros(shape),
    )


def observe(state: Counting, values: Floats, *, expected: Floats, pace: Pace) -> Floats:
    """Learn `values` in place and return the surprise over the last steps, in nats, above that of one day."""
    unit = pace.unit
    told = np.maximum(np.maximum(np.abs(expected), state.mean), unit / (state.seen + 1.0))
    state.mean[:] += pace.rate * (np.abs(values) - state.mean)
    rate = np.maximum(1.0 / SCALES, 1.0 / (state.seen[:, None] + 1.0))
    state.values[:] += rate * (values[:, None] - state.values)
    state.expected[:] += rate * (told[:, None] - state.expected)
    state.seen[:] += 1.0
    in_view = (2.0 - rate) / rate / unit[:, None]
    seen = np.abs(state.values)
    usual = np.clip(seen, *_between(state, pace.step_s))
    state.local[:] += np.maximum(1.0 / LOCAL_STEPS, 1.0 / state.seen) * (
        np.abs(values) - state.local
    )
    deviation = count_deviation(seen * in_view, expected=usual * in_view, unit=np.ones(1))
    nats: Floats = surprise(np.abs(deviation)).max(1) - np.log(DAY_S / pace.step_s)
    return nats


def _between(state: Counting, step_s: float) -> tuple[Floats, Floats]:
    """Return between which values [n, scales] the usual may lie, as long as the day is not known."""
    swing = 1.0 + np.exp(-state.seen * step_s / SWING_S)[:, None]
    usual = state.expected
    near = np.clip(state.local[:, None], usual / swing, usual * swing)
    return np.minimum(usual, near), np.maximum(usual, near)


def skip(state: Counting, steps: float, *, expected: Floats, kept: Floats) -> None:
    """Learn `steps` zeros at once, of which `expected` was foretold and which leave the share `kept` of a level."""
    state.mean[:] *= kept
    usual = np.maximum(np.abs(expected), state.mean)[:, None]
    left = (1.0 - 1.0 / SCALES) ** steps
    state.values[:] *= left
    state.local[:] *= (1.0 - 1.0 / LOCAL_STEPS) ** steps
    state.expected[:] = usual + left * (state.expected - usual)
    state.seen[:] += steps
