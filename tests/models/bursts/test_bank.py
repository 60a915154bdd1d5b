"""The bank: causal, restored bit for bit, silent in quiet times, awake when something happens."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import InvalidInput, StateInvalid
from models.bursts.bank import THRESHOLD, Bank
from tests.models.bursts.making import DAY, STEP_S, quiet, scores_of


def test_a_planted_spike_is_found_in_the_step_in_which_it_comes() -> None:
    # Given quiet days, and ten times the usual in one step
    values = quiet(5.0, days=11, seed=1)[:, None]
    values[3_000] += 60.0
    # When the bank sees them
    alarms = np.flatnonzero(scores_of(values)[:, 0] >= THRESHOLD)
    # Then it fires there, once
    assert 3_000 in alarms
    assert not set(alarms) & set(range(3_001, 3_020))


def test_a_surge_that_builds_up_over_an_hour_is_found_once() -> None:
    # Given a crowd that trebles within an hour and stays for three
    values = quiet(20.0, days=7, seed=2)[:, None]
    values[1_500:1_512, 0] += np.random.default_rng(0).poisson(np.linspace(0, 60, 12))
    values[1_512:1_548, 0] += np.random.default_rng(0).poisson(60, 36)
    # When the bank sees them
    alarms = np.flatnonzero(scores_of(values)[:, 0] >= THRESHOLD)
    # Then it fires in that hour, and few times in all
    during = [step for step in alarms if 1_500 <= step < 1_548]
    assert during
    assert during[0] < 1_512
    assert len(during) <= 4


def test_a_surge_of_few_mentions_a_minute_is_found_within_minutes() -> None:
    # Given twenty watches with 1.2 mentions a minute over two days, and 5.4 for the quarter of an hour that follows
    rates = np.full((2 * 1_440 + 15, 20), 1.2)
    rates[-15:] = 5.4
    counts = np.random.default_rng(6).poisson(rates).astype(float)
    # When the bank sees them by the minute
    bank = Bank(20, step_s=60.0)
    scores = np.array([bank.update(60.0 * step, row).score for step, row in enumerate(counts)])
    # Then it fires in nearly all, half of them within three minutes, and hardly ever before
    delays = [np.flatnonzero(column >= THRESHOLD) for column in scores[-15:].T]
    assert sum(len(fired) > 0 for fired in delays) >= 18
    assert np.median([fired[0] for fired in delays if len(fired)]) <= 3
    assert (scores[:-15] >= THRESHOLD).sum() <= 2


def test_the_first_day_of_a_series_may_rise_and_fall_unremarked() -> None:
    # Given twenty watches that begin at night, and grow sixfold by the afternoon
    swing = 20.0 * (1 - 0.7 * np.cos(2 * np.pi * np.arange(1_440) / 1_440))
    counts = np.random.default_rng(8).poisson(np.tile(swing[:, None], 20)).astype(float)
    # When the bank sees their first day by the minute
    bank = Bank(20, step_s=60.0)
    alarms = [bank.update(60.0 * step, row).score >= THRESHOLD for step, row in enumerate(counts)]
    # Then it fires in few of them
    assert np.sum(alarms) <= 4


@pytest.mark.parametrize("mean", [0.02, 0.3, 3.0, 50.0])
def test_quiet_counts_with_a_days_season_raise_almost_nothing(mean: float) -> None:
    # Given twenty times ten quiet days that mean nothing
    values = np.stack([quiet(mean, days=10, seed=seed) for seed in range(20)], axis=1)
    # When the bank sees them
    alarms = scores_of(values) >= THRESHOLD
    # Then it fires less than once in ten days once it knows the days
    assert alarms[2 * DAY :].sum() / (8 * 20) < 0.1


def test_the_score_of_a_moment_does_not_depend_on_what_comes_later() -> None:
    # Given a series and its beginning
    values = quiet(5.0, days=4, seed=3)[:, None]
    values[700] = 90.0
    # When both are seen
    whole, beginning = scores_of(values), scores_of(values[:800])
    # Then the beginning's scores are the same, bit for bit
    assert np.array_equal(whole[:800], beginning)


@settings(max_examples=10)
@given(st.integers(0, 200), st.integers(1, 5))
def test_a_restored_bank_goes_on_as_if_nothing_had_happened(stop: int, n: int) -> None:
    # Given a bank that has seen some steps
    values = np.random.default_rng(stop).poisson(4.0, (260, n)).astype(float)
    first = Bank(n, step_s=STEP_S)
    scores_of(values[:stop], first)
    # When another takes over its state and both go on
    other = Bank(0, step_s=STEP_S)
    other.restore(first.state())
    # Then they agree bit for bit, and so do their states
    there = scores_of(values[stop:], first, first=stop)
    here = scores_of(values[stop:], other, first=stop)
    assert np.array_equal(there, here)
    assert first.state() == other.state()


def test_a_bank_of_many_is_as_many_banks_of_one() -> None:
    # Given series of different kinds
    steps = np.arange(600)
    kinds = [quiet(3.0, days=3, seed=1)[:600], np.zeros(600), -40 + np.sin(steps), 1e12 + steps]
    values = np.stack(kinds, axis=1)
    # When they are watched together and one by one
    together = scores_of(values)
    alone = np.concatenate([scores_of(values[:, [column]]) for column in range(4)], axis=1)
    # Then their scores are the same
    assert np.allclose(together, alone, rtol=0, atol=1e-9)


def test_a_series_added_later_is_one_that_begins_later() -> None:
    # Given a bank of one that grows by one
    values = quiet(4.0, days=2, seed=5)
    bank = Bank(1, step_s=STEP_S)
    scores_of(values[:100, None], bank)
    bank.grow(1)
    # When both series are seen
    both = scores_of(np.stack((values[100:], values[100:]), axis=1), bank, first=100)
    # Then the new one is judged as a new bank judges it
    fresh = scores_of(values[100:, None], first=100)
    assert np.array_equal(both[:, [1]], fresh)


@pytest.mark.parametrize("value", [0.0, 45.0, -3.5, 1e15])
def test_a_series_that_never_moves_never_fires(value: float) -> None:
    assert scores_of(np.full((2_000, 1), value)).max() < THRESHOLD


def test_readings_stay_within_their_bounds_whatever_comes() -> None:
    # Given values of every size and sign
    random = np.random.default_rng(9)
    values = random.normal(size=(400, 3)) * 10.0 ** random.integers(-90, 90, (400, 3))
    # When the bank sees them
    bank = Bank(3, step_s=STEP_S)
    for step, row in enumerate(values):
        told = bank.update(STEP_S * step, row)
        # Then all that it tells is a number of its kind
        assert all(np.isfinite(array).all() for array in told)
        assert (told.scale > 0).all()
        assert ((told.probability > 0) & (told.probability <= 1)).all()
        assert ((told.score >= 0) & (told.score <= 1)).all()


def test_what_is_expected_follows_the_hour_of_the_week() -> None:
    # Given six weeks by the hour: 40 by day from Monday to Friday (1970 began on a Thursday), else 4
    hours = np.arange(6 * 168)
    is_work = (hours % 24 >= 8) & (hours % 24 < 18) & ((hours // 24 + 3) % 7 < 5)
    counts = np.random.default_rng(1).poisson(np.where(is_work, 40.0, 4.0)).astype(float)
    bank = Bank(1, step_s=3_600.0)
    expected = [bank.update(3_600.0 * hour, counts[[hour]]).expected[0] for hour in hours]
    # When the noons of the last week are told
    noons = np.array(expected).reshape(6, 7, 24)[-1, :, 12]
    # Then Thursday's is a day of work, and Saturday's and Sunday's are not
    assert noons[0] > 30
    assert noons[2:4].max() < 20


def test_hours_of_silence_are_learnt_at_once_and_much_as_step_by_step() -> None:
    # Given two banks with the same past
    values = quiet(6.0, days=5, seed=4)[:, None]
    at_once, by_steps = Bank(1, step_s=STEP_S), Bank(1, step_s=STEP_S)
    for bank in (at_once, by_steps):
        scores_of(values, bank)
    # When eight silent hours pass, told to one of them and not to the other
    steps, silent = len(values), 96
    scores_of(np.zeros((silent, 1)), by_steps, first=steps)
    later = STEP_S * (steps + silent)
    told, untold = by_steps.update(later, np.array([6.0])), at_once.update(later, np.array([6.0]))
    # Then they expect much the same
    assert untold.expected[0] == pytest.approx(told.expected[0], rel=0.25, abs=0.3)
    assert untold.scale[0] == pytest.approx(told.scale[0], rel=0.25)


def test_a_year_of_silence_is_passed_at_once() -> None:
    # Given a bank in steps of ten seconds
    bank = Bank(1, step_s=10.0)
    for step in range(50):
        bank.update(10.0 * step, np.array([20.0]))
    # When a year passes, three million steps that would take ten minutes one by one
    told = bank.update(366 * 86_400.0, np.array([20.0]))
    # Then nothing is expected any more, and what comes is a burst
    assert told.expected[0] < 0.1
    assert told.score[0] >= THRESHOLD


def test_rows_that_nobody_took_teach_nothing() -> None:
    # Given a bank of measurements
    bank = Bank(1, step_s=STEP_S, gaps="missing")
    scores_of(50 + np.random.default_rng(1).normal(size=(500, 1)), bank)
    # When a day is missing
    told = bank.update(STEP_S * 800, np.array([50.0]))
    # Then what it expects is what it was
    assert told.expected[0] == pytest.approx(50, abs=0.5)


def test_a_watch_with_a_dozen_series_takes_less_than_16_kilobytes() -> None:
    assert len(Bank(12, step_s=10.0).state()) < 16 * 1024


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e200])
def test_a_value_that_is_no_number_is_refused_and_changes_nothing(value: float) -> None:
    # Given a bank with a past
    bank = Bank(2, step_s=STEP_S)
    bank.update(0.0, np.array([1.0, 2.0]))
    before = bank.state()
    # When a value is not finite
    with pytest.raises(InvalidInput, match="value 1 is"):
        bank.update(STEP_S, np.array([1.0, value]))
    # Then the bank is as it was
    assert bank.state() == before


def test_a_step_at_or_before_the_last_is_refused() -> None:
    bank = Bank(1, step_s=STEP_S)
    bank.update(600.0, np.array([1.0]))
    with pytest.raises(InvalidInput, match="does not go on"):
        bank.update(600.0, np.array([1.0]))


def test_values_for_another_number_of_series_are_refused() -> None:
    with pytest.raises(InvalidInput, match="expected \\(2,\\)"):
        Bank(2, step_s=STEP_S).update(0.0, np.array([1.0]))


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (b"", "0 bytes"),
        (b"\xff\xff" + bytes(12), "version 65535"),
        (b"\x01\x00" + b"\x02" + bytes(11), "for 2 series"),
    ],
)
def test_a_state_that_is_not_of_this_version_is_refused(state: bytes, said: str) -> None:
    with pytest.raises(StateInvalid, match=said):
        Bank(1, step_s=STEP_S).restore(state)


def test_a_copy_judges_the_same_and_is_taught_apart() -> None:
    # Given a bank that has learnt, and its copy
    bank = Bank(2, step_s=60)
    for step in range(50):
        bank.update(60.0 * step, np.array([1.0, step % 7]))
    twin = bank.copy()
    state = bank.state()
    # When the copy is taught something else and grows
    twin.update(3000.0, np.array([90.0, 0.0]))
    twin.grow(1)
    # Then the bank is as it was, and another copy answers as the bank does
    assert bank.state() == state
    values = np.array([5.0, 5.0])
    np.testing.assert_array_equal(
        bank.copy().update(3000.0, values).score, bank.update(3000.0, values).score
    )
