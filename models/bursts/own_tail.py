"""How rare a peak is among all peaks that its own series has shown: calibration by the tail, one threshold for all.

In: peaks [n, k], 0 between them, step by step. Out: surprise [n, k] in nats. Pure; imports numpy alone.

    surprise = −ln RARE + (x − q)/e      above q, the peak that one step in 1/RARE surpasses
    surprise = 0                         below it
    q += e · min(1, a/RARE) · ((x > q) − RARE)                stochastic quantile
    e += min(1, a/RARE)/2 · (min(x − q, CAP·e) − e)           mean excess, where x > q;  e ≥ LEAST_EXCESS
    a  = max(step / MEMORY_S, 1 / steps)

A tail that falls exponentially: P(X > x) = RARE · exp(−(x − q)/e), the case γ = 0 of the generalised Pareto
distribution; statistics come in logarithms, so that heavy tails are of that kind.
Reference: SPOT, Siffer et al., "Anomaly detection in streams with extreme value theory", 2017; the quantile follows
Robbins and Monro, "A stochastic approximation method", 1951.

    >>> state = fresh(1)
    >>> for peak in np.random.default_rng(7).exponential(size=4000):
    ...     nats = observe(state, np.full((1, 4), peak), step_s=60.0)
    >>> float(observe(state, np.full((1, 4), 9.0), step_s=60.0)[0, 0].round(0))
    10.0
"""

from typing import NamedTuple

import numpy as np

from models.bursts.holding import STATISTICS
from models.bursts.readings import Floats

RARE = 0.005
MEMORY_S = 14 * 86_400.0
CAP = 6.0
FIRST_EXCESS = 0.5
LEAST_EXCESS = 0.1


class OwnTail(NamedTuple):
    """Hold the tails of n series: `quantile` and `excess` [n, STATISTICS], NaN and not yet known; `seen` [n]."""

    seen: Floats
    quantile: Floats
    excess: Floats


def fresh(n: int) -> OwnTail:
    """Return the state of `n` series that were never seen."""
    shape = (n, STATISTICS)
    return OwnTail(
        seen=np.zeros(n), quantile=np.full(shape, np.nan), excess=np.full(shape, FIRST_EXCESS)
    )


def observe(state: OwnTail, peaks: Floats, *, step_s: float) -> Floats:
    """Return the surprise of `peaks`, then learn them in place."""
    quantile, excess = state.quantile, state.excess
    first = np.isnan(quantile)
    quantile[first] = peaks[first]
    state.seen[:] += 1.0
    above = peaks > quantile
    nats: Floats = np.where(above, (peaks - quantile) / excess - np.log(RARE), 0.0)
    pace = np.minimum(np.maximum(step_s / MEMORY_S, 1.0 / (state.seen + 1.0)) / RARE, 1.0)[:, None]
    quantile += excess * pace * (above - RARE)
    over = np.clip(peaks - quantile, 0.0, CAP * excess)
    np.maximum(excess + above * pace / 2.0 * (over - excess), LEAST_EXCESS, out=excess)
    return nats


def skip(state: OwnTail, steps: float, *, step_s: float) -> None:
    """Learn `steps` without a peak at once."""
    state.quantile[:] -= state.excess * min(steps * step_s / MEMORY_S, 1.0)
    state.seen[:] += steps
