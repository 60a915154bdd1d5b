"""The loop: poll, process, one transaction, again; and the way back after anything goes wrong.

In: one stage and the settings. Out: exactly-once processing of the stage's inputs. Knows no stage. Whatever fails in
a client tears both clients down; the worker joins again and goes on from the committed offsets.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress

import structlog

from consumers.protocols import Batch, Input, Progress, Record, Stage
from consumers.runtime.attempts import Mark
from consumers.runtime.committing import Committing
from consumers.runtime.corrupt import end_of_corrupt
from consumers.runtime.ending import Ending
from consumers.runtime.faults import Faults
from consumers.runtime.intake import CorruptAt, Intake, Rejoin
from consumers.runtime.losses import Losses
from consumers.runtime.meter import Meter
from consumers.runtime.outcome import BatchOutcome
from consumers.runtime.parting import halves, singly
from consumers.runtime.partitions import Partitions
from consumers.runtime.portion import Portion
from consumers.runtime.profile import Spent
from consumers.runtime.retries import GoSingly, Retries
from consumers.runtime.skipped import CorruptRange
from consumers.runtime.stalls import Stalls
from consumers.runtime.state import PartitionState
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
from producers.left_open import abort_left_open
from producers.publisher import Publisher
from producers.refusals import is_refused

POLL_MS = 200
# How long to look for records before a transaction under way is waited for: what it took is not told until then.
AWAY_MS = 20
STOP_LOOK_S = 0.1
CORRUPT_FETCHES = 3
# More than this is not sent within a transaction's time: the batch goes in halves.
OUTPUTS_LIMIT = 20_000
_LOG = structlog.get_logger()


def wall_clock_ms() -> int:
    """Return epoch milliseconds; the one clock, handed to stages as `now_ms`."""
    return time.time_ns() // 1_000_000


class Worker:
    """Run one stage as one member of its group; `run` returns after `stop` or when idle long enough.

    `slot` numbers the workers of a group on this deployment from 0: two live workers of one slot shut each other out.
    `is_fed`: see `Ending`.
    """

    def __init__(  # noqa: PLR0913  who it is, and how a test or an idle input ends it
        self,
        settings: Settings,
        stage: Stage,
        *,
        group: str,
        slot: int = 0,
        faults: Faults,
        until_idle_s: float | None = None,
        is_fed: Callable[[], bool] | None = None,
    ) -> None:
        names = settings.topics.names
        self._settings = settings
        self._stage = stage
        self._group = names.prefix + group
        self._client_id = f"{names.prefix}{group}.{slot}"
        self._changelog = names.of(changelog_of(group))
        self._letters = names.of(DEAD_LETTER)
        self._faults = faults
        self._ending = Ending(until_idle_s, is_fed)
        self._watchdog = Watchdog(settings.runtime.deadline_s)
        self._partitions = Partitions(settings, stage, changelog=self._changelog)
        self._stalls = Stalls(int(settings.runtime.stall_s * 1000))
        self._retries = Retries(stage.name, settings.runtime, wait=self._wait_in_group)
        self._meter = Meter(stage.name)
        self._losses = Losses(self._client_id)
        self._portion = Portion.of(settings.runtime)
        # A plain flag: a threading.Event that a signal handler sets can lock against the thread that waits on it.
        self._is_stopping = False
        self._corrupt_seen: dict[tuple[Input, int], int] = {}
        self._last_records_ms: dict[Input, int] = {}
        self._last_tick_ms = 0
        self.ready = False

    @property
    def spent(self) -> Spent:
        """Return where the time went since the stage was loaded."""
        return self._meter.spent

    def stop(self) -> None:
        """Ask for the end: the batch in hand is finished, the group is left. Safe from a signal handler."""
        self._is_stopping = True

    def run(self) -> None:
        """Work until stopped; raises what has the disposition `crash`."""
        self._watchdog.start()
        try:
            self._stage.start()
            self._started_ms = wall_clock_ms()
            while not self._is_stopping:
                try:
                    self._serve()
                except (Rejoin, TransactionLost, Unavailable, CorruptBatch) as error:
                    if not self._is_stopping:
                        self._rest(self._note_loss(error))
        finally:
            self._stage.close()
            self._watchdog.close()

    def _rest(self, seconds: float) -> None:
        """Wait, or less when asked to stop."""
        until = time.monotonic() + seconds
        while not self._is_stopping and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, STOP_LOOK_S))

    def _serve(self) -> None:
        """Join, and take turns until stopped; clients are closed whatever happens."""
        self._publisher = Publisher(
            self._settings.kafka, self._settings.runtime,
            client_id=self._client_id, transactional_id=self._client_id,
        )  # fmt: skip
        self._intake = Intake(
            self._settings, group=self._group, topics=self._stage.inputs, client_id=self._client_id,
            before_leaving=lambda: self._committing.wait(),
        )  # fmt: skip
        transactor = Transactor(
            self._publisher, changelog=self._changelog, watchdog=self._watchdog, faults=self._faults
        )
        self._committing = Committing(
            transactor, self._intake, partitions=self._partitions, stage=self._stage,
            losses=self._losses, done=self._done,
        )  # fmt: skip
        self._seen_generation = 0
        self._publisher.start()
        try:
            abort_left_open(
                self._settings.kafka, self._client_id, prefix=self._settings.topics.prefix
            )
            self._intake.start()
            try:
                while not self._is_stopping:
                    self._turn()
                self._committing.settle()
            except CorruptAt as error:
                self._skip_corrupt(error)
                raise
            finally:
                self.ready = False
                self._leave()
        finally:
            self._publisher.abandon()

    def _leave(self) -> None:
        """Let the transaction in hand come to its end before the clients are closed; what else failed counts more."""
        with suppress(HubbubError):
            self._committing.settle()
        self._committing.close()
        self._partitions.close()
        self._intake.close()

    def _turn(self) -> None:
        with self._watchdog.step("poll"):
            wait_ms = AWAY_MS if self._committing.is_busy else POLL_MS
            most = self._portion.most(self._intake.waiting)
            polled = self._meter.poll(lambda: self._intake.poll(wait_ms, most=most))
        if not polled:
            self._committing.settle()
        if self._has_moved():
            return
        with self._watchdog.step("replay"):
            self._partitions.step(self._intake, POLL_MS)
        self.ready = not self._partitions.arriving
        self._meter.holds(self._partitions.ready)
        if polled:
            self._faults.reach("polled")
            self._note_records(polled)
            begun = time.monotonic()
            for records in self._portions(polled):
                self._complete(records)
            self._portion.note(sum(map(len, polled.values())), time.monotonic() - begun)
        self._tick_if_due()

    def _has_moved(self) -> bool:
        """Follow the group where partitions came or went; what was polled is then of no use."""
        if not self._intake.is_settled:
            # Between two assignments nothing is held, but what comes back with the next one is still true.
            self.ready = False
            return True
        if self._intake.generation == self._seen_generation:
            return False
        self._seen_generation = self._intake.generation
        self._committing.settle()
        with self._watchdog.step("rearrange"):
            self._partitions.rearrange(self._intake)
        return True

    def _portions(
        self, polled: Mapping[Input, Sequence[Record]]
    ) -> Iterator[dict[Input, Sequence[Record]]]:
        """Part the records that must go alone from the rest, and mark each portion just before it is tried.

        Marked earlier, the head of an input that waits for its turn would count crashes that another's record caused.
        """
        first = self._partitions.first_marks(polled)
        marks = self._partitions.marks | first
        rest = {source: records for source, records in polled.items() if not marks[source].alone}
        if rest:
            self._partitions.begin(self._intake, {s: first[s] for s in rest if s in first})
            yield rest
        for source in polled.keys() - rest.keys():
            self._partitions.begin(self._intake, {s: first[s] for s in [source] if s in first})
            for record in polled[source]:
                yield {source: [record]}

    def _complete(self, records: Mapping[Input, Sequence[Record]]) -> None:
        """Bring records to their end, in one transaction or as many as the stage asks for."""
        left: Mapping[Input, Sequence[Record]] | None = records
        while left and not self._is_stopping:
            left = self._complete_part(left)
            if left:
                with self._watchdog.step("poll"):
                    self._intake.keep_alive()

    def _complete_part(
        self, records: Mapping[Input, Sequence[Record]]
    ) -> Mapping[Input, Sequence[Record]]:
        """Return what the stage left of the records."""
        batch = Batch(records, wall_clock_ms())
        try:
            outcome = self._retries.run(
                batch,
                lambda: self._attempt(batch),
                dead=lambda error: self._set_aside(batch, error),
            )
        except GoSingly:
            for part in singly(records):
                self._complete(part)
            return {}
        if batch.size > 1 and len(outcome.outputs) > OUTPUTS_LIMIT:
            for part in halves(records):
                self._complete(part)
            return {}
        self._faults.reach("processed")
        is_first = any(self._partitions.marks[source].is_first_try for source in records)
        self._committing.hand_in(batch.without(outcome.left), outcome)
        if is_first:
            # What ends the worker next must not be laid at its door, and every life gets that far.
            self._committing.settle()
        return outcome.left

    def _attempt(self, batch: Batch) -> BatchOutcome:
        for source, records in batch.records.items():
            mark = self._partitions.marks[source]
            if records and mark.is_poison(self._settings.runtime.crash_limit):
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

    def _done(self, batch: Batch, outcome: BatchOutcome, *, seconds: Mapping[str, float]) -> None:
        """Count a batch that has committed."""
        self._meter.committed(batch, outcome, seconds=seconds)
        self._faults.reach("applied")

    def _wait_in_group(self, wait_ms: int) -> None:
        """Wait between tries, paused but alive."""
        until = time.monotonic() + wait_ms / 1000
        while (left := until - time.monotonic()) > 0 and not self._is_stopping:
            with self._watchdog.step("poll"):
                self._intake.keep_alive()
            self._rest(min(left, 0.5))
        if self._is_stopping:
            raise Rejoin("stopped between two tries; the batch is not begun")

    def _note_records(self, polled: Mapping[Input, Sequence[Record]]) -> None:
        now = wall_clock_ms()
        self._ending.note_records()
        for source in polled:
            self._last_records_ms[source] = now

    def _tick_if_due(self) -> None:
        now = wall_clock_ms()
        if now - self._last_tick_ms < self._settings.runtime.tick_ms or self._partitions.arriving:
            return
        self._last_tick_ms = now
        self._committing.settle_tick()
        positions = self._intake.positions()
        self._meter.lags(positions)
        self._check_stalls(positions, now)
        progress = self._progress(positions, now)
        outcome = self._new_outcome(now)
        with self._watchdog.step("tick"):
            self._stage.tick(progress, outcome, now_ms=now)
        outcome.check_tick()
        if outcome.outputs:
            self._committing.hand_in_tick(outcome)
        if self._ending.is_due(progress, running_ms=wall_clock_ms() - self._started_ms):
            _LOG.info("idle", stage=self._stage.name)
            self.stop()

    def _progress(self, positions: Mapping[Input, tuple[int, int]], now_ms: int) -> list[Progress]:
        """Return how each input stands; one that has just come has been silent for no time."""
        self._last_records_ms = {
            source: self._last_records_ms.get(source, now_ms) for source in self._partitions.ready
        }
        return [
            Progress(source, position >= end, now_ms - self._last_records_ms[source])
            for source, (position, end) in sorted(positions.items())
            if source in self._partitions.ready
        ]

    def _check_stalls(self, positions: Mapping[Input, tuple[int, int]], now_ms: int) -> None:
        stalled = self._stalls.observe(positions, paused=self._partitions.arriving, now_ms=now_ms)
        if stalled:
            raise Stalled(
                f"no record for {self._settings.runtime.stall_s:.0f} s though there are more: {stalled}"
            )

    def _skip_corrupt(self, error: CorruptAt) -> None:
        """After three fetches of the same corrupt batch, set it aside as one dead letter and go on behind it."""
        place = (error.source, error.offset)
        self._corrupt_seen[place] = self._corrupt_seen.get(place, 0) + 1
        self._committing.settle()
        known = self._partitions.ready.get(error.source)
        if self._corrupt_seen[place] < CORRUPT_FETCHES or not self._is_current(known):
            return
        end = end_of_corrupt(self._settings.kafka, error.source, offset=error.offset)
        record = CorruptRange(*error.source, error.offset, end - 1)
        self._partitions.marks.setdefault(error.source, Mark())
        batch = Batch({error.source: [record]}, wall_clock_ms())
        outcome = self._new_outcome(batch.now_ms)
        outcome.dead(
            record, CorruptBatch(f"{error}; offsets {error.offset} to {end - 1} are skipped")
        )
        outcome.settle(batch)
        self._committing.hand_in(batch, outcome)
        self._committing.settle()
        del self._corrupt_seen[place]

    def _is_current(self, state: PartitionState | None) -> bool:
        """Say whether a state is that of a partition held now, true at its committed offset."""
        return (
            state is not None
            and self._intake.is_settled
            and self._intake.generation == self._seen_generation
        )

    def _note_loss(self, error: HubbubError) -> float:
        """Record a loss; returns how long to wait before joining again."""
        is_lost = isinstance(error, TransactionLost) and not error.fenced
        if is_refused(error) or (is_lost and self._losses.in_row >= self._settings.runtime.tries):
            # What can never be committed counts as a crash, so that its records go alone in the end.
            self._partitions.forget_tries()
        self._meter.rejoined(error)
        wait_s = self._losses.note(error, now_s=time.monotonic())
        _LOG.warning(
            "joining_again", stage=self._stage.name, code=error.code, reason=str(error),
            in_row=self._losses.in_row, wait_s=wait_s,
        )  # fmt: skip
        return wait_s
