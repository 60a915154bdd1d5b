"""Mentions as the demo reads them, committed ones alone.

In: topic `mentions`. Out: Mention records; ticks are passed over. Imports contracts and kafka-python.
"""

from collections.abc import Iterator

import msgspec
from kafka import KafkaConsumer, TopicPartition

from contracts.codec import Codec
from contracts.mentions import Mention, Tick
from contracts.settings import Settings
from contracts.topics import MENTIONS

VALUE_LIMIT_BYTES = 1 << 20


class MentionReader:
    """Read every mention from the beginning; `close` at the end."""

    def __init__(self, settings: Settings) -> None:
        topic = settings.topics.names.of(MENTIONS)
        self._codec: Codec[msgspec.Struct] = Codec(Mention, Tick, limit_bytes=VALUE_LIMIT_BYTES)
        self._consumer = KafkaConsumer(
            **settings.kafka.client_config(),
            client_id="hubbub-demo",
            group_id=None,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            metrics_enabled=False,
        )
        partitions = self._consumer.partitions_for_topic(topic) or set()
        self._consumer.assign([TopicPartition(topic, number) for number in sorted(partitions)])

    def read(self, wait_ms: int) -> Iterator[Mention]:
        """Yield what has come, waiting at most `wait_ms` for the first."""
        for records in self._consumer.poll(wait_ms, max_records=5000).values():
            for record in records:
                entry = self._codec.decode(record.value, record.headers)
                if isinstance(entry, Mention):
                    yield entry

    def close(self) -> None:
        """Disconnect."""
        self._consumer.close(autocommit=False)
