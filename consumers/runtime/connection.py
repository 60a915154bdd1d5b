"""Consumers of kafka-python, made one way: raw bytes, read committed, offsets never committed behind our back.

In: settings. Out: KafkaConsumer. No deserializer is ever given: an exception inside one makes `poll` spin for ever.
"""

from typing import Any

import crc32c  # noqa: F401  without it kafka-python checks sums in Python, seven times slower
from kafka import KafkaConsumer
from kafka.errors import KafkaError

from contracts.errors import BrokerUnreachable
from contracts.settings import KafkaSettings, Settings


def reading_consumer(kafka: KafkaSettings, *, client_id: str, **more: Any) -> KafkaConsumer:
    """Return a consumer without a group, for assigned partitions; raises BrokerUnreachable."""
    return _connected(kafka, {"client_id": client_id, "group_id": None} | more)


def group_consumer(settings: Settings, *, group: str, client_id: str) -> KafkaConsumer:
    """Return a consumer that joins `group`; raises BrokerUnreachable."""
    runtime = settings.runtime
    config = {
        "client_id": client_id,
        "group_id": group,
        "session_timeout_ms": runtime.session_timeout_ms,
        "heartbeat_interval_ms": runtime.heartbeat_ms,
        "max_poll_records": runtime.transaction_records,
        "max_poll_interval_ms": int(max(runtime.deadline_s, runtime.stall_s) * 4000),
    }
    return _connected(settings.kafka, config)


def _connected(kafka: KafkaSettings, more: dict[str, Any]) -> KafkaConsumer:
    config = kafka.client_config() | {
        "isolation_level": "read_committed",
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "allow_auto_create_topics": False,
        "check_crcs": True,
        "fetch_max_wait_ms": 100,
        "reconnect_backoff_max_ms": 1000,
        "bootstrap_timeout_ms": int(kafka.connect_timeout_s * 1000),
        "metrics_enabled": False,
    }
    try:
        return KafkaConsumer(**(config | more))
    except KafkaError as error:
        raise BrokerUnreachable(
            f"no Kafka at {kafka.bootstrap}: {error or type(error).__name__}"
        ) from error
