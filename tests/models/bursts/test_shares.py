"""Shares: many hits of many are a surge, all of two are not."""

import math

import numpy as np
import pytest

from contracts.errors import InvalidInput
from models.bursts.shares import THRESHOLD, ShareBank
from models.bursts.tails import share_deviation, surprise

STEP_S = 60.0


def told(bank: ShareBank, *, share: float, total: float, steps: int, seed: int = 1) -> np.ndarray:
    random = np.random.default_rng(seed)
    start = 0.0 if bank._at_s == -math.inf else bank._at_s + STEP_S
    scores = []
    for step in range(steps):
        totals = random.poisson(total, len(bank)).astype(float)
        hits = random.binomial(totals.astype(int), share).astype(float)
        scores.append(bank.update(start + STEP_S * step, hits, totals=totals).score)
    return np.array(scores)


def test_a_share_that_doubles_is_found_within_minutes() -> None:
    # Given a day in which a quarter of twenty mentions a minute were negative
    bank = ShareBank(1, step_s=STEP_S)
    quiet = told(bank, share=0.25, total=20, steps=1_440)
    # When it is more than half
    surge = told(bank, share=0.55, total=20, steps=15, seed=2)
    # Then it fires, and it had not before
    assert (surge >= THRESHOLD).any()
    assert np.flatnonzero(surge[:, 0] >= THRESHOLD)[0] <= 4
    assert not (quiet >= THRESHOLD).any()


@pytest.mark.parametrize("total", [0.05, 0.5, 5.0, 100.0])
def test_quiet_shares_raise_almost_nothing(total: float) -> None:
    # Given twenty quiet weeks of ten-minute steps
    bank = ShareBank(20, step_s=600.0)
    random, alarms = np.random.default_rng(3), 0
    for step in range(7 * 144):
        totals = random.poisson(total, 20).astype(float)
        hits = random.binomial(totals.astype(int), 0.2).astype(float)
        alarms += int((bank.update(600.0 * step, hits, totals=totals).score >= THRESHOLD).sum())
    # Then it fires less than once in a hundred days
    assert alarms / (7 * 20) < 0.01


def test_all_of_a_few_mentions_are_no_surge() -> None:
    # Given a share of a tenth, known for a day
    bank = ShareBank(1, step_s=STEP_S)
    told(bank, share=0.1, total=3, steps=1_440)
    # When three of three are hits
    score = bank.update(bank._at_s + STEP_S, np.array([3.0]), totals=np.array([3.0])).score
    # Then nothing fires
    assert score[0] < THRESHOLD


def test_moods_that_come_in_company_are_given_more_room() -> None:
    # Given a share that swings as a beta-binomial does, with a correlation of a tenth
    random, bank = np.random.default_rng(5), ShareBank(1, step_s=STEP_S)
    scores = []
    for step in range(3_000):
        share = random.beta(0.3 * 9, 0.7 * 9)
        hits = random.binomial(40, share, 1).astype(float)
        scores.append(bank.update(STEP_S * step, hits, totals=np.full(1, 40.0)).score[0])
    # Then what would be impossible for coins seldom fires
    assert sum(score >= THRESHOLD for score in scores) <= 2


def test_the_tail_is_near_the_exact_binomial_one() -> None:
    # Given some hits of some totals
    for n, k, p in [(10, 5, 0.2), (30, 20, 0.4), (100, 40, 0.25), (5, 3, 0.1)]:
        exact = sum(math.comb(n, j) * p**j * (1 - p) ** (n - j) for j in range(k, n + 1))
        # When the tail is taken from the deviance
        deviation = share_deviation(
            np.array([float(k)]),
            totals=np.array([float(n)]),
            share=np.array([p]),
            spread=np.zeros(1),
        )
        # Then it is within a factor of two of the exact one
        near = math.exp(-float(surprise(deviation)[0]))
        assert 0.5 < near / exact < 2


def test_a_step_without_mentions_tells_nothing() -> None:
    bank = ShareBank(1, step_s=STEP_S)
    told(bank, share=0.5, total=10, steps=20)
    readings = bank.update(bank._at_s + STEP_S, np.zeros(1), totals=np.zeros(1))
    assert readings.probability[0] == 1
    assert readings.score[0] == 0


def test_a_restored_bank_of_shares_goes_on_bit_for_bit() -> None:
    # Given a bank with a past, and another that takes it over
    first, other = ShareBank(3, step_s=STEP_S), ShareBank(1, step_s=STEP_S)
    told(first, share=0.3, total=8, steps=100)
    other.restore(first.state())
    # When both go on
    here, there = (told(bank, share=0.6, total=8, steps=50, seed=7) for bank in (first, other))
    # Then they agree
    assert np.array_equal(here, there)
    assert first.state() == other.state()


def test_a_share_added_later_begins_with_nothing() -> None:
    bank = ShareBank(1, step_s=STEP_S)
    told(bank, share=0.3, total=8, steps=100)
    bank.grow(2)
    readings = bank.update(bank._at_s + STEP_S, np.zeros(3), totals=np.zeros(3))
    assert readings.expected[1:].tolist() == [0.5, 0.5]
    assert readings.expected[0] == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize(
    ("hits", "total"), [(3.0, 2.0), (-1.0, 2.0), (math.nan, 2.0), (1.0, math.inf)]
)
def test_hits_that_are_not_within_their_total_are_refused(hits: float, total: float) -> None:
    with pytest.raises(InvalidInput, match="hits of"):
        ShareBank(1, step_s=STEP_S).update(0.0, np.array([hits]), totals=np.array([total]))


def test_shares_of_another_number_of_series_or_time_are_refused() -> None:
    bank = ShareBank(1, step_s=STEP_S)
    with pytest.raises(InvalidInput, match="expected \\(1,\\)"):
        bank.update(0.0, np.zeros(2), totals=np.zeros(2))
    bank.update(0.0, np.zeros(1), totals=np.zeros(1))
    with pytest.raises(InvalidInput, match="does not go on"):
        bank.update(0.0, np.zeros(1), totals=np.zeros(1))
