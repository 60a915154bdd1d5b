"""Event time: goes on with what is observed, never back, and with the clock only where the input is live."""

from consumers.runtime.state import Overlay, PartitionState
from consumers.runtime.windows import UNKNOWN_MS
from consumers.scoring.event_time import LIVE_WITHIN_MS, EventTime, Reached

NOW_MS = 1_767_268_800_000
DAY_MS = 86_400_000


def test_time_is_the_latest_observed_and_never_goes_back() -> None:
    times = EventTime(Reached())
    times.note(NOW_MS - 500, NOW_MS)
    times.note(NOW_MS - 900, NOW_MS)
    times.applied()
    assert times.reached_ms(NOW_MS, idle_ms=0) == NOW_MS - 500


def test_an_event_from_the_future_counts_as_of_its_receipt() -> None:
    times = EventTime(Reached())
    times.note(NOW_MS + 365 * DAY_MS, NOW_MS)
    times.applied()
    assert times.reached_ms(NOW_MS, idle_ms=0) == NOW_MS


def test_a_live_input_that_is_silent_goes_on_with_the_clock() -> None:
    times = EventTime(Reached(NOW_MS - 100, NOW_MS))
    assert times.reached_ms(NOW_MS + DAY_MS, idle_ms=DAY_MS) == NOW_MS + DAY_MS - LIVE_WITHIN_MS


def test_a_replay_that_is_silent_stands_still() -> None:
    times = EventTime(Reached(NOW_MS - DAY_MS, NOW_MS))
    assert times.reached_ms(NOW_MS + DAY_MS, idle_ms=DAY_MS) == NOW_MS - DAY_MS


def test_an_input_that_gave_nothing_has_no_time() -> None:
    assert EventTime(Reached()).reached_ms(NOW_MS, idle_ms=DAY_MS) == UNKNOWN_MS


def test_what_was_not_committed_is_not_told_and_what_was_survives_a_restart() -> None:
    kept = PartitionState()
    times = EventTime(Reached())
    times.note(NOW_MS, NOW_MS)
    assert times.reached_ms(NOW_MS, idle_ms=0) == UNKNOWN_MS
    overlay = Overlay(kept)
    times.write(overlay)
    overlay.apply()
    times.applied()
    times.note(NOW_MS + 5, NOW_MS + 5)
    times.discarded()
    assert EventTime.read(Overlay(kept)).reached_ms(NOW_MS, idle_ms=0) == NOW_MS
