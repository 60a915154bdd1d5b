"""One arm of a measurement, in a process of its own: reads events, scores them, writes answers, tells how far it is.

In: `python -m deploy.bench.arms ARM ...`. Out: JSON lines on stdout: `ready` with the partitions that it holds, then
after each commit how many records were ended, from when to when, and the CPU time since the first.

    service, identity    the worker of `hubbub score`, as it is
    pipeline, smart      a loop by hand: poll, score a message, send the answer, commit: at least once, no transaction
"""

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from consumers.cli.score import build_stage
from consumers.cli.working import calm_collector
from consumers.runtime.faults import Faults, Step
from consumers.runtime.loop import Worker
from consumers.runtime.topics import create_topics
from contracts.settings import Settings, load
from contracts.topics import EVENTS_TEXT, SCORED, changelog_of


class Telling:
    """Tell the parent how far this arm is."""

    def __init__(self) -> None:
        self._first = 0.0
        self._cpu = 0.0
        self._done = 0
        self._held = -1

    def ready(self, held: int) -> None:
        """Say how many partitions are held, where that has changed."""
        if held != self._held:
            self._held = held
            _say(ready=held)

    def begins(self) -> None:
        """Note the first record."""
        if not self._first:
            self._first, self._cpu = time.time(), time.process_time()

    def committed(self, records: int) -> None:
        """Say how far it is: so many more."""
        self._done += records
        spent = time.process_time() - self._cpu
        _say(done=self._done, first=self._first, last=time.time(), cpu=spent)


class _Steps(Faults):
    """Tell of the steps that a worker reaches."""

    def __init__(self, records: Callable[[], int], telling: Telling) -> None:
        super().__init__()
        self._records = records
        self._telling = telling
        self._told = 0

    def reach(self, step: Step, *, settle: Callable[[], None] | None = None) -> None:
        """Take in one step."""
        if step == "polled":
            self._telling.begins()
        elif step == "applied":
            records = self._records()
            self._telling.committed(records - self._told)
            self._told = records


def run_service(settings: Settings, slot: int, *, telling: Telling) -> None:
    """Run the real worker; what it commits is told."""
    group = settings.score.group
    create_topics(settings, [changelog_of(group)])
    calm_collector()
    stage = build_stage(settings, settings.topics.partitions)
    tick = stage.tick

    def told_tick(progress: Any, outcome: Any, *, now_ms: int) -> None:
        telling.ready(len(progress))
        tick(progress, outcome, now_ms=now_ms)

    stage.tick = told_tick
    steps = _Steps(lambda: worker.spent.records, telling)
    worker = Worker(settings, stage, group=group, slot=slot, faults=steps)
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    worker.run()


def run_loop(settings: Settings, arm: str, *, telling: Telling) -> None:
    """Run the loop that an engineer would write."""
    from kafka import KafkaConsumer, KafkaProducer

    answer = _answers(arm)
    names, address = settings.topics.names, settings.kafka.bootstrap
    consumer = KafkaConsumer(
        names.of(EVENTS_TEXT), bootstrap_servers=address, group_id=settings.score.group, enable_auto_commit=False,
        auto_offset_reset="earliest", max_poll_records=100,
    )  # fmt: skip
    # A group that is joined before the partitions are known is joined once more, and that may never end.
    consumer.partitions_for_topic(names.of(EVENTS_TEXT))
    producer = KafkaProducer(bootstrap_servers=address, linger_ms=5)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while True:
        polled = consumer.poll(timeout_ms=100)
        telling.ready(len(consumer.assignment()))
        for records in polled.values():
            for record in records:
                telling.begins()
                event = json.loads(record.value)
                value = {"id": event["id"], "text": event["text"], "labels": answer(event["text"])}
                producer.send(names.of(SCORED), json.dumps(value).encode(), key=record.key)
        if polled:
            producer.flush()
            consumer.commit()
            telling.committed(sum(len(records) for records in polled.values()))


def _answers(arm: str) -> Any:
    from models.engines.peers import one_by_one, pipelines
    from models.registry import locate_model, open_model

    installed = open_model(locate_model("bundled"))
    heads = list(installed.manifest.labels)
    if arm == "smart":
        return one_by_one(installed, threads=2)
    return pipelines(installed, heads if arm == "pipelines" else heads[:1], threads=2)


def _say(**line: float) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def settings_of(bootstrap: str, prefix: str, **score: Any) -> Settings:
    """Return the settings of one turn: topics of its own, small ones, and a group of its own.

    In a group of all turns an arm may wait for half a minute for members of earlier ones.
    """
    return load(
        flags={
            "kafka": {"bootstrap": bootstrap},
            "topics": {"prefix": prefix, "partitions": 4},
            "score": {"lanes": ["text"], "group": f"{prefix}score", **score},
            "metrics": {"port": 0},
        }
    )


def main() -> None:
    """Run one arm until SIGTERM."""
    import structlog

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("arm", choices=("service", "identity", "pipeline", "pipelines", "smart"))
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--prefix", required=True)
    parser.add_argument("--slot", type=int, default=0)
    given = parser.parse_args()
    # Standard output is the parent's; a warning, such as of an engine that gave way, goes to the person.
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger("warning"),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    model = "identity" if given.arm == "identity" else "bundled"
    settings = settings_of(given.bootstrap, given.prefix, model=model)
    if given.arm in {"service", "identity"}:
        run_service(settings, given.slot, telling=Telling())
    else:
        run_loop(settings, given.arm, telling=Telling())


if __name__ == "__main__":
    main()
