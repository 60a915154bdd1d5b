"""The intake: one member of a consumer group, with kafka-python's traps contained.

In: committed records of the input topics. Out: batches by partition, arrivals and departures of partitions. Whatever
goes wrong inside the client ends in one of three ways: CorruptBatch with its place, Rejoin, or BrokerUnreachable.
"""

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NoReturn

from kafka import (
    ConsumerGroupMetadata,
    ConsumerRebalanceListener,
    OffsetAndMetadata,
    TopicPartition,
)
from kafka.errors import CorruptRecordError, KafkaError

from consumers.protocols import Input, Record
from consumers.runtime.attempts import Mark
from consumers.runtime.connection import disconnect, group_consumer
from consumers.runtime.spins import CALM_WAIT_MS, Spins
from contracts.errors import CorruptBatch, HubbubError
from contracts.settings import Settings

LEAVE_MS = 5000
# While a batch is worked on, the one fetch that is out comes back with the first record or two; the others come with
# the next, a few milliseconds later. Where a poll brings far less than the last one did, so long is waited for that.
GATHER_MS = 5
LONGEST_GATHER_MS = 10
_CORRUPT = re.compile(
    r"topic='(?P<topic>[^']+)', partition=(?P<partition>\d+)\) at offset (?P<offset>\d+)"
)


class Rejoin(HubbubError):
    """Ask the loop to tear both clients down and to join again."""

    code = "rejoin"
    disposition = "retry"


class CorruptAt(CorruptBatch):
    """Carry the place of a batch that failed its checksum: `source`, and `offset` where it begins."""

    def __init__(self, message: str, *, source: Input, offset: int) -> None:
        super().__init__(message)
        self.source = source
        self.offset = offset


class Intake(ConsumerRebalanceListener):  # type: ignore[misc]
    """Poll one group member; `start` first, `close` last. Not for two threads.

    `before_leaving` is called inside `poll` while the partitions that leave are still this member's.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        group: str,
        topics: Sequence[str],
        client_id: str,
        before_leaving: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._group = group
        self._topics = topics
        self._client_id = client_id
        self._before_leaving = before_leaving
        self._generation = 0
        self._is_settled = False
        self._held: frozenset[Input] = frozenset()
        self._later: CorruptAt | None = None
        self._last_count = 0
        self._next: dict[Input, int] = {}
        self._member: ConsumerGroupMetadata | None = None
        self._spins = Spins(2 * settings.runtime.session_timeout_ms)

    def start(self) -> None:
        """Connect and subscribe; partitions arrive with later polls."""
        self._consumer = group_consumer(
            self._settings, group=self._group, client_id=self._client_id
        )
        self._consumer.subscribe(list(self._topics), listener=self)

    @property
    def held(self) -> frozenset[Input]:
        """Return the partitions that the group has given to this member."""
        return self._held

    @property
    def generation(self) -> int:
        """Return a number that grows whenever partitions come or go."""
        return self._generation

    @property
    def is_settled(self) -> bool:
        """Say whether the group has given this member its partitions, none though they be."""
        return self._is_settled

    @property
    def waiting(self) -> int:
        """Return how many records lay behind those taken when the broker last said so."""
        return sum(
            max(0, (self._consumer.highwater(TopicPartition(*source)) or 0) - offset)
            for source, offset in self._next.items()
            if source in self._held
        )

    def poll(self, wait_ms: int, *, most: int | None = None) -> dict[Input, list[Record]]:
        """Return up to `most` records, one transaction's by default; waits at most `wait_ms` for the first.

        Records gathered before partitions came or went within this call are left out: they will be fetched again
        from the committed offset.
        """
        runtime = self._settings.runtime
        limit = min(runtime.transaction_records, most or runtime.transaction_records)
        gathered: dict[Input, list[Record]] = {}
        count, size, started, first = 0, 0, time.monotonic(), 0.0
        if self._later is not None:
            error, self._later = self._later, None
            raise error
        while True:
            generation = self._generation
            try:
                polled = self._poll_once(GATHER_MS if gathered else wait_ms, limit - count)
            except CorruptAt as error:
                if not gathered:
                    raise
                self._later = error
                polled = {}
            if self._generation != generation:
                return {}
            for tp, records in polled.items():
                gathered.setdefault(Input(tp.topic, tp.partition), []).extend(records)
                count += len(records)
                size += sum(len(record.value or b"") for record in records)
            first = first or time.monotonic()
            spent_ms = (time.monotonic() - started) * 1000
            if (
                not polled
                or not self._are_few(count, first)
                or count >= limit
                or size >= runtime.transaction_bytes
                or spent_ms >= runtime.transaction_ms
            ):
                self._last_count = count
                self._next |= {source: many[-1].offset + 1 for source, many in gathered.items()}
                return gathered

    def _are_few(self, count: int, first: float) -> bool:
        """Say whether more are to be waited for, when `count` records were gathered since `first`."""
        waited_ms = (time.monotonic() - first) * 1000
        return 2 * count <= self._last_count and waited_ms < LONGEST_GATHER_MS

    def keep_alive(self) -> None:
        """Stay in the group while a batch waits; raises Rejoin where partitions have come or gone."""
        generation = self._generation
        # What is paused already waits for its state, and stays paused.
        fetching = self._consumer.assignment() - self._consumer.paused()
        self._consumer.pause(*fetching)
        unexpected = self._poll_once(0, 1)
        if unexpected or self._generation != generation:
            raise Rejoin("partitions moved while a batch was waiting")
        self._consumer.resume(*fetching)

    def resume(self, sources: Iterable[Input]) -> None:
        """Fetch these partitions again."""
        self._consumer.resume(*[TopicPartition(*source) for source in sources])

    def committed(self, source: Input) -> tuple[int, Mark]:
        """Return (next offset, mark) of a partition: committed, else where its log begins.

        Waits for transactions that are still open on the offset (fetch with `require_stable`).
        """
        tp = TopicPartition(*source)
        try:
            found = self._consumer.committed(tp, metadata=True, timeout_ms=self._wait_ms)
            if found is not None:
                return found.offset, Mark.read(found.metadata)
            return self._consumer.beginning_offsets([tp], timeout_ms=self._wait_ms)[tp], Mark()
        except KafkaError as error:
            raise Rejoin(f"no committed offset of {tp}: {error!r}") from error

    def seek(self, source: Input, offset: int) -> None:
        """Let the next record of a partition be the one at `offset`."""
        self._consumer.seek(TopicPartition(*source), offset)

    def mark(self, marks: Mapping[Input, tuple[int, Mark]]) -> None:
        """Commit offsets unchanged with marks beside them; raises Rejoin when the group has moved on."""
        offsets = {
            TopicPartition(*source): OffsetAndMetadata(offset, mark.text(), -1)
            for source, (offset, mark) in marks.items()
        }
        try:
            self._consumer.commit(offsets, timeout_ms=self._wait_ms)
        except KafkaError as error:
            raise Rejoin(f"marks not committed: {error!r}") from error

    def group_metadata(self) -> ConsumerGroupMetadata:
        """Return the membership under which the last poll's records came; it fences their offsets.

        Asked for only now, a member that was put out of the group meanwhile would show none, and the broker takes a
        transaction's offsets from whoever names no member: a worker that woke up late would commit what another has
        done. Raises Rejoin where there was no membership.
        """
        if self._member is None or self._member.generation_id < 0 or not self._member.member_id:
            raise Rejoin("this worker is not a member of its group")
        return self._member

    def positions(self) -> dict[Input, tuple[int, int]]:
        """Return (next offset, end of what is committed) of every partition held."""
        tps = [TopicPartition(*source) for source in self._held]
        try:
            ends = self._consumer.end_offsets(tps, timeout_ms=self._wait_ms) if tps else {}
            return {
                Input(tp.topic, tp.partition): (position, end)
                for tp, end in ends.items()
                if (position := self._consumer.position(tp, timeout_ms=self._wait_ms)) is not None
            }
        except (KafkaError, AssertionError) as error:
            raise Rejoin(f"no positions: {error!r}") from error

    def close(self) -> None:
        """Leave the group and disconnect."""
        self._held = frozenset()
        disconnect(self._consumer, wait_ms=LEAVE_MS)

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Note an arrival; called by the client inside `poll`.

        Nothing is fetched until `resume`: the loop first looks where to begin, and a corrupt batch that comes before
        that leaves a client that cannot be asked again.
        """
        self._consumer.pause(*assigned)
        self._generation += 1
        self._is_settled = True
        self._held = self._held | {Input(tp.topic, tp.partition) for tp in assigned}

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Note a departure; called by the client inside `poll`."""
        self._before_leaving()
        self._generation += 1
        self._is_settled = False
        self._held = self._held - {Input(tp.topic, tp.partition) for tp in revoked}

    def on_partitions_lost(self, lost: Iterable[TopicPartition]) -> None:
        """Note a departure that was not asked for."""
        self.on_partitions_revoked(lost)

    @property
    def _wait_ms(self) -> int:
        return self._settings.kafka.request_timeout_ms

    def _poll_once(self, wait_ms: int, most: int) -> Mapping[TopicPartition, Sequence[Record]]:
        try:
            return self._poll_calmly(wait_ms, most)
        except CorruptRecordError as error:
            self._corrupt(error)
        except HubbubError:
            raise
        except Exception as error:
            # Any other leaves the client in an unknown state.
            raise Rejoin(f"poll failed: {error!r}") from error
        finally:
            self._member = self._consumer.group_metadata()

    def _poll_calmly(self, wait_ms: int, most: int) -> Mapping[TopicPartition, Sequence[Record]]:
        if wait_ms and self._spins.is_calming:
            time.sleep(min(wait_ms, CALM_WAIT_MS) / 1000)
            self._spins.calmed()
            wait_ms = 0
        begun = time.thread_time()
        polled = self._consumer.poll(timeout_ms=wait_ms, max_records=most)
        if polled:
            self._spins.rested()
        elif wait_ms >= CALM_WAIT_MS:
            busy_ms = (time.thread_time() - begun) * 1000
            if self._spins.waited(wait_ms, busy_ms=busy_ms, now_ms=time.monotonic() * 1000):
                raise Rejoin("the client turns in circles: its heartbeats do not come through")
        return polled  # type: ignore[no-any-return]

    def _corrupt(self, error: CorruptRecordError) -> NoReturn:
        match = _CORRUPT.search(str(error))
        if match is None:
            raise Rejoin(f"a checksum failed at an unknown place: {error}") from error
        source = Input(match["topic"], int(match["partition"]))
        raise CorruptAt(str(error), source=source, offset=int(match["offset"])) from error
