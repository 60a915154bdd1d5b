"""What tests of producers share: topics of their own, a reader of committed records, the command, here or apart."""

import contextlib
import io
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.consumer.fetcher import ConsumerRecord

from contracts.settings import Settings, load
from contracts.topics import TABLE, Topic, changelog_of
from producers.cli import app

ROOT = Path(__file__).parents[2]
SOURCES = changelog_of("sources")
PARTITIONS = 3
# kafka-python reads its schemas in a way that Python 3.11 and 3.12 call old.
COMMAND = r"""
import warnings
warnings.filterwarnings("ignore", r".* is deprecated. Use files", DeprecationWarning)
from producers.cli import app
app()
"""
Produce = Callable[..., subprocess.Popen[str]]
Publish = Callable[..., str]


def create_topics(settings: Settings) -> None:
    """Create every topic that a source may write to, under the settings' prefix."""
    names = settings.topics.names
    topics = [
        NewTopic(
            name=names.of(topic),
            num_partitions=1 if topic.spread == "single" else PARTITIONS,
            replication_factor=1,
            topic_configs=topic.broker_settings(),
        )
        for topic in (*TABLE, SOURCES)
    ]
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka.bootstrap)
    try:
        admin.create_topics(topics)
    finally:
        admin.close()


def settings_for(bootstrap: str, **parts: dict[str, Any]) -> Settings:
    """Return settings with a prefix of their own, whose topics exist."""
    flags = {
        "kafka": {"bootstrap": bootstrap},
        "topics": {"prefix": f"test-{uuid.uuid4().hex[:12]}."},
        **parts,
    }
    settings = load(flags=flags)
    create_topics(settings)
    return settings


@pytest.fixture
def settings(bootstrap: str) -> Settings:
    """Return settings of this test's own on the shared node."""
    return settings_for(bootstrap)


def read_topic(
    settings: Settings, topic: Topic, *, isolation: str = "read_committed"
) -> list[ConsumerRecord]:
    """Return every record of a topic up to where it ended when this was called."""
    name = settings.topics.names.of(topic)
    common = {"bootstrap_servers": settings.kafka.bootstrap, "enable_auto_commit": False}
    with KafkaConsumer(**common, isolation_level="read_uncommitted") as consumer:
        partitions = [TopicPartition(name, n) for n in consumer.partitions_for_topic(name) or ()]
        ends = consumer.end_offsets(partitions)
    records: list[ConsumerRecord] = []
    with KafkaConsumer(**common, isolation_level=isolation) as consumer:
        consumer.assign(partitions)
        consumer.seek_to_beginning()
        deadline = time.monotonic() + 60
        while any(consumer.position(partition) < end for partition, end in ends.items()):
            assert time.monotonic() < deadline, f"{name} could not be read to its end"
            for batch in consumer.poll(timeout_ms=100).values():
                records.extend(batch)
    return records


@pytest.fixture
def produce(settings: Settings) -> Iterator[Produce]:
    """Start `produce` in a process of its own, on this test's topics; what still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(*words: str, **variables: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", COMMAND, *words],
            cwd=ROOT,
            env=os.environ | environment_of(settings) | variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def publish(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Publish:
    """Run `produce` in this process on this test's topics; returns what it printed, raises what it raised."""

    def run(*words: str, **variables: str) -> str:
        for name, value in (environment_of(settings) | variables).items():
            monkeypatch.setenv(name, value)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            app(list(words), standalone_mode=False)
        return printed.getvalue()

    return run


def environment_of(settings: Settings) -> dict[str, str]:
    """Return the variables that give a process the same Kafka and the same topics."""
    return {
        "HUBBUB_KAFKA_BOOTSTRAP": settings.kafka.bootstrap,
        "HUBBUB_TOPICS_PREFIX": settings.topics.prefix,
    }


def finished(process: subprocess.Popen[str], timeout_s: float = 60) -> tuple[int, str, str]:
    """Wait for a process; return its exit code and what it said."""
    out, err = process.communicate(timeout=timeout_s)
    return process.returncode, out, err
