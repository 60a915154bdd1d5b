"""A rare moment may come before chance is ruled out: it waits a while for the count to grow.

In: surprises [n] of the moment and of counting, in nats, step by step. Out: the lesser of both, [n]. Pure; imports
numpy alone.

    waiting = rare            where rare ≥ waiting, or after WAIT_STEPS steps
    out = min(waiting, by chance)
    waiting = 0               where by chance ≥ waiting: it was told in full, once

The first mentions of a burst are rare and few; by the time they are many, `models/bursts/holding.py` lets nothing more
through. A measurement never waits, for its values are no matter of counting.

    >>> state = fresh(1)
    >>> [
    ...     observe(state, np.full(1, rare), by_chance=np.full(1, chance)).tolist()[0]
    ...     for rare, chance in ((9.0, 1.0), (0.0, 5.0), (0.0, 20.0), (0.0, 40.0))
    ... ]
    [1.0, 5.0, 9.0, 0.0]
"""

from typing import NamedTuple

import numpy as np

from models.bursts.readings import Floats

WAIT_STEPS = 24.0


class Waiting(NamedTuple):
    """Hold the rare moments of n series that are not told in full yet, and for how many steps; arrays [n]."""

    nats: Floats
    steps: Floats


def fresh(n: int) -> Waiting:
    """Return the state of `n` series for which nothing waits."""
    return Waiting(np.zeros(n), np.zeros(n))


def observe(state: Waiting, rare: Floats, *, by_chance: Floats) -> Floats:
    """Return what may be told of this step, and keep what must wait in place."""
    nats, steps = state
    steps += 1.0
    begins = (rare >= nats) | (steps > WAIT_STEPS)
    nats[begins], steps[begins] = rare[begins], 0.0
    told = np.minimum(nats, by_chance)
    nats[by_chance >= nats] = 0.0
    return told
