"""Repeats: what was there within a day is known again, after a restart too, and is forgotten later."""

from hypothesis import given
from hypothesis import strategies as st

from consumers.runtime.state import Overlay, PartitionState
from consumers.scoring.repeats import HOUR_MS, MERGE_SEGMENTS, PREFIX, Repeats, repeat_hash

NOON_MS = 1_767_268_800_000


def commit(repeats: Repeats, kept: PartitionState, *, offset: int) -> None:
    overlay = Overlay(kept)
    repeats.write(overlay, offset)
    overlay.apply()
    repeats.applied()


def reopened(kept: PartitionState) -> Repeats:
    repeats = Repeats(24)
    repeats.load(Overlay(kept))
    return repeats


def test_the_second_of_two_is_a_repeat_within_one_batch() -> None:
    repeats = Repeats(24)
    assert [repeats.seen(7, NOON_MS), repeats.seen(7, NOON_MS), repeats.seen(8, NOON_MS)] == [
        False,
        True,
        False,
    ]


def test_what_was_committed_is_a_repeat_after_a_restart_for_a_day_and_no_longer() -> None:
    # Given one event, committed
    kept, repeats = PartitionState(), Repeats(24)
    repeats.seen(7, NOON_MS)
    commit(repeats, kept, offset=0)
    # When another worker takes over
    # Then it knows it for 24 hours
    assert reopened(kept).seen(7, NOON_MS + 24 * HOUR_MS)
    assert not reopened(kept).seen(7, NOON_MS + 26 * HOUR_MS)


def test_what_was_not_committed_is_no_repeat_when_its_batch_comes_again() -> None:
    # Given a batch that was processed, and whose transaction was lost
    kept, repeats = PartitionState(), Repeats(24)
    repeats.seen(7, NOON_MS)
    repeats.write(Overlay(kept), 0)
    # When it is processed again
    repeats.discarded()
    # Then its event counts as new
    assert not repeats.seen(7, NOON_MS)


def test_hours_that_are_over_leave_the_state() -> None:
    kept, repeats = PartitionState(), Repeats(24)
    for hour in range(60):
        repeats.seen(hour, NOON_MS + hour * HOUR_MS)
        commit(repeats, kept, offset=hour)
    assert 24 <= len(list(kept.keys_from(PREFIX))) <= 27


def test_a_quiet_stream_does_not_leave_an_entry_for_each_record() -> None:
    kept, repeats = PartitionState(), Repeats(24)
    for number in range(1000):
        repeats.seen(number, NOON_MS)
        commit(repeats, kept, offset=number)
    assert len(list(kept.keys_from(PREFIX))) <= MERGE_SEGMENTS + 1 + 1000 // MERGE_SEGMENTS
    assert all(reopened(kept).seen(number, NOON_MS) for number in range(1000))


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 40)), max_size=120))
def test_it_answers_as_a_plain_memory_does(arrivals: list[tuple[int, int]]) -> None:
    # Given arrivals in order of time, committed in batches of four, with a restart after each
    ordered = sorted(arrivals, key=lambda item: item[1])
    kept, repeats, plain = PartitionState(), Repeats(24), {}  # type: ignore[var-annotated]
    for at, (value, hour) in enumerate(ordered):
        is_repeat = value in plain and hour - plain[value] <= 24
        assert repeats.seen(value, NOON_MS + hour * HOUR_MS) is is_repeat
        if not is_repeat:
            plain[value] = hour
        if at % 4 == 3:
            commit(repeats, kept, offset=at)
            repeats = reopened(kept)


def test_a_hash_tells_parts_apart_that_join_alike() -> None:
    assert repeat_hash("a", "bc", event_id="d") != repeat_hash("ab", "c", event_id="d")
    assert 0 <= repeat_hash("default", "twitter", event_id="1") < 2**64
