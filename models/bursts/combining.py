"""One score of many: the rarest statistic, told against how long the series is known, on one scale with chance.

In: surprises in nats. Out: surprises, and scores in [0, 1]. Pure; imports numpy alone.

    rare  = max over statistics − EXPERIENCE · ln(steps / USUAL_STEPS)
    rare *= steps / (steps + NEW)                            a series that nobody knows yet says little
    by chance = LEVEL · (nats of counting) / ln CHANCE_DAYS
    score = nats / (nats + LEVEL)                            of what `models/bursts/waiting.py` makes of both

Who has seen ten thousand steps has seen rarer things than who has seen a hundred: the first line asks more of a long
life, by half the logarithm, between "rare for one step" (0) and "never seen before" (1). LEVEL nats are a score of 0.5,
as is what a steady crowd does once in CHANCE_DAYS days. The greatest of several surprises is Tippett's rule, "The
methods of statistics", 1931: chosen by measurement against their mean and their sum.

    >>> rarest(np.array([[9.0, 0.0, 6.0], [0.0, 0.0, 0.0]]), seen=np.full(2, 999.0)).round(
    ...     2
    ... ).tolist()
    [9.64, 0.0]
    >>> score_of(np.array([0.0, 8.0, 24.0])).tolist()
    [0.0, 0.5, 0.75]
"""

import numpy as np

from models.bursts.readings import Floats

EXPERIENCE = 0.5
USUAL_STEPS = 4_000.0
NEW = 5.0
LEVEL = 8.0
CHANCE_DAYS = 200.0


def rarest(surprises: Floats, *, seen: Floats) -> Floats:
    """Return the surprise [n] of `surprises` [n, k] after `seen` steps; 0 where all are."""
    nats = surprises.max(1)
    known = nats - EXPERIENCE * np.log((seen + 1.0) / USUAL_STEPS)
    trusted: Floats = np.maximum(known, 0.0) * (seen + 1.0) / (seen + 1.0 + NEW)
    return np.where(nats > 0, trusted, 0.0)


def levelled(by_chance: Floats) -> Floats:
    """Return nats of counting, above those of one day, on the scale on which LEVEL is a score of 0.5."""
    nats: Floats = LEVEL / np.log(CHANCE_DAYS) * np.maximum(by_chance, 0.0)
    return nats


def score_of(nats: Floats) -> Floats:
    """Return the scores of `nats`."""
    scores: Floats = nats / (nats + LEVEL)
    return scores
