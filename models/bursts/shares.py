"""Many shares watched at once: how improbable it is that so many of so few are hits.

In: the time of a step, hits [n] and totals [n], one a series: negatives out of volume, an emotion out of volume. Out:
`Readings`, arrays [n]. Pure and strictly causal. Imports numpy, contracts and models.bursts.

    for each scale k of SCALES:   h += (hits − h)/k,   t += (totals − t)/k,   steps in view = 2k − 1
    p   = (H + 1/2) / (N + 1)                  H, N: hits and totals of the past, forgotten over SHARE_S seconds
    ρ_k = (A_k + PRIOR·TRUST) / (B_k + TRUST) + 1/(N + 1)
    A_k: sum of (x² − 1), B_k: of (n − 1), where x² = (h − n·p)² / (n·p·(1 − p)), at most CLIP², n = totals in view
    deviation_k = share deviation of the hits in view from p, spread ρ_k
    nats  = −ln P(Z ≥ deviation_k), the greatest over the scales, − ln(steps in a day)
    score = nats' / (nats' + LEVEL),  nats' = LEVEL · nats / ln CHANCE_DAYS      once: `models/bursts/holding.py`

Hits are beta-binomial: moods come in company, so they vary more than coins do, and ρ learns by how much, on each scale
by itself; x² is 1 + (n − 1)ρ on average. A short past widens ρ as a beta posterior is wide. What is learnt of a burst
is clipped. Reference: Griffiths, "Maximum likelihood estimation for the beta-binomial distribution", 1973; moments as
in Williams, "Extra-binomial variation in logistic linear models", 1982.

    >>> bank = ShareBank(2, step_s=60.0)
    >>> for minute in range(200):
    ...     readings = bank.update(
    ...         60.0 * minute, np.array([6.0, 0.0]), totals=np.array([30.0, 1.0])
    ...     )
    >>> readings = bank.update(12_000.0, np.array([18.0, 1.0]), totals=np.array([30.0, 1.0]))
    >>> readings.expected.round(2).tolist(), (readings.score >= THRESHOLD).tolist()
    ([0.2, 0.0], [True, False])
"""

import math
from copy import copy
from typing import NamedTuple

import numpy as np

from contracts.errors import InvalidInput
from models.bursts import holding
from models.bursts.combining import levelled, score_of
from models.bursts.readings import THRESHOLD, Floats, Readings
from models.bursts.storage import grown, pack, unpack
from models.bursts.tails import LEAST, share_deviation, surprise

__all__ = ["THRESHOLD", "ShareBank"]

VERSION = 1
SCALES = np.array([1.0, 3.0, 12.0])
SHARE_S = 7 * 86_400.0
DAY_S = 86_400.0
CLIP = 4.0
PRIOR = 0.02
TRUST = 100.0


class Shares(NamedTuple):
    """Hold what was learnt of n series: `hits`, `totals` [n]; the others [n, scales]."""

    hits: Floats
    totals: Floats
    short_hits: Floats
    short_totals: Floats
    over: Floats
    pairs: Floats
    held: Floats


def fresh(n: int) -> Shares:
    """Return the state of `n` series that were never seen."""
    shape = (n, len(SCALES))
    return Shares(
        hits=np.zeros(n),
        totals=np.zeros(n),
        short_hits=np.zeros(shape),
        short_totals=np.zeros(shape),
        over=np.zeros(shape),
        pairs=np.zeros(shape),
        held=np.zeros((n, 1)),
    )


class ShareBank:
    """Watch `n` shares in steps of `step_s` seconds; in steps left out nothing came. One thread."""

    def __init__(self, n: int, *, step_s: float) -> None:
        self._step_s = step_s
        self._at_s = -np.inf
        self._shares = fresh(n)

    def __len__(self) -> int:
        return len(self._shares.hits)

    def update(self, at_s: float, hits: Floats, *, totals: Floats) -> Readings:
        """Judge `hits` [n] out of `totals` [n] of the step that begins at `at_s`, in Unix seconds, then learn them.

        `expected` and `scale` are shares; `probability` is that of so many hits or more, in the last steps. A step
        without totals tells nothing. Raises InvalidInput where time does not go on or hits are not within totals.
        """
        hits, totals = self._checked(at_s, hits=hits, totals=totals)
        passed = max((at_s - self._at_s) / self._step_s, 1.0) if np.isfinite(self._at_s) else 1.0
        self._at_s = at_s
        return _step(self._shares, hits, totals=totals, passed=passed, step_s=self._step_s)

    def grow(self, n: int) -> None:
        """Add `n` series at the end, which were never seen."""
        self._shares = Shares(*grown(self._shares, fresh(n)))

    def copy(self) -> "ShareBank":
        """Return a bank that learnt the same and may be taught apart."""
        twin = copy(self)
        twin._shares = Shares(*(array.copy() for array in self._shares))
        return twin

    def state(self) -> bytes:
        """Return everything that was learnt."""
        return pack(self._shares, version=VERSION, at_s=self._at_s)

    def restore(self, state: bytes) -> None:
        """Take over what `state` learnt; raises StateInvalid where another version wrote it."""
        self._at_s, arrays = unpack(state, version=VERSION, empty=fresh(0))
        self._shares = Shares(*arrays)

    def _checked(self, at_s: float, *, hits: Floats, totals: Floats) -> tuple[Floats, Floats]:
        hits, totals = np.asarray(hits, np.float64), np.asarray(totals, np.float64)
        if hits.shape != (len(self),) or totals.shape != (len(self),):
            raise InvalidInput(
                f"hits and totals have the shapes {hits.shape} and {totals.shape}, expected ({len(self)},)"
            )
        fits = (hits >= 0) & (hits <= totals) & np.isfinite(totals)
        if not fits.all():
            place = int(np.flatnonzero(~fits)[0])
            raise InvalidInput(
                f"{hits[place]} hits of {totals[place]} at {place}, expected 0 to as many as the total"
            )
        if not at_s > self._at_s:
            raise InvalidInput(f"time {at_s} does not go on: the last step was at {self._at_s}")
        return hits, totals


def _step(state: Shares, hits: Floats, *, totals: Floats, passed: float, step_s: float) -> Readings:
    share = (state.hits + 0.5) / (state.totals + 1.0)
    _look_back(state, hits, totals=totals, passed=passed)
    in_view = 2.0 * SCALES - 1.0
    k, n, p = state.short_hits * in_view, state.short_totals * in_view, share[:, None]
    spread = (state.over + PRIOR * TRUST) / (state.pairs + TRUST)
    spread = np.maximum(spread, 0.0) + 1.0 / (state.totals[:, None] + 1.0)
    deviation = share_deviation(k, totals=n, share=p, spread=spread)
    nats = np.where(totals > 0, surprise(deviation).max(1), 0.0)
    _learn(state, hits, totals=totals, share=share, kept=math.exp(-passed * step_s / SHARE_S))
    return Readings(
        expected=share,
        scale=np.sqrt(share * (1 - share) * (1 / np.maximum(totals, 1.0) + spread[:, 0])),
        probability=np.where(totals > 0, np.maximum(np.exp(-nats), LEAST), 1.0),
        score=_score(state, nats - np.log(DAY_S / step_s), passed=passed, step_s=step_s),
    )


def _look_back(state: Shares, hits: Floats, *, totals: Floats, passed: float) -> None:
    """Move the short sums on by `passed` steps, of which all but the last were empty."""
    left = (1.0 - 1.0 / SCALES) ** (passed - 1.0)
    state.short_hits[:] *= left
    state.short_totals[:] *= left
    state.short_hits[:] += (hits[:, None] - state.short_hits) / SCALES
    state.short_totals[:] += (totals[:, None] - state.short_totals) / SCALES


def _learn(state: Shares, hits: Floats, *, totals: Floats, share: Floats, kept: float) -> None:
    """Learn the share and its spread from one step; of a burst only what lies within CLIP deviations."""
    in_view, p = 2.0 * SCALES - 1.0, share[:, None]
    k, n = state.short_hits * in_view, state.short_totals * in_view
    usual = n * p * (1.0 - p)
    squares = np.minimum((k - n * p) ** 2 / np.maximum(usual, 1e-12), CLIP**2)
    told = (n > 1.0) & (totals > 0)[:, None]
    state.over[:] = kept * state.over + told * (squares - 1.0)
    state.pairs[:] = kept * state.pairs + told * (n - 1.0)
    spread = np.maximum(state.over[:, 0] / (state.pairs[:, 0] + TRUST), PRIOR)
    middle = totals * share
    reach = CLIP * np.sqrt(middle * (1 - share) * (1 + np.maximum(totals - 1, 0) * spread)) + 1.0
    state.hits[:] = kept * state.hits + np.clip(hits, middle - reach, middle + reach)
    state.totals[:] = kept * state.totals + totals


def _score(state: Shares, nats: Floats, *, passed: float, step_s: float) -> Floats:
    above = np.maximum(nats, 0.0)[:, None]
    once = holding.let_through(state.held, above, step_s=step_s, steps=passed)[:, 0]
    return score_of(levelled(once))
