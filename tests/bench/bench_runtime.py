"""Measure what the runtime costs: `hubbub score --model identity` against a bare transactional loop.

Run: python tests/bench/bench_runtime.py [--records 30000] [--rounds 5]

Both arms run as processes of their own against one broker in one run, interleaved A B B A, over the same records in
the same transaction sizes. The bare loop polls, sends every record on, and commits outputs and offsets; nothing else.
The service decodes, drops repeats, matches one watch, encodes a scored event and a mention, keeps ledger and state.
Timed from the first records polled to the last commit, start-up left out. Prints one JSON object.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
PARTITIONS = 3
TEXT = "The river is rising fast near the old bridge, roads are closed and people leave their homes now"


def settings_for(bootstrap: str, prefix: str, records: int) -> Any:
    from contracts.settings import load

    return load(
        flags={
            "kafka": {"bootstrap": bootstrap},
            "topics": {"prefix": prefix, "partitions": PARTITIONS},
            "runtime": {"transaction_records": records},
            "score": {"model": "identity"},
            "metrics": {"port": 0},
        }
    )


def prepare(settings: Any, count: int) -> int:
    """Make topics, one watch, and `count` events of about 300 bytes; returns the bytes of one."""
    from consumers.operations.watch_store import WatchStore
    from consumers.runtime.topics import create_topics, topics_of
    from contracts.codec import encode_value, make_headers
    from contracts.events import Author, Event
    from contracts.topics import EVENTS_TEXT
    from contracts.watches import Watch
    from producers.publisher import Publisher

    create_topics(settings, topics_of(settings))
    store = WatchStore(settings)
    store.start()
    store.put(Watch(id="river", query="river OR flood"))
    store.close()
    publisher = Publisher(settings.kafka, settings.runtime, client_id="bench-fill")
    publisher.start()
    topic = settings.topics.names.of(EVENTS_TEXT)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    size = 0
    for number in range(count):
        at = start + timedelta(milliseconds=100 * number)
        event = Event(
            id=f"e{number}", source="bench", observed_at=at, received_at=at, text=TEXT,
            thread=f"t{number % 200}", author=Author(key=f"a{number % 997}"),
        )  # fmt: skip
        value = encode_value(event)
        size = len(value)
        publisher.send(
            topic,
            value,
            key=f"default/{event.thread_key}".encode(),
            headers=make_headers(Event, event.id, source="bench", time="2026-01-01T00:00:00Z"),
        )
    publisher.flush()
    publisher.close()
    return size


def run_bare(settings: Any, group: str, count: int) -> float:
    """Poll, send on, commit; returns seconds."""
    from kafka import KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition

    from contracts.topics import EVENTS_TEXT, SCORED

    names = settings.topics.names
    batch = settings.runtime.transaction_records
    consumer = KafkaConsumer(
        names.of(EVENTS_TEXT),
        bootstrap_servers=settings.kafka.bootstrap,
        group_id=group,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_poll_records=batch,
        metrics_enabled=False,
    )
    producer = KafkaProducer(
        bootstrap_servers=settings.kafka.bootstrap,
        transactional_id=group,
        compression_type="lz4",
        linger_ms=50,
        batch_size=1 << 18,
        metrics_enabled=False,
    )
    producer.init_transactions()
    target, done, started = names.of(SCORED), 0, 0.0
    while done < count:
        gathered: dict[Any, list[Any]] = {}
        size = 0
        while size < batch:
            polled = consumer.poll(timeout_ms=200 if not gathered else 0, max_records=batch - size)
            if not polled:
                break
            for tp, records in polled.items():
                gathered.setdefault(tp, []).extend(records)
                size += len(records)
        if not gathered:
            continue
        started = started or time.perf_counter()
        producer.begin_transaction()
        for records in gathered.values():
            for record in records:
                producer.send(target, record.value, record.key, list(record.headers))
        offsets = {
            TopicPartition(tp.topic, tp.partition): OffsetAndMetadata(
                records[-1].offset + 1, "", -1
            )
            for tp, records in gathered.items()
        }
        producer.send_offsets_to_transaction(offsets, consumer.group_metadata())
        producer.commit_transaction()
        done += size
    seconds = time.perf_counter() - started
    consumer.close()
    producer.close()
    return seconds


def run_service(settings: Any, group: str, count: int) -> float:
    """Run the real worker with the real stage and the identity model; returns seconds."""
    import structlog

    from consumers.cli.score import build_stage
    from consumers.cli.working import calm_collector
    from consumers.runtime.faults import Faults, Step
    from consumers.runtime.loop import Worker
    from consumers.runtime.topics import create_topics
    from contracts.topics import changelog_of

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    create_topics(settings, [changelog_of(group)])
    calm_collector()
    stage = build_stage(settings, PARTITIONS)
    marks: dict[str, float] = {}

    class Timed(Faults):
        def reach(self, step: Step, *, settle: Callable[[], None] | None = None) -> None:
            if step == "polled":
                marks.setdefault("first", time.perf_counter())
            elif step == "applied":
                marks["last"] = time.perf_counter()
                if worker.spent.records >= count:
                    worker.stop()

    worker = Worker(settings, stage, group=group, faults=Timed())
    worker.run()
    return marks["last"] - marks["first"]


def child(arguments: argparse.Namespace) -> None:
    settings = settings_for(arguments.bootstrap, arguments.prefix, arguments.transaction)
    run = run_bare if arguments.arm == "bare" else run_service
    seconds = run(settings, arguments.group, arguments.records)
    print(json.dumps({"records": arguments.records, "seconds": seconds}))


def spawn(arm: str, turn: int, *, bootstrap: str, arguments: argparse.Namespace) -> float:
    """Run one arm once in a process of its own; returns records a second."""
    words = [
        sys.executable, __file__, "--arm", arm, "--bootstrap", bootstrap, "--prefix", "bench.",
        "--group", f"{arm}{turn}", "--records", str(arguments.records),
        "--transaction", str(arguments.transaction),
    ]  # fmt: skip
    done = subprocess.run(words, capture_output=True, check=False, text=True, env=os.environ.copy())
    if done.returncode:
        raise SystemExit(f"{arm} failed:\n{done.stderr[-3000:]}")
    answer = json.loads(done.stdout.splitlines()[-1])
    return float(answer["records"] / answer["seconds"])


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    from deploy.kafka.node import KafkaNode

    rates: dict[str, list[float]] = {"bare": [], "service": []}
    with (
        tempfile.TemporaryDirectory() as folder,
        KafkaNode(Path(folder) / "kafka", port=0) as node,
    ):
        size = prepare(
            settings_for(node.bootstrap, "bench.", arguments.transaction), arguments.records
        )
        for turn in range(arguments.rounds):
            order = ("bare", "service") if turn % 2 == 0 else ("service", "bare")
            for arm in order:
                rates[arm].append(spawn(arm, turn, bootstrap=node.bootstrap, arguments=arguments))
    ratios = [service / bare for service, bare in zip(rates["service"], rates["bare"], strict=True)]
    return {
        "ratios": {"service_over_bare": round(statistics.median(ratios), 3)},
        "ratio_range": [round(min(ratios), 3), round(max(ratios), 3)],
        "records_a_second": {
            arm: round(statistics.median(values)) for arm, values in rates.items()
        },
        "records": arguments.records,
        "record_bytes": size,
        "transaction_records": arguments.transaction,
        "rounds": arguments.rounds,
        "machine": {
            "python": platform.python_version(),
            "cores": os.cpu_count(),
            "system": platform.platform(),
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=30_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--transaction", type=int, default=1000)
    parser.add_argument("--arm", choices=("bare", "service"))
    parser.add_argument("--bootstrap")
    parser.add_argument("--prefix")
    parser.add_argument("--group")
    arguments = parser.parse_args()
    if arguments.arm:
        child(arguments)
    else:
        print(json.dumps(measure(arguments), indent=2))


if __name__ == "__main__":
    main()
