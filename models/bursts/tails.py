"""How improbable a deviation is: the tails of the normal distribution, and a count's distance from its expectation.

In: arrays of deviations or of values. Out: arrays of tail probabilities, of surprise in nats, or of standard
deviations. Pure; imports numpy alone.
"""

import numpy as np

from models.bursts.readings import Floats

# The deepest probability that is told; its logarithm is the greatest surprise.
LEAST = 1e-300
_TINY = 1e-12
_ROOT_OF_2_PI = 2.5066282746310002


def surprise(deviations: Floats) -> Floats:
    """Return −ln P(Z ≥ z) of a standard normal Z for z ≥ 0, in nats; a deviation below 0 counts as 0.

    Formula: z²/2 + ln(√(2π) · (0.661·z + 0.339·√(z² + 5.51))), within 0.003 nats of the truth.
    Reference: Börjesson and Sundberg, "Simple approximations of the error function Q(x) for communications
    applications", 1979.

    >>> surprise(np.array([0.0, 1.6448536, 5.0])).round(2).tolist()
    [0.69, 2.99, 15.06]
    """
    z = np.minimum(np.maximum(deviations, 0.0), 1e6)
    square = z * z
    nats: Floats = np.log(_ROOT_OF_2_PI * (0.661 * z + 0.339 * np.sqrt(square + 5.51)))
    nats += square / 2.0
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
