"""One score of many: the rarest statistic, told against how long the series is known, and what chance could do.

In: surprises in nats. Out: scores in [0, 1]. Pure; imports numpy alone.

    rare  = max over statistics − EXPERIENCE · ln(steps / USUAL_STEPS)
    rare *= steps / (steps + NEW)                            a series that nobody knows yet says little
    nats  = min(rare, LEVEL · by chance / ln CHANCE_DAYS)
    score = nats / (nats + LEVEL)                            LEVEL nats are 0.5

Who has seen ten thousand steps has seen rarer things than who has seen a hundred: the first line asks more of a long
life, by half the logarithm, between "rare for one step" (0) and "never seen before" (1). By chance is the surprise
of counting alone: 0.5 is what a steady crowd does once in CHANCE_DAYS days. The greatest of several surprises is
Tippett's rule, "The methods of statistics", 1931: chosen by measurement against their mean, their sum and Fisher's.

    >>> rare = np.array([[9.0, 0.0, 6.0], [9.0, 0.0, 6.0], [0.0, 0.0, 0.0]])
    >>> score(rare, by_chance=np.array([20.0, 1.0, 20.0]), seen=np.full(3, 4000.0)).round(
    ...     2
    ... ).tolist()
    [0.53, 0.16, 0.0]
"""

import numpy as np

from models.bursts.readings import Floats

EXPERIENCE = 0.5
USUAL_STEPS = 4_000.0
NEW = 5.0
LEVEL = 8.0
CHANCE_DAYS = 200.0


def score(rare: Floats, *, by_chance: Floats, seen: Floats) -> Floats:
    """Return the scores [n] of surprises `rare` [n, k], of which none is 0 alone, after `seen` steps [n]."""
    nats = rare.max(1)
    known = nats - EXPERIENCE * np.log((seen + 1.0) / USUAL_STEPS)
    nats = np.where(nats > 0, np.maximum(known, 0.0), 0.0) * (seen + 1.0) / (seen + 1.0 + NEW)
    nats = np.minimum(nats, LEVEL / np.log(CHANCE_DAYS) * np.maximum(by_chance, 0.0))
    scores: Floats = nats / (nats + LEVEL)
    return scores
