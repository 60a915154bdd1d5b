"""The summary: each figure by hand on ten rows."""

import numpy as np
import pytest

from models.evaluation.summary import ClassSummary, normalised, summarise

TRUE = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1, 1])
FIRST = np.array([0.95, 0.9, 0.85, 0.8, 0.55, 0.4, 0.05, 0.1, 0.25, 0.6])
SHARES = np.stack([FIRST, 1 - FIRST], axis=1)


def test_ten_rows_give_what_they_give_by_hand() -> None:
    # Given two mistakes: the row with .4 and the last one, both among the least sure
    figures = summarise(TRUE, SHARES, names=["joy", "anger"])
    assert (figures.n, figures.accuracy) == (10, 0.8)
    # Then 5 of 6 and 3 of 4 are found
    assert figures.per_class == {
        "joy": ClassSummary(f1=0.8333, precision=0.8333, recall=0.8333, support=6),
        "anger": ClassSummary(f1=0.75, precision=0.75, recall=0.75, support=4),
    }
    assert figures.macro_f1 == pytest.approx((5 / 6 + 3 / 4) / 2, abs=1e-4)
    assert figures.macro_recall == figures.macro_f1
    # And of 24 pairs, .4 and .55 stand below .6
    assert figures.auc == pytest.approx(22 / 24, abs=1e-4)
    assert figures.confusion == {"joy": {"joy": 5, "anger": 1}, "anger": {"joy": 1, "anger": 3}}


def test_the_surest_eight_of_ten_leave_out_the_least_sure() -> None:
    # Given confidences of .55 (right), .6 and .6 (wrong) at the end: the last .6 and .55 go
    figures = summarise(TRUE, SHARES, names=["joy", "anger"])
    assert figures.accuracy_at_80 == 0.875
    assert figures.accuracy_gain_at_80 == pytest.approx(0.075)
    # joy: 4 of 5 found, none wrongly; anger: 3 of 3, one wrongly
    assert figures.macro_f1_at_80 == pytest.approx((8 / 9 + 6 / 7) / 2, abs=1e-4)
    assert figures.macro_f1_gain_at_80 == pytest.approx(
        figures.macro_f1_at_80 - figures.macro_f1, abs=1e-4
    )


def test_ten_rows_in_fifteen_bins_stand_alone_but_for_ties() -> None:
    # Given confidences .95 .9 .85 .8 .55 .6 | .95 .9 .75 .6 with two mistakes, both at .6
    figures = summarise(TRUE, SHARES, names=["joy", "anger"])
    gaps = [2 * 0.05, 2 * 0.1, 0.15, 0.2, 0.45, 0.25, 2 * 0.6]
    assert figures.ece == pytest.approx(sum(gaps) / 10, abs=1e-4)


def test_intervals_hold_the_figures() -> None:
    figures = summarise(TRUE, SHARES, names=["joy", "anger"])
    assert figures.accuracy_interval[0] < figures.accuracy < figures.accuracy_interval[1]
    assert figures.macro_f1_interval[0] < figures.macro_f1 < figures.macro_f1_interval[1]


def test_sums_are_shared_out_and_nothing_is_shared_evenly() -> None:
    shares = normalised(np.array([[0.2, 0.6], [0.0, 0.0]]))
    assert shares == pytest.approx(np.array([[0.25, 0.75], [0.5, 0.5]]))
