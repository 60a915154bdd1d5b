"""Steps: how long they are, and whether a missing row is a zero."""

import pytest

from models.bursts.readings import Step
from models.bursts.steps import Steps


def last(rows: list[tuple[float, float]]) -> Step:
    steps = Steps()
    return [steps.see(at_s, value) for at_s, value in rows][-1]


def test_a_measurement_has_the_median_step_and_unknown_gaps() -> None:
    # Given speeds every five minutes, once after half an hour
    rows = [(300.0 * step, 60.5) for step in range(10)] + [(4_500.0, 61.0)]
    # Then the step is still five minutes
    assert last(rows) == Step(300.0, "missing")


def test_small_whole_numbers_without_a_zero_leave_their_zeros_out() -> None:
    assert last([(0.0, 1.0), (4_800.0, 1.0), (13_800.0, 3.0)]) == Step(600.0, "zeros")


@pytest.mark.parametrize(
    "rows",
    [
        [(0.0, 1.0), (600.0, 0.0), (1_800.0, 2.0)],
        [(0.0, 40.0), (600.0, 35.0), (1_800.0, 38.0)],
        [(0.0, 1.0), (600.0, 1.5), (1_800.0, 2.0)],
        [(0.0, 1.0), (601.0, 1.0), (1_808.0, 2.0)],
    ],
    ids=["zeros are written", "no ones", "a fraction", "no common step"],
)
def test_other_series_have_unknown_gaps(rows: list[tuple[float, float]]) -> None:
    assert last(rows).gaps == "missing"


def test_a_moment_told_twice_or_a_clock_set_back_changes_no_step() -> None:
    assert last([(0.0, 5.5), (300.0, 5.5), (300.0, 5.6), (0.0, 5.5)]) == Step(300.0, "missing")
