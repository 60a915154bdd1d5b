"""What every test may ask for: Apache Kafka itself.

`kafka` is one node for the whole run and `bootstrap` its address. Tests share it: each takes topics and groups with
names of its own, and none stops it. A test that kills, fills or secures a broker starts its own by `start_kafka`.
Where Kafka cannot be had (no extra `kafka`, no download), a test that needs it is skipped on a laptop and fails in CI.
"""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import DownloadFailed, MissingExtra
from deploy.kafka.node import KafkaNode

# A run in the background of a script ignores Ctrl-C, and would hand that on to every process that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

StartKafka = Callable[..., KafkaNode]


def start_or_skip(node: KafkaNode) -> KafkaNode:
    """Start a node and return it; skip the test on a laptop where Kafka cannot be had."""
    try:
        node.start()
    except (MissingExtra, DownloadFailed) as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    return node


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaNode]:
    """Run one Kafka node on a free port for the whole run."""
    node = start_or_skip(KafkaNode(tmp_path_factory.mktemp("kafka"), port=0))
    yield node
    node.stop()


@pytest.fixture(scope="session")
def bootstrap(kafka: KafkaNode) -> str:
    """Return the address of the shared node."""
    return kafka.bootstrap


@pytest.fixture
def start_kafka(tmp_path: Path) -> Iterator[StartKafka]:
    """Start nodes of the test's own: `start_kafka(data=None, **options)`, with options as KafkaNode has them."""
    nodes: list[KafkaNode] = []

    def start(data: Path | None = None, **options: Any) -> KafkaNode:
        folder = data or tmp_path / f"kafka-{len(nodes)}"
        nodes.append(KafkaNode(folder, **{"port": 0, **options}))
        return start_or_skip(nodes[-1])

    yield start
    for node in nodes:
        node.stop()
