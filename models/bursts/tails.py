"""How improbable a deviation is: the tails of the normal distribution, and a count's distance from its expectation.

In: arrays of deviations or of values. Out: arrays of tail probabilities, of surprise in nats, or of standard
deviations. Pure; imports numpy alone.
"""

import numpy as np

from models.bursts.readings import Floats

# Numerical Recipes in C, second edition, section 6.2: coefficients of erfcc, with a relative error below 1.2e-7.
_ERFC = (
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806,
    0.27886807, -1.13520398, 1.48851587, -0.82215223, 0.17087277,
)  # fmt: skip
# The deepest probability that is told; its logarithm is the greatest surprise.
LEAST = 1e-300
_TINY = 1e-12


def surprise(deviations: Floats) -> Floats:
    """Return −ln P(Z ≥ z) of a standard normal Z for z ≥ 0, in nats; a deviation below 0 counts as 0.

    Formula: P = erfc(z/√2)/2, with erfc(x) = t·exp(−x² + polynomial(t)) and t = 1/(1 + x/2).
    Reference: Press et al., Numerical Recipes in C, second edition, 1992, section 6.2.

    >>> surprise(np.array([0.0, 1.6448536, 5.0])).round(3).tolist()
    [0.693, 2.996, 15.065]
    """
    x = np.clip(deviations, 0.0, 1e6) / np.sqrt(2.0)
    t = 1.0 / (1.0 + 0.5 * x)
    polynomial = np.full_like(t, _ERFC[-1])
    for coefficient in _ERFC[-2::-1]:
        polynomial *= t
        polynomial += coefficient
    nats: Floats = x * x - polynomial - np.log(0.5 * t)
    return nats


def two_sided(deviations: Floats) -> Floats:
    """Return P(|Z| ≥ |z|), in (0, 1], at least `LEAST`.

    >>> two_sided(np.array([0.0, -1.959964])).round(3).tolist()
    [1.0, 0.05]
    """
    return np.maximum(np.minimum(2.0 * np.exp(-surprise(np.abs(deviations))), 1.0), LEAST)


def count_deviation(values: Floats, *, expected: Floats, unit: Floats) -> Floats:
    """Return how many standard deviations counts lie from what was expected, signed: the deviance residual.

    With x = values/unit and m = expected/unit: sign(x − m)·√(2·(x·ln(x/m) − (x − m))). A unit above one spreads counts
    more widely than chance would: variance = unit · mean (quasi-Poisson). For few counts it is far closer to a normal
    deviate than (x − m)/√m is: 4 where 0.1 was expected is 4.7 here and 12.3 there.
    Reference: McCullagh and Nelder, Generalized Linear Models, second edition, 1989, sections 2.4 and 6.2.

    >>> count_deviation(np.array([4.0, 9.0]), expected=np.array([0.1, 9.0]), unit=np.ones(2)).round(
    ...     2
    ... ).tolist()
    [4.66, 0.0]
    """
    x, m = np.maximum(values, 0.0) / unit, np.maximum(expected / unit, _TINY)
    half = x * np.log(np.maximum(x, _TINY) / m) - (x - m)
    residual: Floats = np.sign(x - m) * np.sqrt(2.0 * np.maximum(half, 0.0))
    return residual


def share_deviation(hits: Floats, *, totals: Floats, share: Floats, spread: Floats) -> Floats:
    """Return how many standard deviations `hits` lie from `share` of `totals`, signed: the deviance residual.

    2·(k·ln(k/np) + (n − k)·ln((n − k)/(n − np))) / (1 + (n − 1)·ρ), square root, signed; k is moved half a hit towards
    np, for hits are whole. ρ, the `spread`, is the correlation of a beta-binomial distribution, whose variance is
    np(1 − p)(1 + (n − 1)ρ); 0 is the binomial one.
    Reference: Williams, "Extra-binomial variation in logistic linear models", 1982.

    >>> hits, totals = np.array([9.0, 1.0]), np.array([10.0, 1.0])
    >>> share_deviation(hits, totals=totals, share=np.full(2, 0.3), spread=np.zeros(2)).round(
    ...     2
    ... ).tolist()
    [3.62, 0.42]
    """
    middle = totals * share
    k = hits - np.clip(hits - middle, -0.5, 0.5)
    rest, other = np.maximum(totals - k, 0.0), np.maximum(totals - middle, _TINY)
    half = k * np.log(np.maximum(k, _TINY) / np.maximum(middle, _TINY))
    half += rest * np.log(np.maximum(rest, _TINY) / other)
    wider = 1.0 + np.maximum(totals - 1.0, 0.0) * spread
    residual: Floats = np.sign(k - middle) * np.sqrt(2.0 * np.maximum(half, 0.0) / wider)
    return residual
