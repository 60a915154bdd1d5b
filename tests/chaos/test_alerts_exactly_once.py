"""The alert worker is killed at every named step; its alerts are those of a worker that nobody touched.

The worker is the real command `hubbub alert`. Both runs read the same mentions, ticks and feedback. KILLS in the
environment is how often it is killed at each step: 2, or 20 where the figure is to be shown.
"""

import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from kafka.consumer.fetcher import ConsumerRecord

from consumers.operations.watch_store import WatchStore
from consumers.runtime.faults import STEPS
from consumers.runtime.ledger import KEY, Ledger, read_ledger
from contracts.alerts import Feedback
from contracts.codec import encode_value, make_headers
from contracts.mentions import Mention, Tick
from contracts.settings import Settings
from contracts.topics import ALERT_TRANSITIONS, ALERTS, DEAD_LETTER, FEEDBACK, MENTIONS, Topic
from contracts.watches import Rule, Watch
from producers.publisher import Publisher
from tests.consumers.alerting.desk import BEGIN_MS, SOURCES, feedback, mention, moment, tick
from tests.streams import (
    changelog_state,
    quiet_clients,
    read_committed,
    start_worker,
    stream_settings,
)

Wire = Mention | Tick | Feedback
KILLED = -9
KILLS = int(os.environ.get("KILLS", "2"))
PARTITIONS = 3
WATCHES = [f"w{number}" for number in range(6)]
SILENCED = WATCHES[::2]
# A killed worker takes one or two transactions of so many records with it, or has just committed them.
RECORDS = 20
# The kills come from outside: no record is to be blamed for them.
NEVER = 1_000_000
RULES = (
    Rule("threshold", {"measure": "volume", "above": 12, "min_mentions": 5, "resolve": "2m", "update": "1m"}),
    Rule(
        "threshold", {"measure": "negative_share", "above": 0.6, "by": "topic", "hold": "20s"}, id="mood"
    ),
    Rule("volume_spike", {"resolve": "2m"}),
    Rule("silence", {"source": "weiyu", "for": "3m", "resolve": "1m"}),
)  # fmt: skip
Everything = tuple[
    dict[bytes, bytes | None], dict[bytes, list[bytes]], dict[str, Ledger], set[tuple[str, str]]
]

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """Collect what kafka-python leaves behind while its warnings are expected."""
    with quiet_clients():
        yield


def partition_of(watch: str) -> int:
    return WATCHES.index(watch) % PARTITIONS


def crowd(minutes: int, dice: random.Random) -> Iterator[tuple[int, Mention | Tick]]:
    """Yield (partition, record): some 70 mentions a minute with bursts and pauses, shuffled, and ticks after them."""
    for place in range(PARTITIONS):
        for source in range(PARTITIONS):
            yield place, Tick("media", source, BEGIN_MS, idle=True)
    number = 0
    for minute in range(minutes):
        said = []
        for watch in WATCHES:
            many = dice.choice([0, 4, 8, 8, 12, 12, 40])
            for _ in range(many):
                number += 1
                at = 60 * minute + dice.uniform(0, 60)
                said.append(
                    mention(
                        number, at, watch=watch, source=dice.choice(SOURCES[: 2 + minute // 8 % 2]),
                        topic=dice.choice(["health", "sport"]), reach=dice.randrange(100_000),
                        sentiment=dice.choice(["negative", "neutral", "negative"]),
                    )
                )  # fmt: skip
        dice.shuffle(said)
        yield from ((partition_of(one.watch), one) for one in said)
        for place in range(PARTITIONS):
            for source in range(PARTITIONS):
                yield place, tick(60 * minute + 60, partition=source)


def publish(settings: Settings, topic: Topic, records: Sequence[tuple[int, Wire]]) -> None:
    """Publish records of a topic, each to its partition."""
    publisher = Publisher(settings.kafka, settings.runtime, client_id="test-crowd")
    publisher.start()
    for partition, record in records:
        publisher.send(
            settings.topics.names.of(topic), encode_value(record),
            key=None if isinstance(record, Tick) else record.key.encode(),
            headers=make_headers(type(record), "one", source="test"), partition=partition,
        )  # fmt: skip
    publisher.close()


def a_deployment(bootstrap: str, log: Path) -> Settings:
    """Return a deployment of its own with watches, and with feedback that has been heard before any mention comes."""
    settings = stream_settings(
        bootstrap, "alert", partitions=PARTITIONS, metrics={"port": 0},
        runtime={"transaction_records": RECORDS, "session_timeout_ms": 1500, "crash_limit": NEVER},
    )  # fmt: skip
    store = WatchStore(settings)
    store.start()
    for watch in WATCHES:
        store.put(Watch(id=watch, query=watch, rules=RULES))
    store.close()
    asked = [
        (partition_of(watch), feedback("silence", watch=watch, rule="mood", until=moment(1200)))
        for watch in SILENCED
    ]
    publish(settings, FEEDBACK, asked)
    finish(settings, log)
    return settings


def finish(settings: Settings, log: Path) -> None:
    """Let a worker do what is left."""
    process = start_worker(settings, "alert", "--until-idle", "2", command="hubbub", log=log)
    try:
        code = process.wait(300)
    finally:
        process.kill()
        process.wait()
    assert code == 0, log.read_text(encoding="utf-8")


def killed_at(settings: Settings, plan: str, log: Path) -> None:
    """Start a worker that is killed at a step."""
    process = start_worker(settings, "alert", command="hubbub", faults=plan, log=log)
    try:
        code = process.wait(90)
    finally:
        process.kill()
        process.wait()
    assert code == KILLED, f"{plan}: {code}: {log.read_text(encoding='utf-8')}"


def outcome_of(settings: Settings) -> Everything:
    """Return all that came of it.

    The alerts as they stand, the transitions in order by watch, the ledgers by input, and the keys of the state.
    """
    latest: dict[bytes, bytes | None] = {
        record.key: record.value for record in read_committed(settings, ALERTS)
    }
    told: dict[bytes, list[bytes]] = {}
    for record in read_committed(settings, ALERT_TRANSITIONS):
        told.setdefault(record.key, []).append(record.value)
    state = {
        (place.removeprefix(settings.topics.prefix), key): value
        for (place, key), value in changelog_state(settings, "alert").items()
    }
    ledgers = {place: read_ledger(value) for (place, key), value in state.items() if key == KEY}
    return latest, told, ledgers, set(state)


def on_its_partition(records: Sequence[ConsumerRecord]) -> bool:
    return all(
        record.partition == partition_of(record.key.decode().split("/")[1]) for record in records
    )


@pytest.mark.timeout(2400)
def test_a_worker_that_is_killed_at_every_step_tells_what_an_undisturbed_one_tells(
    bootstrap: str, tmp_path: Path
) -> None:
    # Given the same mentions for two deployments
    begun = time.monotonic()
    plans = [f"{step}@{1 + turn % 2}" for turn in range(KILLS) for step in STEPS]
    minutes = 20 + len(plans) * 3 * RECORDS // 70
    records = list(crowd(minutes, random.Random(5)))
    log = tmp_path / "workers.log"
    calm, shaken = a_deployment(bootstrap, log), a_deployment(bootstrap, log)
    for settings in (calm, shaken):
        publish(settings, MENTIONS, records)
    # When one is left in peace and the worker of the other is killed again and again
    finish(calm, log)
    for plan in plans:
        killed_at(shaken, plan, log)
    finish(shaken, log)
    # Then alerts, transitions and balance are equal, and the same is kept.
    alerts, told, ledgers, keys = outcome_of(shaken)
    assert (alerts, told, ledgers, keys) == outcome_of(calm)
    assert all(ledger.balance == 0 for ledger in ledgers.values())
    assert sum(ledger.taken for ledger in ledgers.values()) == len(records) + len(SILENCED)
    # And there was something to lose.
    count = sum(map(len, told.values()))
    assert len(alerts) > 20
    assert count > 60
    assert on_its_partition(read_committed(shaken, ALERTS))
    assert read_committed(shaken, DEAD_LETTER) == []
    sys.stderr.write(
        f"\n{len(plans)} kills, {KILLS} at each of {len(STEPS)} steps; {len(records)} records, {len(alerts)} alerts, "
        f"{count} transitions: equal to the undisturbed run; {time.monotonic() - begun:.0f} s\n"
    )
