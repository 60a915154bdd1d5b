"""The outcome of a batch: every record ends exactly once, or the worker stops."""

import pytest

from consumers.runtime.ledger import KEY, Ledger, read_ledger
from consumers.runtime.outcome import BalanceBroken
from contracts.dead_letters import DeadLetter, original_headers
from contracts.errors import RecordMisfit
from tests.consumers.runtime.given import LEFT, RIGHT, GivenRecord, batch_of, outcome_on


def test_every_end_is_entered_in_the_ledger_of_its_input() -> None:
    # Given four records of two inputs that end in three ways.
    batch, outcome = batch_of(left=3, right=1), outcome_on(LEFT, RIGHT)
    first, second, third = batch.records[LEFT]
    outcome.result(first)
    outcome.dead(second, RecordMisfit("wrong", place="$.text"))
    outcome.drop(third, "repeat")
    outcome.result(batch.records[RIGHT][0])
    # When the batch is settled.
    outcome.settle(batch)
    # Then each input's ledger says so, and is written last.
    assert outcome.ends == {
        LEFT: Ledger(taken=3, result=1, dead=1, dropped={"repeat": 1}),
        RIGHT: Ledger(taken=1, result=1),
    }
    assert [key for _, key, _ in outcome.changes()] == [KEY, KEY]
    assert read_ledger(outcome.state(LEFT).get(KEY)).balance == 0


@pytest.mark.parametrize("ends", [0, 2])
def test_a_record_that_ends_not_at_all_or_twice_breaks_the_balance(ends: int) -> None:
    batch, outcome = batch_of(left=1), outcome_on(LEFT)
    for _ in range(ends):
        outcome.result(batch.records[LEFT][0])
    with pytest.raises(BalanceBroken, match="in:0"):
        outcome.settle(batch)


def test_a_record_of_one_input_cannot_make_up_for_one_of_another() -> None:
    batch, outcome = batch_of(left=1, right=1), outcome_on(LEFT, RIGHT)
    outcome.result(batch.records[LEFT][0])
    outcome.drop(batch.records[LEFT][0], "repeat")
    with pytest.raises(BalanceBroken):
        outcome.settle(batch)


def test_a_dead_letter_keeps_bytes_and_headers_and_says_why() -> None:
    record = GivenRecord(*LEFT, 7, b"\xff raw", b"k", (("ce_id", b"1"), ("empty", None)))
    outcome = outcome_on(LEFT)
    outcome.dead(record, RecordMisfit("expected text", place="$.text"))
    (letter,) = outcome.outputs
    assert (letter.topic, letter.value, letter.key) == ("letters", b"\xff raw", b"k")
    assert original_headers(letter.headers) == [("ce_id", b"1"), ("empty", b"")]
    assert DeadLetter.from_headers(letter.headers) == DeadLetter(
        stage="test", code="record_misfit", reason="expected text", topic="in", partition=0,
        offset=7, place="$.text", at_ms=1000,
    )  # fmt: skip


def test_the_state_of_a_partition_that_is_not_held_is_not_given() -> None:
    with pytest.raises(KeyError):
        outcome_on(LEFT).state(RIGHT)


def test_a_key_is_sent_once_with_its_last_value_and_a_removal_as_a_tombstone() -> None:
    outcome = outcome_on(LEFT)
    state = outcome.state(LEFT)
    state.put("kept", b"1")
    state.put("kept", b"2")
    state.put("gone", b"1")
    state.delete("gone")
    assert outcome.changes() == [(LEFT, "kept", b"2"), (LEFT, "gone", None)]


def test_a_tick_may_send_and_nothing_else() -> None:
    outcome = outcome_on(LEFT)
    outcome.send("out", b"tick")
    outcome.check_tick()
    outcome.state(LEFT).put("key", b"1")
    with pytest.raises(BalanceBroken, match="tick"):
        outcome.check_tick()
