"""Intervals: as wide as chance, the same every time, quick."""

import time

import numpy as np
import pytest

from models.evaluation.figures import accuracy, confusion, macro_f1
from models.evaluation.intervals import bootstrap_intervals


def test_the_accuracy_interval_is_the_binomial_one() -> None:
    # Given 800 of 1,000 right
    interval = bootstrap_intervals(np.array([[400, 100], [100, 400]])).accuracy
    # Then the interval is .8 ± 1.96 · sqrt(.8 · .2 / 1000)
    assert interval == pytest.approx((0.8 - 0.0248, 0.8 + 0.0248), abs=0.003)


def test_it_is_what_drawing_rows_gives() -> None:
    # Given 300 rows of three classes, one of them rare
    rng = np.random.default_rng(2)
    true = rng.choice(3, 300, p=[0.6, 0.35, 0.05])
    guessed = np.where(rng.uniform(size=300) < 0.7, true, rng.integers(0, 3, 300))
    # When rows are drawn with replacement one set after another
    drawn = [rng.integers(0, 300, 300) for _ in range(2_000)]
    scores = np.percentile([macro_f1(true[at], guessed[at]) for at in drawn], [2.5, 97.5])
    shares = np.percentile([accuracy(true[at], guessed[at]) for at in drawn], [2.5, 97.5])
    # Then the intervals are the same within the noise of the draws
    intervals = bootstrap_intervals(confusion(true, guessed, classes=3))
    assert intervals.macro_f1 == pytest.approx(scores, abs=0.015)
    assert intervals.accuracy == pytest.approx(shares, abs=0.01)


def test_equal_seeds_give_equal_intervals() -> None:
    cells = np.array([[5, 2, 0], [1, 9, 3], [0, 1, 1]])
    assert bootstrap_intervals(cells, seed=3) == bootstrap_intervals(cells, seed=3)
    assert bootstrap_intervals(cells, seed=3) != bootstrap_intervals(cells, seed=4)


def test_the_interval_holds_the_figure() -> None:
    cells = np.array([[50, 20, 0], [10, 90, 30], [0, 10, 12]])
    low, high = bootstrap_intervals(cells).accuracy
    assert low < 152 / 222 < high


def test_a_hundred_classes_and_many_rows_take_no_time() -> None:
    rng = np.random.default_rng(1)
    true = rng.integers(0, 150, 100_000)
    guessed = np.where(rng.uniform(size=100_000) < 0.9, true, rng.integers(0, 150, 100_000))
    begin = time.perf_counter()
    bootstrap_intervals(confusion(true, guessed, classes=150), draws=500)
    assert time.perf_counter() - begin < 10
