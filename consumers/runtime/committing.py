"""Committing beside the loop: a batch is written in a thread of its own while the next one is worked on.

In: settled outcomes, in their order. Out: transactions in that order, one at a time, none after one that was lost. A
batch sees what the ones before it wrote to the state, though they may be under way; where one is lost, every partition
that it and those after it wrote to is read again from the changelog. Knows no stage.
"""

from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, Protocol, TypeAlias

from consumers.protocols import Batch, Input, Stage
from consumers.runtime.attempts import Mark
from consumers.runtime.intake import Intake
from consumers.runtime.losses import Losses
from consumers.runtime.outcome import BatchOutcome
from consumers.runtime.partitions import Partitions
from consumers.runtime.transaction import Transactor
from contracts.timing import taken, timed

Offsets: TypeAlias = Mapping[Input, tuple[int, Mark]]
Seconds: TypeAlias = Mapping[str, float]


class Done(Protocol):
    """Take in a batch that has committed, and how long each step of its transaction took."""

    def __call__(self, batch: Batch, outcome: BatchOutcome, *, seconds: Seconds) -> None:
        """Take it in."""


class _InHand(NamedTuple):
    """Hold one transaction, under way or behind the one before: the states it wrote to, and what follows it."""

    touched: frozenset[Input]
    seconds: Future[Seconds]
    then: Callable[[Seconds], None]


class Committing:
    """Commit for one life of a worker's clients; the loop alone calls it, and calls `close` last.

    `done` is called in the loop's own thread, from any method that waits.
    """

    def __init__(  # noqa: PLR0913  whom a commit concerns
        self,
        transactor: Transactor,
        intake: Intake,
        *,
        partitions: Partitions,
        stage: Stage,
        losses: Losses,
        done: Done,
    ) -> None:
        self._transactor = transactor
        self._intake = intake
        self._partitions = partitions
        self._stage = stage
        self._losses = losses
        self._done = done
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="commit")
        self._in_hand: deque[_InHand] = deque()
        self._is_telling = False

    @property
    def is_busy(self) -> bool:
        """Say whether a transaction is under way, or has ended and not been told."""
        return bool(self._in_hand)

    def hand_in(self, batch: Batch, outcome: BatchOutcome) -> None:
        """Begin to commit a batch, behind at most one more; raises what was lost."""
        self._settle_to(1)
        offsets = {
            source: (records[-1].offset + 1, self._next_mark(source))
            if records
            else self._part_done(source)
            for source, records in batch.records.items()
        }

        def done(seconds: Seconds) -> None:
            self._partitions.moved(offsets)
            self._done(batch, outcome, seconds=seconds)

        self._begin(outcome, offsets, then=done)
        self._partitions.move(offsets)
        self._stage.applied()

    def hand_in_tick(self, outcome: BatchOutcome) -> None:
        """Begin to commit what a tick wrote; its offsets stand still, but let the group fence whom it has put out."""

        def told(_: Seconds) -> None:
            self._is_telling = False
            self._stage.ticked()

        self._is_telling = True
        self._begin(outcome, self._partitions.standing(), then=told)

    def settle_tick(self) -> None:
        """Wait for the last tick: the next one must know what was told. Raises what was lost."""
        while self._is_telling:
            self._settle_first()

    def wait(self) -> None:
        """Wait for all transactions, however they end; `settle` tells."""
        for item in self._in_hand:
            item.seconds.exception()

    def settle(self) -> None:
        """Wait for all transactions; raises TransactionLost for one that is, and then its states are in doubt."""
        self._settle_to(0)

    def close(self) -> None:
        """End the thread, after `settle`."""
        self._thread.shutdown()

    def _begin(
        self, outcome: BatchOutcome, offsets: Offsets, *, then: Callable[[Seconds], None]
    ) -> None:
        group, version = self._intake.group_metadata(), self._stage.state_version
        writes = outcome.apply()
        touched = frozenset(source for source, _, _ in writes.changes)
        before = self._in_hand[-1].seconds if self._in_hand else None

        def commit() -> Seconds:
            if before is not None:
                # Where it was lost, nothing may follow.
                before.result()
            self._transactor.run(writes, offsets, group=group, state_version=version)
            return taken()

        self._in_hand.append(_InHand(touched, self._thread.submit(commit), then))

    def _settle_to(self, most: int) -> None:
        while len(self._in_hand) > most:
            self._settle_first()

    def _settle_first(self) -> None:
        try:
            with timed("wait"):
                seconds = self._in_hand[0].seconds.result()
        except BaseException:
            for item in self._in_hand:
                self._partitions.doubt(item.touched)
            self._in_hand.clear()
            self._is_telling = False
            raise
        self._losses.recovered()
        self._in_hand.popleft().then(seconds)

    def _next_mark(self, source: Input) -> Mark:
        mark = self._partitions.marks[source]
        return mark.moved_on() if mark.alone else Mark()

    def _part_done(self, source: Input) -> tuple[int, Mark]:
        """Return the offset that stands though a part of its work is done, with its mark."""
        offset, mark = self._partitions.standing()[source]
        return offset, mark.part_done()
