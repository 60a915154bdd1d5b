"""The one write path to Kafka, plain and transactional.

In: encoded records. Out: records in Kafka, acknowledged by every replica in sync. Contains these traps of kafka-python:
its memory is unbounded (here a byte budget holds the sender back); a record that is refused fails only in a future
that nobody reads, and after a failure inside a transaction `commit_transaction` may still say that all is well (here
`check`, `flush`, `commit` and `close` read every future); between two transactions it sleeps 100 ms (here 5). Imports
contracts and kafka-python.
"""

import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from kafka import ConsumerGroupMetadata, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.errors import KafkaError
from kafka.partitioner.default import murmur2
from kafka.serializer import Serializer

from contracts.errors import Stalled, TransactionLost
from contracts.settings import KafkaSettings, RuntimeSettings
from producers.connecting import connected
from producers.refusals import is_fenced, unreachable

Headers = Sequence[tuple[str, bytes]]
# While the broker still ends the last transaction it refuses partitions for the next, a millisecond or two. The client
# means to ask again after 20 ms, but sleeps this long: by default 100 ms in each of many transactions.
RETRY_MS = 5
OVERHEAD_BYTES = 96  # a record's frame, roughly
PLACES_LIMIT = 100_000
PLACE_KEY_BYTES = 1024
# The client compares a record with this before it compresses, the broker with its own limit after.
LARGEST_RECORD_BYTES = 1 << 30


# kafka-python refuses a record with neither key nor value, which Kafka takes: a dead letter may be one.
NULL = object()


class _Values(Serializer):  # type: ignore[misc]
    """Pass bytes on as they are, and NULL as no value."""

    # Called by the client with positions.
    def serialize(  # noqa: PLR0917
        self, topic: str, headers: list[tuple[str, bytes]], data: object
    ) -> object:
        """Return what is sent."""
        return None if data is NULL else data


class _Producer(KafkaProducer):  # type: ignore[misc]
    """A producer that can be let go: `close(timeout=0)` flushes first, and fails there with its thread alive."""

    def flush(self, timeout: float | None = None) -> None:
        if timeout != 0:
            super().flush(timeout)


class Publisher:
    """Send records; `start` before the first, `close` after the last.

    With a `transactional_id` every send lies between `begin` and `commit` or `abort`, and `start` aborts what an
    earlier owner of the same id left open and shuts that owner out. Not for use by two threads at once.
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        runtime: RuntimeSettings,
        *,
        client_id: str,
        transactional_id: str | None = None,
    ) -> None:
        self._kafka = kafka
        self._runtime = runtime
        self._client_id = client_id
        self._transactional_id = transactional_id
        self._producer: KafkaProducer | None = None
        self._pending: deque[tuple[Any, int]] = deque()
        self._pending_bytes = 0
        self._places: dict[tuple[str, bytes], int] = {}

    def start(self) -> None:
        """Connect.

        Raises BrokerUnreachable when nobody answers within `kafka.connect_timeout_s`, SettingsInvalid for a wrong
        password, TransactionLost when another owner of the transactional id comes in between.
        """
        self._pending.clear()
        self._pending_bytes = 0
        producer = connected(self._kafka, _Producer, **self._config())
        self._producer = producer
        try:
            if self._transactional_id is not None:
                producer.init_transactions()
        except KafkaError as error:
            self.abandon()
            raise unreachable(self._kafka, error) from error

    def begin(self) -> None:
        """Open a transaction."""
        self._pending.clear()
        self._pending_bytes = 0
        self._guarded("begin", self._live.begin_transaction)

    def send(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        headers: Headers = (),
        partition: int | None = None,
    ) -> None:
        """Hand one record to the sender; waits while more than `runtime.in_flight_bytes` are unacknowledged.

        A None value is a tombstone. Raises TransactionLost when the producer can no longer send.
        """
        size = OVERHEAD_BYTES + len(value or b"") + len(key or b"")
        size += sum(len(name) + len(content) for name, content in headers)
        if self._pending_bytes + size > self._runtime.in_flight_bytes:
            self._make_room(size)
        if partition is None and key is not None:
            partition = self._partition_of(topic, key)
        content = NULL if value is None and key is None else value
        future = self._guarded(
            "send", self._live.send, topic, content, key, list(headers), partition
        )
        self._pending.append((future, size))
        self._pending_bytes += size

    def flush(self) -> None:
        """Wait until every record so far is acknowledged; raises the first failure."""
        self._guarded("flush", self._live.flush, self._runtime.deadline_s)
        self.check()

    def check(self) -> None:
        """Raise TransactionLost if a record so far has failed; forgets those that are done."""
        while self._pending and self._pending[0][0].is_done:
            future, size = self._pending.popleft()
            self._pending_bytes -= size
            if future.failed():
                cause = future.exception
                raise TransactionLost(
                    f"a record was not accepted: {cause!r}", fenced=is_fenced(cause)
                ) from cause

    def send_offsets(
        self, offsets: Mapping[TopicPartition, OffsetAndMetadata], group: ConsumerGroupMetadata
    ) -> None:
        """Add input offsets to the open transaction."""
        self._guarded("offsets", self._live.send_offsets_to_transaction, dict(offsets), group)

    def commit(self) -> None:
        """Commit; when this returns, every record and offset of the transaction is visible at once."""
        self._guarded("commit", self._live.commit_transaction)
        self._settle()

    def abort(self) -> None:
        """Abort the open transaction."""
        self._guarded("abort", self._live.abort_transaction)
        self._pending.clear()
        self._pending_bytes = 0

    def partitions_of(self, topic: str) -> int:
        """Return how many partitions a topic has, 0 where it does not exist."""
        try:
            return len(self._live.partitions_for(topic) or ())
        except KafkaError:
            return 0

    def close(self) -> None:
        """Flush and disconnect; raises TransactionLost or Stalled for a record that was not accepted."""
        if self._producer is None:
            return
        try:
            if self._pending:
                self.flush()
            self._guarded("close", self._producer.close, self._kafka.request_timeout_ms / 1000)
            self._producer = None
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Disconnect at once; what is open is left for the broker to abort."""
        if self._producer is not None:
            self._producer.close(timeout=0)
            self._producer = None

    @property
    def _live(self) -> KafkaProducer:
        if self._producer is None:
            raise TransactionLost("the publisher is not started")
        return self._producer

    def _partition_of(self, topic: str, key: bytes) -> int | None:
        """Return where Kafka's own partitioner puts a key, remembered: its hash in Python costs as much as a send."""
        place = (topic, key)
        known = self._places.get(place)
        if known is not None:
            return known
        count = self.partitions_of(topic)
        if not count:
            return None
        if len(key) > PLACE_KEY_BYTES:
            return int(murmur2(key) & 0x7FFFFFFF) % count
        if len(self._places) >= PLACES_LIMIT:
            self._places.clear()
        found = int(murmur2(key) & 0x7FFFFFFF) % count
        self._places[place] = found
        return found

    def _make_room(self, size: int) -> None:
        """Forget what is acknowledged; where that is not enough, wait for all of it."""
        self.check()
        if self._pending_bytes + size > self._runtime.in_flight_bytes:
            self.flush()

    def _settle(self) -> None:
        """Check every future of a committed transaction; one that failed was never part of it."""
        self.check()
        if self._pending:
            raise TransactionLost(f"{len(self._pending)} records left over after a commit")

    def _guarded(self, step: str, call: Any, *arguments: Any) -> Any:
        started = time.monotonic()
        try:
            return call(*arguments)
        except KafkaError as error:
            took = time.monotonic() - started
            message = f"{step} failed after {took:.1f} s: {error!r}"
            if step == "flush" and took >= self._runtime.deadline_s:
                raise Stalled(message) from error
            raise TransactionLost(message, fenced=is_fenced(error)) from error

    def _config(self) -> dict[str, Any]:
        config: dict[str, Any] = {
            "client_id": self._client_id,
            "value_serializer": _Values(),
            "acks": "all",
            "compression_type": "lz4",
            "linger_ms": 50,
            "batch_size": 1 << 18,
            "max_request_size": LARGEST_RECORD_BYTES,
            "allow_auto_create_topics": False,
            "max_block_ms": self._kafka.request_timeout_ms,
            "metrics_enabled": False,
        }
        if self._transactional_id is not None:
            config |= {
                "transactional_id": self._transactional_id,
                "transaction_timeout_ms": self._runtime.transaction_timeout_ms,
                "retry_backoff_ms": RETRY_MS,
            }
        return config
