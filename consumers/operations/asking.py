"""Asking a broker about topics and groups, with the patience that a broker needs that has just started.

In: a question to an admin client. Out: its answer, or BrokerUnreachable after `kafka.connect_timeout_s`.
"""

import time
from collections.abc import Callable
from typing import Any, TypeVar

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from contracts.errors import BrokerUnreachable
from contracts.settings import Settings
from producers.connecting import connect_admin

WAIT_S = 0.25
T = TypeVar("T")


def ask(settings: Settings, question: Callable[[KafkaAdminClient], T]) -> T:
    """Return the answer; what the broker itself calls passing (a coordinator not yet there) is asked again."""
    until = time.monotonic() + settings.kafka.connect_timeout_s
    admin = connect_admin(settings.kafka)
    try:
        while True:
            try:
                return question(admin)
            except KafkaError as error:
                if not getattr(error, "retriable", False) or time.monotonic() > until:
                    raise BrokerUnreachable(f"{settings.kafka.bootstrap}: {error!r}") from error
            time.sleep(WAIT_S)
    finally:
        admin.close()


def described_topics(settings: Settings, names: list[str]) -> dict[str, int]:
    """Return how many partitions each topic has; those that are missing are left out."""
    found: list[dict[str, Any]] = ask(settings, lambda admin: admin.describe_topics(names))
    return {item["name"]: len(item["partitions"]) for item in found if item["partitions"]}
