"""The loop: poll, process, one transaction, again; and the way back after anything goes wrong.

In: one stage and the settings. Out: exactly-once processing of the stage's inputs. Knows no stage. Whatever fails in
a client tears both clients down; the worker joins again and goes on from the committed offsets.
"""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence

import structlog

from consumers.protocols import Batch, Input, Progress, Record, Stage
from consumers.runtime.attempts import Mark
from consumers.runtime.corrupt import end_of_corrupt
from consumers.runtime.faults import Faults
from consumers.runtime.intake import CorruptAt, Intake, Rejoin
from consumers.runtime.meter import Meter
from consumers.runtime.outcome import BatchOutcome
from consumers.runtime.partitions import Partitions
from consumers.runtime.retries import GoSingly, Retries
from consumers.runtime.skipped import CorruptRange
from consumers.runtime.stalls import Stalls
from consumers.runtime.transaction import Transactor
from consumers.runtime.watchdog import Watchdog
from contracts.errors import (
    CorruptBatch,
    HubbubError,
    PoisonRecord,
    Stalled,
    TransactionLost,
    Unavailable,
)
from contracts.settings import Settings
from contracts.topics import DEAD_LETTER, changelog_of
from producers.publisher import Publisher

POLL_MS = 200
LONGEST_WAIT_S = 10.0
FENCED_LIMIT = 5
CORRUPT_FETCHES = 3
_LOG = structlog.get_logger()


def wall_clock_ms() -> int:
    """Return epoch milliseconds; the one clock, handed to stages as `now_ms`."""
    return time.time_ns() // 1_000_000


class Worker:
    """Run one stage as one member of its group; `run` returns after `stop` or when idle long enough.

    `slot` numbers the workers of a group on this deployment from 0: two live workers of one slot shut each other out.
    """

    def __init__(
        self,
        settings: Settings,
        stage: Stage,
        *,
        group: str,
        slot: int = 0,
        faults: Faults,
        until_idle_s: float | None = None,
    ) -> None:
        names = settings.topics.names
        self._settings = settings
        self._stage = stage
        self._group = names.prefix + group
        self._client_id = f"{names.prefix}{group}.{slot}"
        self._changelog = names.of(changelog_of(group))
        self._letters = names.of(DEAD_LETTER)
        self._faults = faults
        self._until_idle_s = until_idle_s
        self._watchdog = Watchdog(settings.runtime.deadline_s)
        self._partitions = Partitions(settings, stage, changelog=self._changelog)
        self._stalls = Stalls(int(settings.runtime.stall_s * 1000))
        self._retries = Retries(stage.name, settings.runtime, wait=self._wait_in_group)
        self._meter = Meter(stage.name)
        self._stopping = threading.Event()
        self._corrupt_seen: dict[tuple[Input, int], int] = {}
        self._last_records_ms: dict[Input, int] = {}
        self._last_tick_ms = 0
        self._lost_in_row = 0
        self.ready = False

    def stop(self) -> None:
        """Ask for the end: the batch in hand is finished, the group is left. Safe from a signal handler."""
        self._stopping.set()

    def run(self) -> None:
        """Work until stopped; raises what has the disposition `crash`."""
        self._watchdog.start()
        self._stage.start()
        self._started_ms = wall_clock_ms()
        wait_s = 0.2
        try:
            while not self._stopping.is_set():
                try:
                    self._serve()
                except (Rejoin, TransactionLost, Unavailable, CorruptBatch) as error:
                    self._note_loss(error)
                    self._stopping.wait(wait_s)
                    wait_s = min(wait_s * 2, LONGEST_WAIT_S) if self._lost_in_row > 1 else 0.2
        finally:
            self._stage.close()
            self._watchdog.close()

    def _serve(self) -> None:
        """Join, and take turns until stopped; clients are closed whatever happens."""
        self._publisher = Publisher(
            self._settings.kafka, self._settings.runtime,
            client_id=self._client_id, transactional_id=self._client_id,
        )  # fmt: skip
        self._intake = Intake(
            self._settings, group=self._group, topics=self._stage.inputs, client_id=self._client_id
        )
        self._transactor = Transactor(
            self._publisher, changelog=self._changelog, watchdog=self._watchdog, faults=self._faults
        )
        self._seen_generation = 0
        self._publisher.start()
        try:
            self._intake.start()
            try:
                while not self._stopping.is_set():
                    self._turn()
            except CorruptAt as error:
                self._skip_corrupt(error)
                raise
            finally:
                self.ready = False
                self._partitions.close()
                self._intake.close()
        finally:
            self._publisher.abandon()

    def _turn(self) -> None:
        with self._watchdog.step("poll"), self._meter.step("poll"):
            polled = self._intake.poll(POLL_MS)
        if self._intake.generation != self._seen_generation:
            self._seen_generation = self._intake.generation
            self._partitions.rearrange(self._intake)
            return
        self._partitions.step(self._intake, POLL_MS)
        self.ready = not self._partitions.arriving
        self._meter.holds(self._partitions.ready)
        if polled:
            self._faults.reach("polled")
            self._note_records(polled)
            for records in self._portions(polled):
                self._complete(records)
        self._tick_if_due(drained=not polled)

    def _portions(
        self, polled: Mapping[Input, Sequence[Record]]
    ) -> Iterator[dict[Input, Sequence[Record]]]:
        """Mark what was not tried yet, and part the records that must go alone from the rest."""
        self._mark_first_tries(polled)
        alone = [source for source in polled if self._partitions.marks[source].alone]
        rest = {source: records for source, records in polled.items() if source not in alone}
        if rest:
            yield rest
        for source in alone:
            for record in polled[source]:
                yield {source: [record]}

    def _mark_first_tries(self, polled: Mapping[Input, Sequence[Record]]) -> None:
        runtime = self._settings.runtime
        first = {
            source: self._partitions.unmarked.pop(source)
            for source in polled
            if source in self._partitions.unmarked
        }
        marks = {
            source: mark.arrived(limit=runtime.crash_limit, batch=runtime.transaction_records)
            for source, mark in first.items()
        }
        if marks:
            self._intake.mark(
                {source: (self._offset_of(source), mark) for source, mark in marks.items()}
            )
            self._partitions.marks.update(marks)

    def _offset_of(self, source: Input) -> int:
        offset = self._partitions.ready[source].offset
        if offset is None:
            raise Rejoin(f"{source} has no committed offset")
        return offset

    def _complete(self, records: Mapping[Input, Sequence[Record]]) -> None:
        batch = Batch(records, wall_clock_ms())
        try:
            outcome = self._retries.run(
                batch, lambda: self._attempt(batch), lambda error: self._set_aside(batch, error)
            )
        except GoSingly:
            for source, many in records.items():
                for record in many:
                    self._complete({source: [record]})
            return
        self._faults.reach("processed")
        self._commit(batch, outcome)

    def _attempt(self, batch: Batch) -> BatchOutcome:
        for source, records in batch.records.items():
            mark = self._partitions.marks[source]
            if mark.is_poison(self._settings.runtime.crash_limit):
                return self._set_aside(
                    batch,
                    PoisonRecord(
                        f"{source.topic}:{source.partition}:{records[0].offset} ended its worker "
                        f"{mark.c - 1} times, alone"
                    ),
                )
        outcome = self._new_outcome(batch.now_ms)
        with self._watchdog.step("process"), self._meter.step("process"):
            self._stage.process(batch, outcome)
        outcome.settle(batch)
        return outcome

    def _set_aside(self, batch: Batch, error: HubbubError) -> BatchOutcome:
        outcome = self._new_outcome(batch.now_ms)
        for records in batch.records.values():
            for record in records:
                outcome.dead(record, error)
        outcome.settle(batch)
        return outcome

    def _new_outcome(self, now_ms: int) -> BatchOutcome:
        return BatchOutcome(
            self._stage.name, self._partitions.ready, letters=self._letters, now_ms=now_ms
        )

    def _commit(self, batch: Batch, outcome: BatchOutcome) -> None:
        offsets = {
            source: (records[-1].offset + 1, self._next_mark(source))
            for source, records in batch.records.items()
        }
        with self._meter.step("transaction"):
            self._transactor.run(
                outcome,
                offsets,
                group=self._intake.group_metadata(),
                state_version=self._stage.state_version,
            )
        self._partitions.moved(offsets)
        self._stage.applied()
        self._lost_in_row = 0
        self._meter.committed(batch, outcome)
        self._faults.reach("applied")

    def _next_mark(self, source: Input) -> Mark:
        mark = self._partitions.marks[source]
        return mark.moved_on() if mark.alone else Mark()

    def _wait_in_group(self, wait_ms: int) -> None:
        """Wait between tries, paused but alive."""
        until = time.monotonic() + wait_ms / 1000
        while (left := until - time.monotonic()) > 0 and not self._stopping.is_set():
            self._intake.keep_alive()
            self._stopping.wait(min(left, 0.5))
        if self._stopping.is_set():
            raise Rejoin("stopped between two tries; the batch is not begun")

    def _note_records(self, polled: Mapping[Input, Sequence[Record]]) -> None:
        now = wall_clock_ms()
        for source in polled:
            self._last_records_ms[source] = now

    def _tick_if_due(self, *, drained: bool) -> None:
        now = wall_clock_ms()
        if now - self._last_tick_ms < self._settings.runtime.tick_ms or self._partitions.arriving:
            return
        self._last_tick_ms = now
        positions = self._intake.positions()
        self._meter.lags(positions)
        self._check_stalls(positions, now)
        progress = [
            Progress(
                source, position >= end, now - self._last_records_ms.get(source, self._started_ms)
            )
            for source, (position, end) in sorted(positions.items())
            if source in self._partitions.ready
        ]
        outcome = self._new_outcome(now)
        self._stage.tick(progress, now, outcome)
        if outcome.outputs:
            self._transactor.run(
                outcome,
                {},
                group=self._intake.group_metadata(),
                state_version=self._stage.state_version,
            )
            self._stage.ticked()
        self._stop_when_idle(progress)

    def _check_stalls(self, positions: Mapping[Input, tuple[int, int]], now_ms: int) -> None:
        stalled = self._stalls.observe(positions, paused=self._partitions.arriving, now_ms=now_ms)
        if stalled:
            raise Stalled(
                f"no record for {self._settings.runtime.stall_s:.0f} s though there are more: {stalled}"
            )

    def _stop_when_idle(self, progress: Sequence[Progress]) -> None:
        if self._until_idle_s is None:
            return
        silent_ms = min(
            (item.silent_ms for item in progress), default=wall_clock_ms() - self._started_ms
        )
        if all(item.drained for item in progress) and silent_ms >= self._until_idle_s * 1000:
            _LOG.info("idle", stage=self._stage.name, seconds=self._until_idle_s)
            self.stop()

    def _skip_corrupt(self, error: CorruptAt) -> None:
        """After three fetches of the same corrupt batch, set it aside as one dead letter and go on behind it."""
        place = (error.source, error.offset)
        self._corrupt_seen[place] = self._corrupt_seen.get(place, 0) + 1
        if (
            self._corrupt_seen[place] < CORRUPT_FETCHES
            or error.source not in self._partitions.ready
        ):
            return
        end = end_of_corrupt(self._settings.kafka, error.source, error.offset)
        record = CorruptRange(error.source.topic, error.source.partition, error.offset, end - 1)
        self._partitions.marks.setdefault(error.source, Mark())
        batch = Batch({error.source: [record]}, wall_clock_ms())
        outcome = self._new_outcome(batch.now_ms)
        outcome.dead(
            record, CorruptBatch(f"{error}; offsets {error.offset} to {end - 1} are skipped")
        )
        outcome.settle(batch)
        self._commit(batch, outcome)
        del self._corrupt_seen[place]

    def _note_loss(self, error: HubbubError) -> None:
        self._lost_in_row += 1
        self._meter.rejoined(error)
        _LOG.warning(
            "joining_again",
            stage=self._stage.name,
            code=error.code,
            reason=str(error),
            in_row=self._lost_in_row,
        )
        if (
            isinstance(error, TransactionLost)
            and error.fenced
            and self._lost_in_row >= FENCED_LIMIT
        ):
            raise TransactionLost(
                f"{self._client_id} was shut out {self._lost_in_row} times in a row: another worker "
                "uses the same slot; give each its own with --slot"
            ) from error
