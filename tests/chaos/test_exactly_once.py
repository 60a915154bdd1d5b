"""Twenty-five workers and five brokers are killed; every event still counts once, in order, to the last one.

The workers are the real command `hubbub score` with the identity model, and a stage that counts mentions by watch and
pane. Most are killed inside an open transaction, at a named step, after what they sent has reached the broker. A
second run, whose outputs are outside the transaction, shows that the same kills are seen by the same eyes.
"""

import json
import signal
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from kafka.consumer.fetcher import ConsumerRecord

from consumers.operations.watch_store import WatchStore
from consumers.runtime.ledger import KEY, read_ledger
from consumers.runtime.windows import Panes
from contracts.codec import epoch_ms
from contracts.events import Event
from contracts.settings import Settings
from contracts.topics import DEAD_LETTER, EVENTS_TEXT, MENTIONS, SCORED
from contracts.watches import Watch
from deploy.kafka.node import KafkaNode
from tests.conftest import StartKafka
from tests.streams import (
    Verdict,
    changelog_state,
    event_of,
    judge,
    keyed_ids,
    publish_events,
    quiet_clients,
    read_committed,
    start_worker,
    stream_settings,
)

EVENTS = 20_000
THREADS = 200
KILLED = -9
# What a supervisor starts again: the watchdog's end, and a broker that was not there at the start.
WATCHED_OFF = 70
UNAVAILABLE = 75
FLAWLESS = Verdict(lost=0, doubled=0, disordered=0)
QUERIES = {"bread": "bread", "rolls": "bread AND rolls", "seeded": "bread AND seeded"}
# The broker is killed when so many workers have been.
BROKER_AT = (4, 9, 14, 18, 22)
INSIDE = ("sent", "changelog", "offsets")
STUCK_S = 10.0
# The step and how often it is reached before the kill, for each start of a worker.
SCORE_PLANS = (
    "sent@3", "changelog@2", "offsets@3", "sent@1", "committed@2", "changelog@3", "offsets@1", "sent@2",
    "polled@3", "changelog@1", "offsets@2", "sent@4", "applied@2",
)  # fmt: skip
COUNT_PLANS = (
    "changelog@2", "offsets@3", "changelog@1", "offsets@1", "changelog@3", "processed@2", "offsets@2", "changelog@4",
    "offsets@4", "changelog@2", "offsets@1", "changelog@1",
)  # fmt: skip


# A client that tries a broker that is down leaves sockets to the garbage collector, with a warning.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """Collect what kafka-python leaves behind while its warnings are expected."""
    with quiet_clients():
        yield


class MentionedEvent(msgspec.Struct):
    """Read of a mention only what names its event."""

    event_id: str


class Post(NamedTuple):
    """Say how a worker is started, and what is to befall it each time."""

    words: Sequence[str]
    plans: deque[str]
    command: str


class Crew:
    """Keep worker processes going, each start with the next fault of its plan, and note how each ended."""

    def __init__(self, settings: Settings, log: Path, posts: Mapping[str, Post]) -> None:
        self._settings = settings
        self._log = log
        self._posts = posts
        self._alive: dict[str, tuple[subprocess.Popen[str], str]] = {}
        self.kills: Counter[str] = Counter()
        self.ends: Counter[int] = Counter()

    @property
    def armed(self) -> int:
        """Return how many kills are still to come."""
        waiting = {id(post.plans): len(post.plans) for post in self._posts.values()}
        return sum(waiting.values()) + sum(bool(faults) for _, faults in self._alive.values())

    def look(self) -> None:
        """Note who has ended and start whoever is missing."""
        for name, post in self._posts.items():
            if name in self._alive and not self._has_ended(name):
                continue
            faults = post.plans.popleft() if post.plans else ""
            process = start_worker(
                self._settings, *post.words, command=post.command, faults=faults, log=self._log
            )
            self._alive[name] = (process, faults)

    def kill_all(self) -> None:
        """End every worker."""
        for process, _ in self._alive.values():
            process.kill()
            process.wait()

    def dismiss(self) -> list[int]:
        """Ask every worker to stop and return their exit codes."""
        for process, _ in self._alive.values():
            process.terminate()
        return [process.wait(30) for process, _ in self._alive.values()]

    def _has_ended(self, name: str) -> bool:
        process, faults = self._alive[name]
        code = process.poll()
        if code is None:
            return False
        assert code in (KILLED, WATCHED_OFF, UNAVAILABLE), (
            f"{name} ended with {code}: {self._log.read_text()}"
        )
        self.ends[code] += 1
        if code == KILLED:
            self.kills[faults.partition("@")[0]] += 1
        elif faults:
            self._posts[name].plans.append(faults)
        return True


@contextmanager
def a_crew(settings: Settings, log: Path, posts: Mapping[str, Post]) -> Iterator[Crew]:
    crew = Crew(settings, log, posts)
    try:
        yield crew
    finally:
        crew.kill_all()


def score_post(slot: int, *more: str, plans: Iterable[str] = ()) -> Post:
    words = ("score", "--model", "identity", "--slot", str(slot), *more)
    return Post(words, as_deque(plans), "hubbub")


def count_post(slot: int, *more: str, plans: Iterable[str] = ()) -> Post:
    words = ("count", "--group", "count", "--slot", str(slot), *more)
    return Post(words, as_deque(plans), "tests.stages.worker")


def as_deque(plans: Iterable[str]) -> deque[str]:
    """Return the very plans that several posts share, or plans of their own."""
    return plans if isinstance(plans, deque) else deque(plans)


def text_of(number: int) -> str:
    return "bread and rolls" if number % 2 else "bread and rolls, seeded"


def all_events(total: int = EVENTS) -> list[Event]:
    return [
        event_of(f"t{n % THREADS}", n // THREADS, text=text_of(n // THREADS)) for n in range(total)
    ]


def watches_of(event: Event) -> list[str]:
    return ["bread", "rolls", "seeded"] if "seeded" in event.text else ["bread", "rolls"]


def put_watches(settings: Settings) -> None:
    store = WatchStore(settings)
    store.start()
    for name, query in QUERIES.items():
        store.put(Watch(id=name, query=query))
    store.close()


def mentioned(records: list[ConsumerRecord]) -> Iterator[tuple[str, str]]:
    """Yield (watch key, event id) of mentions; ticks have no key."""
    decoder = msgspec.json.Decoder(MentionedEvent)
    for record in records:
        if record.key is not None:
            yield record.key.decode(), decoder.decode(record.value).event_id


def drained(settings: Settings, log: Path, *posts: Post) -> None:
    """Let fresh workers finish what is left."""
    processes = [
        start_worker(settings, *post.words, command=post.command, log=log) for post in posts
    ]
    try:
        codes = [process.wait(90) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert codes == [0] * len(codes), log.read_text(encoding="utf-8")


def run_and_kill(node: KafkaNode, crew: Crew, settings: Settings, events: list[Event]) -> int:
    """Feed the stream while workers and brokers are killed; return how many brokers were."""
    share = len(events) // (crew.armed + 1)
    fed = brokers = 0
    until = time.monotonic() + 480
    last_fed = time.monotonic()
    while crew.armed:
        assert time.monotonic() < until, f"{crew.armed} kills have not come: {crew.kills}"
        killed = crew.kills.total()
        if brokers < len(BROKER_AT) and killed >= BROKER_AT[brokers]:
            brokers += 1
            node.kill()
            node.start()
        crew.look()
        # Where the one who is to die got too little of what there was, for another took it, a little more is fed.
        is_stuck = time.monotonic() - last_fed > STUCK_S
        if fed < (killed + 1) * share or is_stuck:
            more = share if not is_stuck else share // 16
            publish_events(settings, events[fed : fed + more])
            fed, last_fed = fed + more, time.monotonic()
        time.sleep(0.05)
    publish_events(settings, events[fed:])
    return brokers


@pytest.mark.chaos
@pytest.mark.slow
@pytest.mark.timeout(800)
def test_twenty_five_kills_and_five_broker_kills_lose_and_double_nothing(
    start_kafka: StartKafka, tmp_path: Path
) -> None:
    # Given watches of which every event matches two or three, two score workers and two that count.
    begun = time.monotonic()
    node = start_kafka()
    settings = stream_settings(
        node.bootstrap, "score", "count", partitions=4,
        kafka={"request_timeout_ms": 5000}, runtime={"deadline_s": 20.0}, metrics={"port": 0},
    )  # fmt: skip
    put_watches(settings)
    events = all_events()
    log = tmp_path / "workers.log"
    scores, counts = deque(SCORE_PLANS), deque(COUNT_PLANS)
    posts = {f"score.{slot}": score_post(slot, plans=scores) for slot in (0, 1)}
    posts |= {f"count.{slot}": count_post(slot, plans=counts) for slot in (0, 1)}
    with a_crew(settings, log, posts) as crew:
        # When they are killed again and again while the stream goes on.
        brokers = run_and_kill(node, crew, settings, events)
        # One that was still loading has no hand for the signal yet.
        assert set(crew.dismiss()) <= {0, -signal.SIGTERM}
    drained(settings, log, *[score_post(slot, "--until-idle", "2") for slot in (0, 1)])
    drained(settings, log, count_post(0, "--until-idle", "2"))
    # Then nothing is lost, doubled or out of order, for a reader of committed records,
    scored = judge(
        keyed_ids(read_committed(settings, SCORED)), {(event.key, event.id): 1 for event in events}
    )
    mentions = judge(
        mentioned(read_committed(settings, MENTIONS)),
        {(f"default/{watch}", event.id): 1 for event in events for watch in watches_of(event)},
    )
    inside = sum(crew.kills[step] for step in INSIDE)
    sys.stderr.write(
        f"\n{len(events)} events, {crew.kills.total()} workers killed, {inside} of them inside a transaction "
        f"({dict(sorted(crew.kills.items()))}), {crew.ends[WATCHED_OFF]} ended by their watchdog, {brokers} brokers "
        f"killed; scored: {scored}; mentions: {mentions}; {time.monotonic() - begun:.0f} s\n"
    )
    assert (scored, mentions) == (FLAWLESS, FLAWLESS)
    assert crew.kills.total() >= 25
    assert inside >= 20
    assert brokers == 5
    assert read_committed(settings, DEAD_LETTER) == []
    # the counts in the state are what a plain count gives,
    assert counted(settings) == plainly_counted(settings, events)
    # and the books balance: every event came in once and ended as a result.
    assert totals(settings, "score") == (EVENTS, EVENTS)


def counted(settings: Settings) -> dict[str, int]:
    """Return the counts by `watch/pane` that the counting stage's state holds."""
    state = changelog_state(settings, "count")
    return {key: json.loads(value) for (_, key), value in state.items() if key != KEY}


def plainly_counted(settings: Settings, events: list[Event]) -> Counter[str]:
    panes = Panes(settings.runtime.pane_s * 1000, int(settings.runtime.lateness_s * 1000))
    return Counter(
        f"{watch}/{panes.place(epoch_ms(event.observed_at), watermark_ms=0)[0]}"
        for event in events
        for watch in watches_of(event)
    )


def totals(settings: Settings, group: str) -> tuple[int, int]:
    """Return how many events the ledgers of a group took in, and how many ended as a result."""
    name = settings.topics.names.of(EVENTS_TEXT)
    ledgers = [
        read_ledger(value)
        for (place, key), value in changelog_state(settings, group).items()
        if key == KEY and place.startswith(f"{name}/")
    ]
    assert all(ledger.balance == 0 for ledger in ledgers)
    return sum(ledger.taken for ledger in ledgers), sum(ledger.result for ledger in ledgers)


@pytest.mark.chaos
@pytest.mark.slow
def test_without_transactions_the_same_kills_do_show(bootstrap: str, tmp_path: Path) -> None:
    # Given a worker whose outputs are written outside its transaction.
    settings = stream_settings(bootstrap, "fork", partitions=2)
    events = all_events(4000)
    publish_events(settings, events)
    log = tmp_path / "workers.log"
    words = ("fork", "--group", "fork", "--plain")
    last = Post((*words, "--until-idle", "1"), deque(), "tests.stages.worker")
    # When it is killed between its outputs and its offsets, and comes back.
    for faults in ("sent@2", "changelog@3", "offsets@1"):
        process = start_worker(settings, *words, faults=faults, log=log)
        assert process.wait(60) == KILLED
    drained(settings, log, last)
    # Then the very same look at the records finds that some came twice.
    verdict = judge(
        keyed_ids(read_committed(settings, SCORED)), {(event.key, event.id): 1 for event in events}
    )
    sys.stderr.write(f"\nwithout transactions: {verdict} after 3 kills\n")
    assert verdict.lost == 0
    assert verdict.doubled > 0
