"""Clients that cannot connect: one of our errors, and nothing left behind."""

import gc
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from consumers.runtime.connection import reading_consumer
from contracts.errors import BrokerUnreachable
from contracts.settings import KafkaSettings, RuntimeSettings, load
from producers.connecting import connect_admin
from producers.publisher import Publisher


def publish(kafka: KafkaSettings) -> None:
    Publisher(kafka, RuntimeSettings(), client_id="test").start()


def consume(kafka: KafkaSettings) -> None:
    reading_consumer(kafka, client_id="test")


# kafka-python leaves the sockets of connections that were refused to the garbage collector, with a warning.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("connect", [publish, consume, connect_admin])
def test_trying_in_vain_leaves_no_thread_and_no_descriptor(
    connect: Callable[[KafkaSettings], object],
) -> None:
    # Given an address where nobody listens.
    kafka = load(flags={"kafka": {"bootstrap": "127.0.0.1:1", "connect_timeout_s": 0.2}}).kafka

    def held() -> tuple[int, int]:
        gc.collect()
        return threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))

    before = held()
    # When a client tries again and again.
    for _ in range(5):
        with pytest.raises(BrokerUnreachable, match=r"no Kafka at 127\.0\.0\.1:1: .*ECONNREFUSED"):
            connect(kafka)
    # Then it has left nothing.
    assert held() == before
