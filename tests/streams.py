"""Streams for tests of consumers: topics of their own, numbered events in, what a committed reader finds.

Every event's id is `<thread>-<number>`, numbers counting from 0 within a thread, so that what is lost, doubled or out
of order can be told from the ids alone.
"""

import gc
import logging
import os
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from pydantic import SecretStr

from consumers.runtime.changelog import SEPARATOR
from consumers.runtime.topics import create_topics
from contracts.codec import encode_value, make_headers
from contracts.events import Event
from contracts.settings import Settings, load
from contracts.topics import EVENTS_TEXT, TABLE, Topic, changelog_of
from producers.publisher import Publisher

ROOT = Path(__file__).parents[1]
QUICK: Mapping[str, Any] = {
    "session_timeout_ms": 3000, "heartbeat_ms": 300, "transaction_timeout_ms": 5000,
    "transaction_records": 200, "tick_ms": 200,
}  # fmt: skip
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def stream_settings(
    bootstrap: str, *groups: str, partitions: int = 3, **parts: Mapping[str, Any]
) -> Settings:
    """Return settings with a prefix of their own, whose topics and changelogs exist."""
    given = {name: dict(part) for name, part in parts.items()}
    settings = load(
        flags={
            "kafka": {"bootstrap": bootstrap, **given.pop("kafka", {})},
            "topics": {"prefix": f"s{uuid.uuid4().hex[:10]}.", "partitions": partitions},
            "runtime": {**QUICK, **given.pop("runtime", {})},
            **given,
        }
    )
    create_topics(settings, (*TABLE, *(changelog_of(group) for group in groups)))
    return settings


def environment_of(settings: Settings) -> dict[str, str]:
    """Return the variables that give a process these settings."""
    given: dict[str, dict[str, Any]] = {
        part: getattr(settings, part).model_dump(exclude_unset=True)
        for part in ("kafka", "topics", "runtime", "score", "metrics")
    }
    return {
        f"HUBBUB_{part}_{key}".upper(): plain(value)
        for part, keys in given.items()
        for key, value in keys.items()
    }


def plain(value: Any) -> str:
    """Return a value as the environment carries it, a secret in full."""
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def event_of(thread: str, number: int, *, text: str = "hello") -> Event:
    """Return one numbered event; each comes a second after the one before it."""
    at = BEGIN + timedelta(seconds=number)
    return Event(id=f"{thread}-{number}", source="test", observed_at=at, text=text, thread=thread)


def publish_events(settings: Settings, events: Iterable[Event]) -> None:
    """Publish events, in order, and return when Kafka has them all."""
    topic = settings.topics.names.of(EVENTS_TEXT)
    publisher = Publisher(settings.kafka, settings.runtime, client_id="test-events")
    publisher.start()
    for event in events:
        headers = make_headers(Event, event.id, source=event.source)
        publisher.send(topic, encode_value(event), key=event.key.encode(), headers=headers)
    publisher.close()


def read_committed(settings: Settings, topic: Topic) -> list[ConsumerRecord]:
    """Return every committed record of a topic, partition after partition, each in its order.

    Waits for transactions that are still open.
    """
    name = settings.topics.names.of(topic)
    common = {"bootstrap_servers": settings.kafka.bootstrap, "enable_auto_commit": False}
    with KafkaConsumer(**common) as consumer:
        tps = [TopicPartition(name, n) for n in sorted(consumer.partitions_for_topic(name))]
        ends = consumer.end_offsets(tps)
    records: list[ConsumerRecord] = []
    with KafkaConsumer(**common, isolation_level="read_committed") as consumer:
        consumer.assign(tps)
        consumer.seek_to_beginning()
        until = time.monotonic() + 30
        while any(consumer.position(tp) < end for tp, end in ends.items()):
            assert time.monotonic() < until, f"{name} could not be read to its end"
            for batch in consumer.poll(100, max_records=5000).values():
                records.extend(batch)
    return sorted(records, key=lambda record: (record.partition, record.offset))


def changelog_state(settings: Settings, group: str) -> dict[tuple[str, str], bytes]:
    """Return what the changelog of a group holds, by (`topic/partition`, key)."""
    state: dict[tuple[str, str], bytes] = {}
    for record in read_committed(settings, changelog_of(group)):
        topic, _, key = record.key.partition(SEPARATOR)
        place = (f"{topic.decode()}/{record.partition}", key.decode())
        if record.value is None:
            state.pop(place, None)
        else:
            state[place] = record.value
    return state


class Verdict(NamedTuple):
    """Count what went wrong with numbered events."""

    lost: int
    doubled: int
    disordered: int


def judge(found: Iterable[tuple[str, str]], wanted: Mapping[tuple[str, str], int]) -> Verdict:
    """Compare (key, event id) pairs as they were read with how often each was to come.

    Order is judged within each key and thread.
    """
    pairs = list(found)
    counts = Counter(pairs)
    last: dict[tuple[str, str], int] = defaultdict(lambda: -1)
    disordered = 0
    for key, event_id in pairs:
        thread, _, number = event_id.rpartition("-")
        disordered += int(number) < last[key, thread]
        last[key, thread] = int(number)
    return Verdict(
        lost=sum(max(0, times - counts[pair]) for pair, times in wanted.items()),
        doubled=sum(max(0, times - wanted.get(pair, 0)) for pair, times in counts.items()),
        disordered=disordered,
    )


def keyed_ids(records: Iterable[ConsumerRecord]) -> Iterator[tuple[str, str]]:
    """Yield (key, id of the envelope) of records; those without a key are left out."""
    for record in records:
        if record.key is not None:
            yield record.key.decode(), dict(record.headers)["ce_id"].decode()


@contextmanager
def worker_process(
    settings: Settings, *words: str, log: Path | None = None, **more: str
) -> Iterator[subprocess.Popen[str]]:
    """Run a worker as a process; what still runs at the end is killed."""
    process = start_worker(settings, *words, log=log, **more)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def start_worker(
    settings: Settings,
    *words: str,
    command: str = "tests.stages.worker",
    faults: str = "",
    log: Path | None = None,
) -> subprocess.Popen[str]:
    """Start a worker process and return it; what it says goes to the end of `log`, else to a pipe."""
    variables = environment_of(settings) | ({"HUBBUB_FAULT_POINTS": faults} if faults else {})
    output = (
        subprocess.PIPE if log is None else os.open(log, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    )
    try:
        return subprocess.Popen(
            [sys.executable, "-m", command, *words],
            cwd=ROOT, env=os.environ | variables, stdout=output, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
    finally:
        if log is not None:
            os.close(output)


@contextmanager
def quiet_clients() -> Iterator[None]:
    """Keep kafka-python's log out of what pytest captures, and collect what its clients leave behind.

    A client that tries a broker that is down forgets its sockets, and a captured record of that failure holds them.
    """
    log = logging.getLogger("kafka")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)
        gc.collect()


def ended(process: subprocess.Popen[str], timeout_s: float = 60) -> tuple[int, str]:
    """Wait for a process's own end; return its exit code and what it said."""
    said, _ = process.communicate(timeout=timeout_s)
    return process.returncode, said or ""


def stopped(process: subprocess.Popen[str], timeout_s: float = 30) -> tuple[int, float]:
    """Ask a process to stop; return its exit code and the seconds that it took."""
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=timeout_s)
    return process.returncode, time.monotonic() - begun


def eventually(holds: Callable[[], bool], *, within_s: float = 30) -> bool:
    """Say whether something comes to hold in time."""
    until = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True
