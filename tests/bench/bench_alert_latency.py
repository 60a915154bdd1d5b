"""From the mention that tips a window to the alert on its topic, live: what comes on top of pane and lateness.

    python -m tests.bench.bench_alert_latency --seconds 300

A hundred events a second go through Kafka and through one score and one alert worker, as `hubbub up` starts them.
Twenty watches with a limit of 30 mentions in a pane of 10 s are tipped in turn, five at a time, by two thirds of the
events of one pane. Measured is the time at which the committed transition `fired` reaches a reader, less the end of its
window and the allowed lateness.
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from contracts.alerts import AlertTransition
from contracts.codec import Codec, encode_value, make_headers
from contracts.events import Author, Event
from contracts.settings import Settings, load
from contracts.topics import ALERT_TRANSITIONS, EVENTS_TEXT
from contracts.watches import Rule, Watch
from producers.publisher import Publisher

RATE, PANE_S, WATCHES, LIMIT = 100, 10, 20, 30
# Each watch is tipped in one pane of four, so that it has ended before it is tipped again.
TURN = 4
WARM_S = 30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--model", default="bundled")
    given = parser.parse_args()
    from deploy.kafka.node import KafkaNode

    with tempfile.TemporaryDirectory() as name, KafkaNode(Path(name) / "kafka", port=0) as node:
        settings = load(flags={"kafka": {"bootstrap": node.bootstrap}})
        environment = os.environ | {
            "HUBBUB_KAFKA_BOOTSTRAP": node.bootstrap,
            "HUBBUB_METRICS_PORT": "0",
        }
        run = [sys.executable, "-m", "hubbub"]
        subprocess.run([*run, "topics", "create"], env=environment, check=True, capture_output=True)
        _store_watches(settings)
        with (Path(name) / "up.log").open("wb") as log:
            up = subprocess.Popen(
                [*run, "up", "--model", given.model], env=environment, stderr=log, stdout=log
            )
            try:
                late = list(_measure(settings, given.seconds))
            finally:
                up.send_signal(signal.SIGTERM)
                up.wait(30)
    print(_told(late, given.seconds))


def _store_watches(settings: Settings) -> None:
    from consumers.operations.watch_store import WatchStore

    rule = Rule(
        "threshold",
        {
            "measure": "volume",
            "above": LIMIT,
            "window": PANE_S,
            "resolve": 0,
            "reopen": 0,
            "min_voices": 1,
        },
    )
    store = WatchStore(settings)
    store.start()
    for number in range(WATCHES):
        store.put(Watch(id=f"w{number}", query=f"brand{number}", rules=(rule,)))
    store.close()


def _measure(settings: Settings, seconds: int) -> Iterator[float]:
    """Publish at an even rate and yield how late each firing came, in seconds."""
    publisher = Publisher(settings.kafka, settings.runtime, client_id="bench")
    publisher.start()
    reader = _reader(settings)
    codec = Codec(AlertTransition, limit_bytes=1 << 20)
    began, number = time.time(), 0
    while (now := time.time()) < began + WARM_S + seconds:
        while number < (now - began) * RATE:
            _send(publisher, settings, number=number, at=began + number / RATE)
            number += 1
        publisher.flush()
        for records in reader.poll(20).values():
            seen = time.time()
            for record in records:
                step = codec.decode(record.value, record.headers)
                if step.change == "fired" and step.at.timestamp() > began + WARM_S:
                    yield seen - step.at.timestamp() - settings.runtime.lateness_s
    publisher.close()
    reader.close(autocommit=False)


def _send(publisher: Publisher, settings: Settings, *, number: int, at: float) -> None:
    pane, within = int(at) // PANE_S, number % RATE
    tipped = [w for w in range(WATCHES) if (pane + w) % TURN == 0]
    # The burst's share of a pane's events, spread evenly: the window is tipped in the middle of its pane.
    word = f"brand{tipped[within % len(tipped)]}" if within % 3 else "weather"
    event = Event(
        id=f"e{number}", source="bench", observed_at=datetime.fromtimestamp(at, UTC),
        received_at=datetime.fromtimestamp(at, UTC),
        text=f"What {word} did to us today is number {number} of all",
        author=Author(key=f"a{number % 997}", followers=number % 300), thread=f"t{number % 500}",
    )  # fmt: skip
    publisher.send(
        settings.topics.names.of(EVENTS_TEXT),
        encode_value(event),
        key=event.key.encode(),
        headers=make_headers(Event, event.id, source="bench"),
    )


def _reader(settings: Settings) -> Any:
    from kafka import KafkaConsumer, TopicPartition

    topic = settings.topics.names.of(ALERT_TRANSITIONS)
    consumer = KafkaConsumer(
        **settings.kafka.client_config(), group_id=None, isolation_level="read_committed",
        auto_offset_reset="earliest", enable_auto_commit=False, metrics_enabled=False,
    )  # fmt: skip
    consumer.assign([TopicPartition(topic, n) for n in consumer.partitions_for_topic(topic) or ()])
    return consumer


def _told(late: Sequence[float], seconds: int) -> str:
    ordered = sorted(late)
    if not ordered:
        return "nothing fired: is the machine so busy that events are scored late?"
    parts = [
        f"p{share:g} {ordered[min(len(ordered) - 1, int(share / 100 * len(ordered)))]:.2f}"
        for share in (50, 90, 99)
    ]
    mean = statistics.fmean(ordered)
    return f"{len(ordered)} firings in {seconds} s: {', '.join(parts)}, mean {mean:.2f} s beyond pane and lateness"


if __name__ == "__main__":
    main()
