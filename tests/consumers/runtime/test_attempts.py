"""Marks: how often a worker ended at an offset, followed through crashes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.runtime.attempts import Mark

LIMIT, BATCH = 3, 5


def arrive(mark: Mark) -> Mark:
    return Mark.read(mark.text()).arrived(limit=LIMIT, batch=BATCH)


def test_a_record_goes_alone_after_three_marked_crashes_and_is_poison_after_three_more() -> None:
    mark, seen = Mark(), []
    for _ in range(8):
        mark = arrive(mark)
        seen.append((mark.alone, mark.is_poison(LIMIT)))
    assert seen == [(False, False)] * 3 + [(True, False)] * 3 + [(True, True)] * 2


def test_the_records_after_it_go_alone_too_until_the_batch_is_past() -> None:
    mark = arrive(Mark(c=LIMIT))
    alone = 0
    while mark.alone:
        alone += 1
        mark = mark.moved_on()
        # Each is marked as tried in the commit of the one before it, so its own crash counts from one.
        assert mark.c == (1 if mark.alone else 0)
    assert alone == BATCH
    assert mark == Mark()


def test_a_crash_on_a_later_record_counts_for_that_one_alone() -> None:
    mark = arrive(Mark(c=LIMIT)).moved_on()
    for _ in range(LIMIT - 1):
        mark = arrive(mark)
        assert not mark.is_poison(LIMIT)
    assert arrive(mark).is_poison(LIMIT)


def test_the_first_try_since_an_arrival_is_told_from_those_after_it() -> None:
    first = arrive(Mark())
    assert first.is_first_try
    assert not first.moved_on().is_first_try
    assert Mark(c=1, k=2).moved_on().is_first_try


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_mark_is_read_back_as_it_was_written(c: int, k: int) -> None:
    assert Mark.read(Mark(c, k).text()) == Mark(c, k)


def test_a_clean_mark_is_no_text() -> None:
    assert Mark().text() == ""


@pytest.mark.parametrize("metadata", [None, "", "NO_METADATA", "[]", '{"c":"x"}', "{"])
def test_metadata_of_another_program_counts_as_none(metadata: str | None) -> None:
    assert Mark.read(metadata) == Mark()


def test_a_part_of_the_work_that_is_done_lets_tries_count_anew() -> None:
    """Given work in many parts at one offset, Then ends of its worker count only where no part gets done between."""
    mark = Mark()
    for _ in range(20):
        mark = mark.arrived(limit=3, batch=1000).part_done()
    assert not mark.alone
    for _ in range(5):
        mark = mark.arrived(limit=3, batch=1000)
    assert mark.is_poison(3) is False
    assert mark.arrived(limit=3, batch=1000).is_poison(3)
