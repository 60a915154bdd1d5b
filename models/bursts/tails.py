"""How improbable a deviation is: the tails of the normal distribution, and a count's distance from its expectation.

In: arrays of deviations or of values. Out: arrays of tail probabilities or of standard deviations. Pure; imports numpy
alone.
"""

import numpy as np

from models.bursts.readings import Floats

# Below this a probability says no more than that it is tiny; logarithms stay finite.
LEAST = 1e-300
# Numerical Recipes in C, second edition, section 6.2: coefficients of erfcc, with a relative error below 1.2e-7.
_ERFC = (
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806,
    0.27886807, -1.13520398, 1.48851587, -0.82215223, 0.17087277,
)  # fmt: skip


def upper_tail(deviations: Floats) -> Floats:
    """Return P(Z ≥ z) of a standard normal Z, at least `LEAST`.

    Formula: erfc(z / √2) / 2, with erfc(x) = t·exp(−x² + polynomial(t)), t = 1 / (1 + x/2) for x ≥ 0.
    Reference: Press et al., Numerical Recipes in C, second edition, 1992, section 6.2.

    >>> upper_tail(np.array([0.0, 1.6448536, -1.6448536])).round(4).tolist()
    [0.5, 0.05, 0.95]
    """
    x = np.minimum(np.abs(deviations) / np.sqrt(2.0), 26.0)
    t = 1.0 / (1.0 + 0.5 * x)
    polynomial = np.full_like(t, _ERFC[-1])
    for coefficient in _ERFC[-2::-1]:
        polynomial = polynomial * t + coefficient
    half = 0.5 * t * np.exp(polynomial - x * x)
    tail: Floats = np.maximum(np.where(deviations >= 0, half, 1.0 - half), LEAST)
    return tail


def count_deviation(values: Floats, *, expected: Floats, unit: Floats) -> Floats:
    """Return how many standard deviations counts lie from what was expected, signed: the deviance residual.

    With x = values/unit and m = expected/unit: sign(x − m) · √(2·(x·ln(x/m) − (x − m))). A unit above one spreads
    counts more widely than chance would: variance = unit · mean (quasi-Poisson). For few counts it is far closer to a
    normal deviate than (x − m)/√m is: 4 where 0.1 was expected is 4.7 here and 12.3 there.
    Reference: McCullagh and Nelder, Generalized Linear Models, 1989, sections 2.4 and 6.2.

    >>> count_deviation(np.array([4.0, 9.0]), expected=np.array([0.1, 9.0]), unit=np.ones(2)).round(
    ...     2
    ... ).tolist()
    [4.66, 0.0]
    """
    x, m = np.maximum(values, 0.0) / unit, np.maximum(expected / unit, 1e-12)
    deviance = 2.0 * (x * np.log(np.maximum(x, 1e-300) / m) - (x - m))
    return np.sign(x - m) * np.sqrt(np.maximum(deviance, 0.0))
