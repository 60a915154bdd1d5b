"""Mentions and steps of alerts as the demo reads them, committed ones alone.

In: topics `mentions` and `alert-transitions`. Out: their records; ticks are passed over. Imports contracts and Kafka.
"""

from collections.abc import Iterator

import msgspec
from kafka import KafkaConsumer, TopicPartition

from contracts.alerts import AlertTransition
from contracts.codec import Codec
from contracts.mentions import Mention, Tick
from contracts.settings import Settings
from contracts.topics import ALERT_TRANSITIONS, MENTIONS

VALUE_LIMIT_BYTES = 1 << 20


class Reader:
    """Read both topics from the beginning; `close` at the end."""

    def __init__(self, settings: Settings) -> None:
        topics = [settings.topics.names.of(topic) for topic in (MENTIONS, ALERT_TRANSITIONS)]
        self._codec: Codec[msgspec.Struct] = Codec(
            Mention, Tick, AlertTransition, limit_bytes=VALUE_LIMIT_BYTES
        )
        self._consumer = KafkaConsumer(
            **settings.kafka.client_config(),
            client_id="hubbub-demo",
            group_id=None,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            metrics_enabled=False,
        )
        self._consumer.assign(
            [
                TopicPartition(topic, number)
                for topic in topics
                for number in sorted(self._consumer.partitions_for_topic(topic) or ())
            ]
        )

    def read(self, wait_ms: int) -> Iterator[Mention | AlertTransition]:
        """Yield what has come, waiting at most `wait_ms` for the first."""
        for records in self._consumer.poll(wait_ms, max_records=5000).values():
            for record in records:
                entry = self._codec.decode(record.value, record.headers)
                if isinstance(entry, Mention | AlertTransition):
                    yield entry

    def close(self) -> None:
        """Disconnect."""
        self._consumer.close(autocommit=False)
