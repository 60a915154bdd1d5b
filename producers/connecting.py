"""Connecting: a client of kafka-python, or one of our errors and nothing left behind.

In: a class of client and its settings. Out: the client. Where kafka-python cannot connect, it forgets a thread and four
descriptors for each try, and a service that waits for its broker tries for hours. Imports contracts and kafka-python.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from kafka import KafkaAdminClient
from kafka.errors import KafkaError
from kafka.net.compat import KafkaNetClient

from contracts.settings import KafkaSettings
from producers.refusals import unreachable

T = TypeVar("T")


def connected(kafka: KafkaSettings, client: Callable[..., T], **more: Any) -> T:
    """Return a client of `kafka` with `more` of kafka-python's own settings; raises as `unreachable` says."""
    begun: list[KafkaNetClient] = []

    def begin(**given: Any) -> KafkaNetClient:
        begun.append(KafkaNetClient(**given))
        return begun[-1]

    config = kafka.client_config() | {
        "bootstrap_timeout_ms": int(kafka.connect_timeout_s * 1000),
        "reconnect_backoff_max_ms": 1000,
        "kafka_client": begin,
    }
    try:
        return client(**(config | more))
    except KafkaError as error:
        for network in begun:
            network.close()
        raise unreachable(kafka, error) from error


def connect_admin(kafka: KafkaSettings) -> KafkaAdminClient:
    """Return an admin client; raises as `unreachable` says."""
    return connected(kafka, KafkaAdminClient, client_id="hubbub-admin")
