"""Stalls: a partition that stands still with records ahead, told from all that may stand still."""

from consumers.runtime.stalls import Stalls
from tests.consumers.runtime.given import LEFT, RIGHT


def test_a_position_that_stands_still_while_its_end_is_ahead_is_a_stall() -> None:
    stalls = Stalls(1000)
    for now in (0, 500, 999):
        assert stalls.observe({LEFT: (5, 9), RIGHT: (5, 5)}, paused=(), now_ms=now) == []
    assert stalls.observe({LEFT: (5, 9), RIGHT: (5, 5)}, paused=(), now_ms=1000) == [LEFT]


def test_one_that_moves_is_none_however_far_behind() -> None:
    stalls = Stalls(1000)
    for now in range(0, 10_000, 500):
        assert stalls.observe({LEFT: (now, 10**9)}, paused=(), now_ms=now) == []


def test_one_that_waits_for_its_state_is_none_and_begins_anew_after_it() -> None:
    stalls = Stalls(1000)
    for now in (0, 900, 1800):
        assert stalls.observe({LEFT: (5, 9)}, paused=[LEFT], now_ms=now) == []
    assert stalls.observe({LEFT: (5, 9)}, paused=(), now_ms=2700) == []
    assert stalls.observe({LEFT: (5, 9)}, paused=(), now_ms=2800) == [LEFT]


def test_one_that_was_drained_begins_when_records_come() -> None:
    stalls = Stalls(1000)
    assert stalls.observe({LEFT: (5, 5)}, paused=(), now_ms=0) == []
    assert stalls.observe({LEFT: (5, 5)}, paused=(), now_ms=5000) == []
    assert stalls.observe({LEFT: (5, 6)}, paused=(), now_ms=5900) == []
    assert stalls.observe({LEFT: (5, 6)}, paused=(), now_ms=6000) == [LEFT]


def test_one_that_left_and_came_back_begins_anew() -> None:
    stalls = Stalls(1000)
    stalls.observe({LEFT: (5, 9)}, paused=(), now_ms=0)
    stalls.observe({}, paused=(), now_ms=500)
    assert stalls.observe({LEFT: (5, 9)}, paused=(), now_ms=1200) == []
