"""A burst is one event: of what rises, holds and falls, only what clearly surpasses the last hours is let through.

In: statistics [n, k], step by step. Out: the same, or 0. Pure; imports numpy alone.

    held *= exp(−step / max(HOLD_S, HOLD_STEPS · step))
    out  = x where x ≥ RATIO · held, else 0
    held = max(held, x)

Extreme-value theory asks for independent peaks; a run of high values is one peak.
Reference: runs declustering, Leadbetter, "On a basis for peaks over threshold modeling", 1991.

    >>> held = fresh(1)
    >>> [
    ...     float(let_through(held, np.full((1, STATISTICS), x), step_s=60.0)[0, 0])
    ...     for x in (1.0, 2.0, 2.1, 1.0, 3.0)
    ... ]
    [1.0, 2.0, 0.0, 0.0, 3.0]
"""

import math

import numpy as np

from models.bursts.readings import Floats

RATIO = 1.2
HOLD_S = 4 * 3_600.0
HOLD_STEPS = 24.0
STATISTICS = 4


def fresh(n: int) -> Floats:
    """Return the largest recent statistics of `n` series that were never seen, [n, STATISTICS]."""
    return np.zeros((n, STATISTICS))


def let_through(held: Floats, statistics: Floats, *, step_s: float, steps: float = 1.0) -> Floats:
    """Return `statistics` [n, k] where they surpass what is `held`, else 0, and hold the greater in place.

    `steps` have passed since the last call.
    """
    held *= left_after(steps, step_s=step_s)
    through = np.where(statistics >= RATIO * held, statistics, 0.0)
    np.maximum(held, statistics, out=held)
    return through


def left_after(steps: float, *, step_s: float) -> float:
    """Return the share of what is held that is left after `steps`."""
    return math.exp(-steps * step_s / max(HOLD_S, HOLD_STEPS * step_s))
