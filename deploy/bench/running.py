"""Take one turn of an arm: its processes started and ready, then records all at once, then how fast they were ended.

In: an arm, texts, a broker. Out: records a second and CPU seconds a record. Start-up is left out: time counts from the
first record taken to the last commit.
"""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

from kafka import KafkaProducer

from consumers.operations.watch_store import WatchStore
from consumers.runtime.topics import create_topics, topics_of
from contracts.codec import encode_value, make_headers
from contracts.errors import NodeFailed
from contracts.events import Author, Event
from contracts.settings import Settings
from contracts.topics import EVENTS_TEXT
from deploy.bench.arms import settings_of
from producers.sources.scenario.watches import scenario_watches

READY_S, TURN_S = 90.0, 300.0
# Threads of one library would take the cores of the other process.
THREADS = {"OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2", "OMP_WAIT_POLICY": "PASSIVE"}


class Turn(NamedTuple):
    """Hold what came of one turn."""

    rate: float
    cpu_s: float


class Arm(NamedTuple):
    """Say what runs: a kind of `deploy.bench.arms`, in how many processes, over how many records."""

    kind: str
    processes: int
    records: int


class Processes:
    """Run the processes of an arm, and read what they say."""

    def __init__(self, arm: Arm, *, bootstrap: str, prefix: str) -> None:
        self._said: queue.Queue[tuple[int, dict[str, float]]] = queue.Queue()
        words = [sys.executable, "-m", "deploy.bench.arms", arm.kind, "--bootstrap", bootstrap]
        self._children = [
            subprocess.Popen(
                [*words, "--prefix", prefix, "--slot", str(slot)],
                stdout=subprocess.PIPE, env=os.environ | THREADS, text=True,
            )
            for slot in range(arm.processes)
        ]  # fmt: skip
        self._readers = [
            threading.Thread(target=self._read, args=pair, daemon=True)
            for pair in enumerate(self._children)
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, number: int, child: "subprocess.Popen[str]") -> None:
        for line in child.stdout or ():
            self._said.put((number, json.loads(line)))
        self._said.put((number, {}))

    @property
    def pids(self) -> list[int]:
        """Return the processes' numbers, in the order of their slots."""
        return [child.pid for child in self._children]

    def wait_ready(self, partitions: int) -> None:
        """Wait until all partitions are held, by every process some. Raises NodeFailed where one ends or waits long."""
        held = dict.fromkeys(range(len(self._children)), 0)
        for number, said in self._lines(READY_S):
            held[number] = int(said.get("ready", held[number]))
            if sum(held.values()) == partitions and all(held.values()):
                return

    def wait_done(self, records: int) -> list[dict[str, float]]:
        """Wait until so many records are committed; returns what each process said last."""
        last: dict[int, dict[str, float]] = {}
        for number, said in self._lines(TURN_S):
            if "done" in said:
                last[number] = said
            if sum(int(each["done"]) for each in last.values()) >= records:
                break
        return list(last.values())

    def _lines(self, limit_s: float) -> Iterator[tuple[int, dict[str, float]]]:
        until = time.monotonic() + limit_s
        while True:
            try:
                number, said = self._said.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                raise NodeFailed(f"an arm was not ready or done within {limit_s:.0f} s") from None
            if not said:
                raise NodeFailed(f"process {number} of an arm ended by itself; its error is above")
            yield number, said

    def close(self) -> None:
        """End every process."""
        for child in self._children:
            child.send_signal(signal.SIGTERM)
        for child, reader in zip(self._children, self._readers, strict=True):
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            reader.join()
            if child.stdout:
                child.stdout.close()


@contextmanager
def ready_arm(arm: Arm, *, bootstrap: str, prefix: str) -> Iterator[tuple[Settings, Processes]]:
    """Make topics of their own, start an arm, and hand it over once it holds every partition."""
    settings = settings_of(bootstrap, prefix)
    create_topics(settings, topics_of(settings))
    store = WatchStore(settings)
    store.start()
    for watch in scenario_watches():
        store.put(watch)
    store.close()
    processes = Processes(arm, bootstrap=bootstrap, prefix=prefix)
    try:
        processes.wait_ready(settings.topics.partitions)
        yield settings, processes
    finally:
        processes.close()


def take_turn(arm: Arm, texts: Sequence[str], *, bootstrap: str, prefix: str) -> Turn:
    """Return how fast an arm ends its records, the first `arm.records` of `texts`."""
    with ready_arm(arm, bootstrap=bootstrap, prefix=prefix) as (settings, processes):
        publish(settings, texts[: arm.records])
        said = processes.wait_done(arm.records)
    seconds = max(each["last"] for each in said) - min(each["first"] for each in said)
    return Turn(arm.records / seconds, sum(each["cpu"] for each in said) / arm.records)


def publish(settings: Settings, texts: Sequence[str]) -> None:
    """Write texts as events, as fast as they go."""
    producer = KafkaProducer(bootstrap_servers=settings.kafka.bootstrap, linger_ms=20)
    for number, text in enumerate(texts):
        send(producer, settings, event=event_of(number, text))
    producer.flush()
    producer.close()


def event_of(number: int, text: str) -> Event:
    """Return a post with a text."""
    now = datetime.now(UTC)
    return Event(
        id=f"e{number}", source="bench", observed_at=now, received_at=now, text=text,
        thread=f"t{number}", author=Author(key=f"a{number % 997}"),
    )  # fmt: skip


def send(producer: KafkaProducer, settings: Settings, *, event: Event) -> None:
    """Send one event as sources do."""
    headers: Any = make_headers(Event, event.id, source=event.source)
    topic = settings.topics.names.of(EVENTS_TEXT)
    key = f"default/{event.thread_key}".encode()
    producer.send(topic, encode_value(event), key=key, headers=list(headers))
