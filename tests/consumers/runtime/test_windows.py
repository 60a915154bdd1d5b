"""Watermarks and panes: the same counts whatever the interleaving, and nothing in time is marked late."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumers.runtime.windows import UNKNOWN_MS, Panes, Watermarks
from contracts.mentions import Tick

PANE, LATENESS = 100, 50
INPUTS = [("text", 0), ("text", 1), ("text", 2)]


def tick(lane: str, partition: int, at_ms: int, *, idle: bool = False) -> Tick:
    return Tick(lane, partition, at_ms, idle)


@st.composite
def streams(draw: st.DrawFn) -> list[list[int]]:
    """Draw each input's event times: out of order by less than the lateness."""
    inputs = []
    for _ in INPUTS:
        gaps = draw(st.lists(st.integers(0, 60), min_size=1, max_size=25))
        jitter = draw(st.lists(st.integers(0, LATENESS), min_size=len(gaps), max_size=len(gaps)))
        at, times = 1000, []
        for gap, back in zip(gaps, jitter, strict=True):
            at += gap
            times.append(at - back)
        inputs.append(times)
    return inputs


def run(inputs: list[list[int]], order: list[int]) -> tuple[Counter[int], int]:
    """Read the inputs in an order of their numbers; return pane counts and how many came late.

    After each event its input ticks with the furthest time that it has seen.
    """
    panes, watermarks = Panes(PANE, LATENESS), Watermarks(INPUTS)
    left = [list(times) for times in inputs]
    furthest = [UNKNOWN_MS] * len(inputs)
    counts: Counter[int] = Counter()
    late = 0
    for number in [*order, *(n for n, times in enumerate(inputs) for _ in times)]:
        if not left[number]:
            continue
        at = left[number].pop(0)
        pane, is_late = panes.place(at, watermark_ms=watermarks.merged_ms)
        counts[pane] += 1
        late += is_late
        furthest[number] = max(furthest[number], at)
        before = watermarks.merged_ms
        assert watermarks.observe(tick(*INPUTS[number], furthest[number])) >= before
    return counts, late


@settings(max_examples=200)
@given(streams(), st.lists(st.integers(0, len(INPUTS) - 1), max_size=75))
def test_any_interleaving_gives_the_same_counts_and_marks_nothing_late(
    inputs: list[list[int]], order: list[int]
) -> None:
    plain = Counter(at // PANE * PANE for times in inputs for at in times)
    assert run(inputs, order) == (plain, 0)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([*INPUTS, ("media", 0)]), st.integers(-(10**9), 10**9), st.booleans()
        ),
        max_size=60,
    )
)
def test_time_never_goes_back(ticks: list[tuple[tuple[str, int], int, bool]]) -> None:
    watermarks = Watermarks([*INPUTS, ("media", 0)])
    merged = UNKNOWN_MS
    for source, at, idle in ticks:
        now = watermarks.observe(tick(*source, at, idle=idle))
        assert now >= merged
        merged = now


def test_time_stands_still_until_every_input_has_spoken() -> None:
    watermarks = Watermarks(INPUTS)
    assert watermarks.observe(tick("text", 0, 900)) == UNKNOWN_MS
    assert watermarks.observe(tick("text", 1, 700)) == UNKNOWN_MS
    assert watermarks.observe(tick("text", 2, 800)) == 700


def test_an_idle_input_holds_no_time_back_until_it_wakes_up() -> None:
    watermarks = Watermarks(INPUTS[:2])
    watermarks.observe(tick("text", 0, 100, idle=True))
    assert watermarks.observe(tick("text", 1, 500)) == 500
    # It wakes up behind what it said when it fell idle: from now on it counts again.
    watermarks.observe(tick("text", 0, 90))
    assert watermarks.observe(tick("text", 1, 900)) == 500
    assert watermarks.observe(tick("text", 0, 700)) == 700


def test_where_all_are_idle_the_furthest_counts() -> None:
    watermarks = Watermarks(INPUTS[:2])
    watermarks.observe(tick("text", 0, 100, idle=True))
    assert watermarks.observe(tick("text", 1, 500, idle=True)) == 500


def test_media_never_holds_time_back_while_a_text_input_is_awake() -> None:
    watermarks = Watermarks([("text", 0), ("media", 0)])
    watermarks.observe(tick("media", 0, 10))
    assert watermarks.observe(tick("text", 0, 500)) == 500
    # With every text input asleep, media is all there is.
    assert watermarks.observe(tick("text", 0, 600, idle=True)) == 500
    assert watermarks.observe(tick("media", 0, 550)) == 550


@given(st.integers(-(10**12), 10**12), st.integers(-(10**12), 10**12))
def test_a_pane_holds_its_time_or_is_the_first_that_is_open(at_ms: int, watermark_ms: int) -> None:
    panes = Panes(PANE, LATENESS)
    pane, late = panes.place(at_ms, watermark_ms=watermark_ms)
    earliest = panes.first_open(watermark_ms)
    # Decided is a pane once the watermark passes its end plus the lateness.
    assert earliest + PANE + LATENESS > watermark_ms >= earliest + LATENESS
    assert pane % PANE == 0
    if late:
        assert pane == earliest
        assert at_ms // PANE * PANE + PANE + LATENESS <= watermark_ms
    else:
        assert pane <= at_ms < pane + PANE


@pytest.mark.parametrize(("pane_ms", "lateness_ms"), [(0, 0), (-1, 0), (10, -1)])
def test_panes_without_length_are_refused(pane_ms: int, lateness_ms: int) -> None:
    with pytest.raises(ValueError, match="expected > 0"):
        Panes(pane_ms, lateness_ms)
