"""Event time of a partition of mentions: told by ticks, kept in the state, never going back."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from consumers.alerting.input_time import InputTime
from consumers.runtime.state import Overlay, PartitionState
from consumers.runtime.windows import UNKNOWN_MS, Watermarks
from contracts.mentions import Tick

INPUTS = [("text", 0), ("text", 1)]
TICKS = st.builds(
    Tick, st.sampled_from(["text", "media"]), st.integers(0, 1), st.integers(0, 50), st.booleans()
)


def after(state: PartitionState, *ticks: Tick, expected: Sequence[tuple[str, int]] = INPUTS) -> int:
    """Let one batch of ticks come; returns how far time is after it."""
    overlay = Overlay(state)
    time = InputTime.read(overlay, expected=expected)
    for tick in ticks:
        time.observe(tick)
    time.write(overlay)
    overlay.apply()
    return InputTime.read(Overlay(state), expected=expected).merged_ms


def test_time_stands_still_until_every_input_has_spoken() -> None:
    state = PartitionState()
    assert after(state, Tick("text", 0, 70)) == UNKNOWN_MS
    assert after(state, Tick("text", 1, 50)) == 50


def test_time_does_not_go_back_in_a_later_batch() -> None:
    # Given two idle inputs, of which the furthest counts,
    state = PartitionState()
    assert after(state, Tick("text", 0, 90, idle=True), Tick("text", 1, 50, idle=True)) == 90
    # When the slower one wakes, in a batch of its own, then time stays where it was.
    assert after(state, Tick("text", 1, 55)) == 90
    assert after(state, Tick("text", 0, 95), Tick("text", 1, 92)) == 92


def test_a_batch_without_ticks_writes_nothing() -> None:
    overlay = Overlay(PartitionState())
    InputTime.read(overlay, expected=INPUTS).write(overlay)
    assert overlay.written == {}


@given(st.lists(TICKS, max_size=20), st.sampled_from([INPUTS, [("media", 0)]]), st.data())
def test_batches_do_not_change_how_far_time_comes(
    ticks: list[Tick], expected: list[tuple[str, int]], data: st.DataObject
) -> None:
    # Given all ticks in one go, and the same cut into batches
    whole, state = Watermarks(expected), PartitionState()
    while ticks:
        size = data.draw(st.integers(1, len(ticks)))
        batch, ticks = ticks[:size], ticks[size:]
        for tick in batch:
            whole.observe(tick)
        # Then after each batch both are equally far.
        assert after(state, *batch, expected=expected) == whole.merged_ms
