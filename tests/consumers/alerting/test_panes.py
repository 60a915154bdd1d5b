"""Panes, steps and windows over them, and which mentions were counted."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.alerting.panes import (
    HEARD_LIMIT,
    REMEMBERED_IDS,
    Counted,
    History,
    Length,
    OpenPane,
    merged_samples,
)
from consumers.alerting.sampling import GROUP_LIMITS, Samples, rank_of
from consumers.alerting.tallies import Tally
from tests.consumers.alerting.desk import mention

PANE, STEP = 10_000, 60_000
LONGEST = 600_000
HOUR = Length(3_600_000, in_blocks=True)
LENGTHS = [Length(STEP), Length(LONGEST), HOUR]


def tally_of(many: int) -> dict[str, Tally]:
    return {"": Tally(mentions=many)} if many else {}


def lived(counts: list[int]) -> History:
    """Return a history in which panes had so many mentions, each decided in turn."""
    history = History()
    for place, many in enumerate(counts):
        history.decide((place + 1) * PANE, tally_of(many), step_ms=STEP, lengths=LENGTHS)
    return history


def seen(history: History, end_ms: int, window_ms: int) -> int:
    return history.window(end_ms, Length(window_ms), step_ms=STEP).get("", Tally()).mentions


@given(st.lists(st.integers(0, 3), min_size=1, max_size=90))
def test_a_window_of_a_step_or_less_is_the_sum_of_its_panes(counts: list[int]) -> None:
    history, end = lived(counts), len(counts) * PANE
    for panes in range(1, 7):
        assert seen(history, end, panes * PANE) == sum(counts[-panes:])
        assert history.mentions(end, Length(panes * PANE), step_ms=STEP) == sum(counts[-panes:])


@given(st.lists(st.integers(0, 3), min_size=60, max_size=90))
def test_a_longer_window_is_exact_at_the_end_of_a_step_and_shorter_by_less_than_one_between(
    counts: list[int],
) -> None:
    history, end = lived(counts), len(counts) * PANE
    for steps in (2, 5, 10):
        panes = steps * 6 - (0 if len(counts) % 6 == 0 else 6 - len(counts) % 6)
        assert seen(history, end, steps * STEP) == sum(counts[-panes:])


@given(st.lists(st.integers(0, 3), min_size=360, max_size=480))
def test_an_hour_in_blocks_is_whole_blocks_and_what_has_passed_of_the_one_in_hand(
    counts: list[int],
) -> None:
    history, end = lived(counts), len(counts) * PANE
    lacks = -len(counts) % 60
    assert history.window(end, HOUR, step_ms=STEP).get("", Tally()).mentions == sum(
        counts[lacks - 360 :]
    )


def test_what_lies_behind_the_longest_window_is_let_go_of() -> None:
    history = lived([1] * 600)
    assert (len(history.panes), len(history.steps), len(history.blocks)) == (6, 10, 6)
    assert history.last_ms() == 600 * PANE
    # Panes without mentions take no room.
    assert lived([1] + [0] * 599) == History()
    assert lived([0, 0, 1, 0]).last_ms() == 3 * PANE
    assert lived([1] + [0] * 199).last_ms() == 0
    assert lived([1] + [0] * 199).last_ms(in_blocks=True) == LONGEST
    # Where no window is counted in blocks, there are none.
    exact = History()
    exact.decide(LONGEST, tally_of(1), step_ms=STEP, lengths=[Length(STEP)])
    assert (len(exact.steps), exact.blocks) == (1, [])


def test_a_step_is_whole_though_panes_of_it_were_skipped() -> None:
    history = History()
    history.decide(PANE, tally_of(2), step_ms=STEP, lengths=LENGTHS)
    history.decide(STEP, {}, step_ms=STEP, lengths=LENGTHS)
    assert seen(history, STEP, LONGEST) == 2
    history.decide(10 * STEP, {}, step_ms=STEP, lengths=LENGTHS)
    assert seen(history, 10 * STEP, LONGEST) == 2
    assert seen(history, 11 * STEP, LONGEST) == 0


@given(st.permutations(range(300)))
def test_which_ids_are_remembered_does_not_hang_on_their_order(order: list[int]) -> None:
    counted, other = Counted(), Counted()
    for number in order:
        assert not counted.is_repeat(rank_of(str(number)), start_ms=0)
    for number in range(300):
        other.is_repeat(rank_of(str(number)), start_ms=0)
    assert sorted(counted.panes[0]) == sorted(other.panes[0])
    assert len(counted.panes[0]) == REMEMBERED_IDS


def test_a_mention_is_known_again_in_whatever_pane_it_would_count() -> None:
    counted = Counted()
    assert not counted.is_repeat(7, start_ms=0)
    assert counted.is_repeat(7, start_ms=50)
    counted.forget_before(10)
    assert not counted.is_repeat(7, start_ms=50)


@pytest.mark.parametrize("seed", range(5))
def test_which_groups_a_pane_keeps_does_not_hang_on_their_order(seed: int) -> None:
    names = [f"topic=t{n:02}" for n in range(30)]
    pane = OpenPane(0)
    for name in random.Random(seed).sample(names, 30):
        pane.groups[name] = Tally()
        pane.samples[name] = Samples(GROUP_LIMITS)
        pane.trim(9, wanted=[])
    assert sorted(pane.groups) == names[:9]
    assert pane.samples.keys() == pane.groups.keys()


def test_a_pane_keeps_so_many_sources_and_those_that_are_wanted() -> None:
    pane = OpenPane(0)
    for number in range(200):
        pane.hear(f"s{number:03}", number)
    pane.trim(9, wanted=["s199"])
    assert len(pane.heard_ms) == HEARD_LIMIT
    assert pane.heard_ms["s199"] == pane.heard_ms[""] == 199


def test_samples_of_panes_are_merged_by_group_and_left_as_they_were() -> None:
    first, second = Samples(GROUP_LIMITS), Samples(GROUP_LIMITS)
    first.offer(mention(1, 1))
    second.offer(mention(2, 2))
    merged = merged_samples([{"": first}, {"": second, "topic=health": second}])
    assert {sample.event for sample in merged[""].kept} == {"1", "2"}
    assert merged["topic=health"].kept == second.kept
    assert len(first.kept) == 1
