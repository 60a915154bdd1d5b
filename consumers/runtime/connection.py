"""Consumers of kafka-python, made one way: raw bytes, read committed, offsets never committed behind our back.

In: settings. Out: KafkaConsumer. No deserializer is ever given: an exception inside one makes `poll` spin for ever.
Without crc32c kafka-python checks sums in Python, seven times slower and without a word: its absence is an error here.
"""

from typing import Any

import structlog
from kafka import KafkaConsumer

from consumers.runtime import header_names
from contracts.errors import MissingExtra
from contracts.settings import KafkaSettings, Settings
from producers.connecting import connected

try:
    import crc32c  # noqa: F401  kafka-python picks it up by itself
except ImportError as error:
    raise MissingExtra(
        "the package crc32c is missing; without it Kafka's checksums are counted in Python, seven times slower: "
        "pip install crc32c"
    ) from error

_LOG = structlog.get_logger()
header_names.install()


def reading_consumer(kafka: KafkaSettings, *, client_id: str, **more: Any) -> KafkaConsumer:
    """Return a consumer without a group, for assigned partitions; raises as `unreachable` says."""
    return _connected(kafka, {"client_id": client_id, "group_id": None} | more)


def group_consumer(settings: Settings, *, group: str, client_id: str) -> KafkaConsumer:
    """Return a consumer that joins `group`; raises as `unreachable` says."""
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


def disconnect(consumer: KafkaConsumer, *, wait_ms: int) -> None:
    """Close a consumer, whatever state it is in; leaving the group may take `wait_ms`."""
    try:
        consumer.close(autocommit=False, timeout_ms=wait_ms)
    except Exception as error:  # noqa: BLE001  it is being thrown away, and its broker may be gone
        _LOG.warning("consumer_close_failed", error=repr(error))


def _connected(kafka: KafkaSettings, more: dict[str, Any]) -> KafkaConsumer:
    config = {
        "isolation_level": "read_committed",
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "allow_auto_create_topics": False,
        "check_crcs": True,
        "fetch_max_wait_ms": 100,
        "metrics_enabled": False,
    }
    return connected(kafka, KafkaConsumer, **(config | more))
