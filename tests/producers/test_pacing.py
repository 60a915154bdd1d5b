"""When an event's turn has come."""

import math
from datetime import UTC, datetime, timedelta

import pytest

from contracts.errors import SourceInvalid
from producers.pacing import Pace, parse_speed

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "speed"), [("event", 1.0), ("x600", 600.0), ("x0.5", 0.5), ("max", math.inf)]
)
def test_a_speed_is_read(text: str, speed: float) -> None:
    assert parse_speed(text) == speed


@pytest.mark.parametrize("text", ["", "x", "x0", "x-3", "600", "xfast", "xinf", "xnan", "MAX"])
def test_a_speed_that_cannot_be_is_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(SourceInvalid, match="expected `event`, `max` or `xN`"):
        parse_speed(text)


def test_waiting_is_measured_against_the_first_event() -> None:
    now = 50.0
    pace = Pace(60, lambda: now)
    assert pace.wait_s(NOON) == 0
    now = 50.5
    assert pace.wait_s(NOON + timedelta(minutes=2)) == pytest.approx(1.5)


def test_time_lost_is_made_good_and_an_older_event_waits_for_nothing() -> None:
    now = 0.0
    pace = Pace(1, lambda: now)
    pace.wait_s(NOON)
    now = 10.0
    assert pace.wait_s(NOON + timedelta(seconds=8)) == 0
    assert pace.wait_s(NOON - timedelta(days=1)) == 0
    assert pace.wait_s(NOON + timedelta(seconds=11)) == pytest.approx(1)


def test_at_the_highest_speed_nothing_waits() -> None:
    pace = Pace(math.inf, lambda: 0.0)
    assert [pace.wait_s(NOON + timedelta(days=day)) for day in range(3)] == [0, 0, 0]
