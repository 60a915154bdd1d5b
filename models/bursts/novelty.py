"""How seldom a series was ever where it is now: the surprise of its deviation under a histogram of all earlier ones.

In: deviations [n] in scales, step by step. Out: surprise [n] in nats, averaged over the last few steps. Pure; imports
numpy alone.

    y = asinh(deviation) / WIDTH + middle        even bins near 0, logarithmic ones far out
    p(y) = (c(y) + 1/2) / (steps + BINS/2)       c counts softly: a value is shared by the two nearest bins
    surprise += (−ln p − surprise) / STEPS

It finds what a distance from the mean cannot: a value between two usual ones, and a series that stands still.
Reference: Goldstein and Dengel, "Histogram-based outlier score (HBOS)", 2012; the half a count is Krichevsky and
Trofimov's, "The performance of universal encoding", 1981.

    >>> state = fresh(1)
    >>> for value in [-2.0, 2.0] * 100 + [0.0]:
    ...     nats = observe(state, np.array([value]))
    >>> nats.round(2).tolist()
    [2.55]
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.bursts.readings import Floats

WIDTH = 0.4
BINS = 21
STEPS = 4.0


class Novelty(NamedTuple):
    """Hold what was learnt of n series: `mean` [n] and `counts` [n, BINS]."""

    mean: Floats
    counts: npt.NDArray[np.float32]


def fresh(n: int) -> Novelty:
    """Return the state of `n` series that were never seen."""
    return Novelty(mean=np.full(n, np.nan), counts=np.zeros((n, BINS), np.float32))


def observe(state: Novelty, deviations: Floats, *, times: float = 1.0) -> Floats:
    """Return the surprise of `deviations` over the last few steps, then learn them, each `times` over, in place."""
    rows = np.arange(len(deviations))
    place = np.clip(np.arcsinh(deviations) / WIDTH + (BINS - 1) / 2.0, 0.0, BINS - 1.0)
    low = np.minimum(place.astype(np.intp), BINS - 2)
    upper = place - low
    counts = state.counts
    count = (1.0 - upper) * counts[rows, low] + upper * counts[rows, low + 1]
    nats = np.log((counts.sum(1, dtype=np.float64) + 0.5 * BINS) / (count + 0.5))
    first = np.isnan(state.mean)
    state.mean[first] = nats[first]
    state.mean[:] += (nats - state.mean) / STEPS
    counts[rows, low] += times * (1.0 - upper)
    counts[rows, low + 1] += times * upper
    return state.mean.copy()
