"""A compacted topic followed as a table: read to its end first, then its changes as they come.

In: a topic whose every partition is read. Out: (key, value, headers), None as value for what was removed. Any worker
may follow it; it belongs to no group.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from consumers.runtime.connection import disconnect, reading_consumer
from contracts.errors import BrokerUnreachable, TopicInvalid
from contracts.settings import KafkaSettings


class Change(NamedTuple):
    """One row as it stands now; `value` is None where it was removed."""

    key: bytes
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


class Table:
    """Follow one compacted topic; `start` first, `close` last."""

    def __init__(self, kafka: KafkaSettings, *, topic: str, client_id: str) -> None:
        self._kafka = kafka
        self._topic = topic
        self._client_id = client_id
        self._consumer: KafkaConsumer | None = None
        self._partitions: list[TopicPartition] = []

    def start(self) -> None:
        """Connect and go to the beginning; raises TopicInvalid for a topic that is missing, BrokerUnreachable."""
        consumer = reading_consumer(self._kafka, client_id=self._client_id, fetch_max_wait_ms=500)
        self._consumer = consumer
        with self._told_as_ours():
            partitions = consumer.partitions_for_topic(self._topic)
        if not partitions:
            raise TopicInvalid(f"topic {self._topic} is missing; `hubbub topics create` makes it")
        self._partitions = [TopicPartition(self._topic, number) for number in sorted(partitions)]
        consumer.assign(self._partitions)
        consumer.seek_to_beginning(*self._partitions)

    def read_to_end(self, deadline_s: float) -> Iterator[Change]:
        """Yield every row there is; raises BrokerUnreachable when the end is not reached in time."""
        ends = self._ends()
        until = time.monotonic() + deadline_s
        while any(self._position(tp) < end for tp, end in ends.items()):
            if time.monotonic() > until:
                raise BrokerUnreachable(
                    f"{self._topic} was not read to its end in {deadline_s:.0f} s"
                )
            yield from self._polled(200)

    def changes(self) -> Iterator[Change]:
        """Yield what has changed since; returns at once where nothing has."""
        yield from self._polled(0)

    def close(self) -> None:
        """Disconnect."""
        if self._consumer is not None:
            disconnect(self._consumer, wait_ms=self._kafka.request_timeout_ms)
            self._consumer = None

    @property
    def _live(self) -> KafkaConsumer:
        if self._consumer is None:
            raise TopicInvalid(f"the table of {self._topic} is not started")
        return self._consumer

    def _ends(self) -> dict[TopicPartition, int]:
        with self._told_as_ours():
            return dict(self._live.end_offsets(self._partitions))

    def _position(self, tp: TopicPartition) -> int:
        with self._told_as_ours():
            return int(self._live.position(tp, timeout_ms=self._kafka.request_timeout_ms) or 0)

    def _polled(self, wait_ms: int) -> Iterator[Change]:
        with self._told_as_ours():
            polled = self._live.poll(wait_ms, max_records=10_000)
        for records in polled.values():
            for record in records:
                yield Change(record.key or b"", record.value, record.headers)

    @contextmanager
    def _told_as_ours(self) -> Iterator[None]:
        try:
            yield
        except KafkaError as error:
            raise BrokerUnreachable(f"{self._topic}: {error!r}") from error
