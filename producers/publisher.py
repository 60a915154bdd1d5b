"""The one write path to Kafka, plain and transactional.

In: encoded records. Out: records in Kafka, acknowledged by every replica in sync. Contains two traps of kafka-python:
its memory is unbounded (here a byte budget holds the sender back), and a send to a topic that does not exist fails
only in a future that nobody reads (here `check` and `flush` raise it). Imports contracts and kafka-python.
"""

import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from kafka import ConsumerGroupMetadata, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.errors import (
    FencedInstanceIdError,
    InvalidProducerEpochError,
    InvalidTxnStateError,
    KafkaError,
    ProducerFencedError,
)

from contracts.errors import BrokerUnreachable, Stalled, TransactionLost
from contracts.settings import KafkaSettings, RuntimeSettings
from contracts.topics import LETTER_LIMIT_BYTES

Headers = Sequence[tuple[str, bytes]]
OVERHEAD_BYTES = 96  # a record's frame, roughly


# What the broker says to an owner that was replaced; kafka-python raises it bare or wrapped, whichever step met it.
FENCED = (
    ProducerFencedError,
    InvalidProducerEpochError,
    InvalidTxnStateError,
    FencedInstanceIdError,
)


def is_fenced(error: BaseException) -> bool:
    """Say whether an error, or one that it wraps, means that another owner has taken over."""
    inner = [item for item in (*error.args, error.__cause__) if isinstance(item, BaseException)]
    return isinstance(error, FENCED) or any(is_fenced(item) for item in inner)


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

    def start(self) -> None:
        """Connect; raises BrokerUnreachable when nobody answers within `kafka.connect_timeout_s`."""
        try:
            producer = KafkaProducer(**self._config())
            self._producer = producer
            if self._transactional_id is not None:
                producer.init_transactions()
        except KafkaError as error:
            self.abandon()
            raise BrokerUnreachable(
                f"no Kafka at {self._kafka.bootstrap}: {error or type(error).__name__}"
            ) from error

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
        if self._pending_bytes + size > self._runtime.in_flight_bytes:
            self.flush()
        future = self._guarded("send", self._live.send, topic, value, key, list(headers), partition)
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
                raise TransactionLost(f"a record was not accepted: {future.exception!r}")

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
        """Flush and disconnect within the request timeout."""
        if self._producer is not None:
            self._producer.close(timeout=self._kafka.request_timeout_ms / 1000)
            self._producer = None

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
        config = self._kafka.client_config() | {
            "client_id": self._client_id,
            "acks": "all",
            "compression_type": "lz4",
            "linger_ms": 5,
            "batch_size": 1 << 18,
            "max_request_size": LETTER_LIMIT_BYTES,
            "allow_auto_create_topics": False,
            "bootstrap_timeout_ms": int(self._kafka.connect_timeout_s * 1000),
            "max_block_ms": self._kafka.request_timeout_ms,
            "reconnect_backoff_max_ms": 1000,
            "metrics_enabled": False,
        }
        if self._transactional_id is not None:
            config |= {
                "transactional_id": self._transactional_id,
                "transaction_timeout_ms": self._runtime.transaction_timeout_ms,
            }
        return config
