"""Committing beside the loop: in order, one at a time, none after one that was lost; what is lost is replayed.

Kafka itself is stood in for by a transactor that waits until it is told how a transaction ends.
"""

import threading
from collections.abc import Iterator, Mapping
from queue import Queue
from types import SimpleNamespace
from typing import Any

import pytest

from consumers.protocols import Batch, Input
from consumers.runtime.attempts import Mark
from consumers.runtime.committing import Committing
from consumers.runtime.losses import Losses
from consumers.runtime.outcome import BatchOutcome, Writes
from consumers.runtime.partitions import Partitions
from consumers.runtime.state import PartitionState
from contracts.errors import TransactionLost
from contracts.settings import load
from tests.consumers.runtime.given import LEFT, RIGHT, records_of
from tests.stages.forking import ForkingStage

WAIT_S = 10.0
Transaction = tuple[list[tuple[str, bytes | None]], dict[Input, tuple[int, Mark]]]


class Broker:
    """Take transactions, and let each end as the test says."""

    def __init__(self) -> None:
        self.begun: Queue[Transaction] = Queue()
        self._ends: Queue[Exception | None] = Queue()
        self._busy = threading.Lock()

    def run(
        self, writes: Writes, offsets: Mapping[Input, tuple[int, Mark]], *, group: Any, **_: Any
    ) -> None:
        assert self._busy.acquire(blocking=False), "two transactions at once"
        try:
            changes = [(key, value) for _, key, value in writes.changes if key == "seen"]
            self.begun.put((changes, dict(offsets)))
            error = self._ends.get(timeout=WAIT_S)
            if error is not None:
                raise error
        finally:
            self._busy.release()

    def end(self, error: Exception | None = None) -> None:
        self._ends.put(error)


class Desk:
    """One worker's committing, with a stage that counts what it saw."""

    def __init__(self) -> None:
        settings = load()
        self.stage = ForkingStage(settings)
        self.ticks = 0
        self.stage.ticked = self._ticked  # type: ignore[method-assign]
        self.broker = Broker()
        self.partitions = Partitions(settings, self.stage, changelog="changelog")
        for source in (LEFT, RIGHT):
            state = PartitionState()
            state.offset = 0
            self.partitions.ready[source] = state
            self.partitions.marks[source] = Mark(c=1)
        self.done: list[int] = []
        intake: Any = SimpleNamespace(group_metadata=lambda: "member")
        broker: Any = self.broker
        self.committing = Committing(
            broker, intake, partitions=self.partitions, stage=self.stage, losses=Losses("w"),
            done=lambda batch, outcome, *, seconds: self.done.append(batch.size),
        )  # fmt: skip

    def _ticked(self) -> None:
        self.ticks += 1

    def work(self, source: Input, count: int, *, first: int) -> None:
        """Process records as the loop does, and hand in what came of it."""
        batch = Batch({source: records_of(source, count, first=first)}, now_ms=0)
        outcome = self.outcome()
        self.stage.process(batch, outcome)
        outcome.settle(batch)
        self.committing.hand_in(batch, outcome)

    def outcome(self) -> BatchOutcome:
        return BatchOutcome("fork", self.partitions.ready, letters="letters")

    def next(self) -> Transaction:
        return self.broker.begun.get(timeout=WAIT_S)


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    for _ in range(4):
        desk.broker.end(TransactionLost("the test is over"))
    desk.committing.close()


def seen(count: int) -> list[tuple[str, bytes | None]]:
    return [("seen", str(count).encode())]


def test_a_batch_sees_what_the_one_before_it_wrote_though_that_is_under_way(desk: Desk) -> None:
    # Given a batch whose transaction does not end yet
    desk.work(LEFT, 3, first=0)
    assert desk.next() == (seen(3), {LEFT: (3, Mark())})
    # When the next is processed and handed in
    desk.work(LEFT, 2, first=3)
    # Then it is not written before the first has ended, and goes on from there
    assert desk.broker.begun.empty()
    assert desk.done == []
    desk.broker.end()
    assert desk.next() == (seen(5), {LEFT: (5, Mark())})
    desk.broker.end()
    desk.committing.settle()
    assert desk.done == [3, 2]
    assert desk.partitions.standing()[LEFT] == (5, Mark())


def test_no_more_than_two_wait_for_their_end(desk: Desk) -> None:
    desk.work(LEFT, 1, first=0)
    desk.work(LEFT, 1, first=1)
    third = threading.Thread(target=lambda: desk.work(LEFT, 1, first=2))
    third.start()
    third.join(0.2)
    assert third.is_alive()
    desk.broker.end()
    third.join(WAIT_S)
    assert not third.is_alive()
    assert desk.done == [1]


@pytest.mark.parametrize("lose", [TransactionLost("refused"), ValueError("a fault of ours")])
def test_after_a_lost_one_nothing_is_written_and_all_its_states_are_in_doubt(
    desk: Desk, lose: Exception
) -> None:
    # Given a transaction of one input, and behind it one of another
    desk.work(LEFT, 3, first=0)
    desk.work(RIGHT, 1, first=0)
    desk.next()
    # When the first is lost
    desk.broker.end(lose)
    with pytest.raises(type(lose)):
        desk.committing.settle()
    # Then the second was never begun, neither counts, and both inputs will be replayed
    assert desk.broker.begun.empty()
    assert desk.done == []
    assert [desk.partitions.ready[source].offset for source in (LEFT, RIGHT)] == [None, None]
    # And there is nothing left to wait for
    desk.committing.settle()


def test_a_state_that_the_lost_one_did_not_touch_is_still_true(desk: Desk) -> None:
    desk.work(LEFT, 3, first=0)
    desk.broker.end(TransactionLost("refused"))
    with pytest.raises(TransactionLost):
        desk.committing.settle()
    assert desk.partitions.ready[RIGHT].offset == 0


def test_what_committed_before_the_lost_one_counts(desk: Desk) -> None:
    desk.work(LEFT, 3, first=0)
    desk.work(LEFT, 2, first=3)
    desk.broker.end()
    desk.broker.end(TransactionLost("refused"))
    with pytest.raises(TransactionLost):
        desk.committing.settle()
    assert desk.done == [3]


def test_waiting_tells_nothing_and_raises_nothing(desk: Desk) -> None:
    desk.work(LEFT, 3, first=0)
    desk.broker.end(TransactionLost("refused"))
    desk.committing.wait()
    with pytest.raises(TransactionLost):
        desk.committing.settle()


def test_a_tick_has_told_once_it_has_committed_and_moves_no_offset(desk: Desk) -> None:
    # Given a tick under way, and a batch behind it
    desk.committing.hand_in_tick(desk.outcome())
    assert desk.next() == ([], {LEFT: (0, Mark(c=1)), RIGHT: (0, Mark(c=1))})
    desk.work(LEFT, 1, first=0)
    assert desk.ticks == 0
    # When it ends, then the next tick need not wait for the batch
    desk.broker.end()
    desk.committing.settle_tick()
    assert (desk.ticks, desk.done) == (1, [])
    desk.next()
    desk.committing.settle_tick()


def test_a_tick_that_was_lost_has_not_told(desk: Desk) -> None:
    desk.committing.hand_in_tick(desk.outcome())
    desk.broker.end(TransactionLost("refused"))
    with pytest.raises(TransactionLost):
        desk.committing.settle_tick()
    assert desk.ticks == 0
    assert desk.partitions.ready[LEFT].offset == 0


def test_marks_of_a_lost_one_are_those_of_before(desk: Desk) -> None:
    # Given a try of which this process wrote the mark itself
    desk.partitions.moved({LEFT: (0, Mark(c=1))})
    desk.work(LEFT, 3, first=0)
    desk.broker.end(TransactionLost("refused"))
    with pytest.raises(TransactionLost):
        desk.committing.settle()
    # When the input comes again as it was committed, then the try does not count as a crash
    desk.partitions.ready[LEFT].offset = 0
    desk.partitions._unmarked[LEFT] = Mark(c=1)
    assert desk.partitions.first_marks([LEFT]) == {LEFT: Mark(c=1)}
