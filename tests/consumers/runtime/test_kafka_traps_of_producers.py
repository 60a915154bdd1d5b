"""Each trap of kafka-python's producer, on the bare library and as ours contains it."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kafka import ConsumerGroupMetadata, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.errors import (
    FencedInstanceIdError,
    InvalidProducerEpochError,
    InvalidTxnStateError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    ProducerFencedError,
)

from contracts.errors import HubbubError, Stalled, TransactionLost
from contracts.settings import Settings
from contracts.topics import DEAD_LETTER, EVENTS_TEXT, SCORED
from deploy.kafka.node import KafkaNode
from producers.publisher import Publisher
from producers.refusals import is_fenced, is_refused
from tests.conftest import start_or_skip
from tests.streams import (
    Verdict,
    event_of,
    eventually,
    judge,
    keyed_ids,
    publish_events,
    quiet_clients,
    read_committed,
    start_worker,
    stream_settings,
    worker_process,
)

HANGING_COMMIT = """
import os, signal, sys
from kafka import KafkaProducer
bootstrap, topic, broker = sys.argv[1:]
producer = KafkaProducer(
    bootstrap_servers=bootstrap, transactional_id="bare", request_timeout_ms=1000, max_block_ms=1000
)
producer.init_transactions()
producer.begin_transaction()
producer.send(topic, b"value")
producer.flush()
os.kill(int(broker), signal.SIGKILL)
print("commits", flush=True)
producer.commit_transaction()
"""


# A client that tries a broker that is down leaves sockets to the garbage collector, with a warning.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """Collect what kafka-python leaves behind while its warnings are expected."""
    with quiet_clients():
        yield


@pytest.fixture(scope="module")
def own_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaNode]:
    """Run a node that these tests may freeze."""
    node = start_or_skip(KafkaNode(tmp_path_factory.mktemp("frozen"), port=0))
    yield node
    node.stop()


@contextmanager
def frozen(node: KafkaNode) -> Iterator[None]:
    """Freeze a broker: it takes connections and answers nothing."""
    os.kill(node.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(node.pid, signal.SIGCONT)


def publisher_of(settings: Settings, transactional_id: str | None = None) -> Publisher:
    publisher = Publisher(
        settings.kafka, settings.runtime, client_id="test", transactional_id=transactional_id
    )
    publisher.start()
    return publisher


def topic_of(settings: Settings) -> str:
    return settings.topics.names.of(EVENTS_TEXT)


# ---- commit, abort and send_offsets never time out ----


def test_a_bare_commit_waits_for_ever_for_a_broker_that_is_gone(own_node: KafkaNode) -> None:
    settings = stream_settings(own_node.bootstrap)
    words = [own_node.bootstrap, topic_of(settings), str(own_node.pid)]
    process = subprocess.Popen(
        [sys.executable, "-c", HANGING_COMMIT, *words], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "commits\n"
        # Eight times each time-out that it was given.
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(8)
    finally:
        process.kill()
        process.communicate()
        own_node.kill()
        own_node.start()


def test_a_worker_whose_commit_hangs_ends_with_code_70(own_node: KafkaNode, tmp_path: Path) -> None:
    # Given a worker in the midst of a stream.
    settings = stream_settings(
        own_node.bootstrap, "fork",
        runtime={"deadline_s": 3.0}, kafka={"request_timeout_ms": 60_000},
    )  # fmt: skip
    publish_events(settings, [event_of(f"t{n % 9}", n // 9) for n in range(20_000)])
    log = tmp_path / "worker.log"
    process = start_worker(settings, "fork", "--group", "fork", log=log)
    try:
        assert eventually(lambda: len(read_committed(settings, SCORED)) > 0)
        # When its broker freezes.
        with frozen(own_node):
            code = process.wait(30)
    finally:
        process.kill()
        process.wait()
    # Then the watchdog ends it, and names the step.
    assert code == 70
    assert "step_stalled" in log.read_text(encoding="utf-8")


# ---- memory without a bound ----


def test_a_bare_producer_takes_whatever_it_is_given(own_node: KafkaNode) -> None:
    settings = stream_settings(own_node.bootstrap)
    producer = KafkaProducer(bootstrap_servers=own_node.bootstrap, max_block_ms=1000)
    producer.send(topic_of(settings), b"first").get(10)
    with frozen(own_node):
        begun = time.monotonic()
        for _ in range(256):
            producer.send(topic_of(settings), bytes(500_000))
        # 128 MB are held, four times the `buffer_memory` of other clients, and nobody was held back.
        assert time.monotonic() - begun < 10
        producer._sender.force_close()


def test_ours_stops_at_its_budget(own_node: KafkaNode) -> None:
    settings = stream_settings(
        own_node.bootstrap, runtime={"in_flight_bytes": 1_000_000, "deadline_s": 1.0}
    )
    publisher = publisher_of(settings)
    publisher.send(topic_of(settings), b"first")
    publisher.flush()
    with frozen(own_node):
        for _ in range(9):
            publisher.send(topic_of(settings), bytes(100_000))
        with pytest.raises(Stalled):
            publisher.send(topic_of(settings), bytes(100_000))
        publisher.abandon()


def test_headers_count_against_the_budget(own_node: KafkaNode) -> None:
    settings = stream_settings(
        own_node.bootstrap, runtime={"in_flight_bytes": 100_000, "deadline_s": 1.0}
    )
    publisher = publisher_of(settings)
    publisher.send(topic_of(settings), b"first")
    publisher.flush()
    with frozen(own_node):
        for _ in range(9):
            publisher.send(topic_of(settings), b"", headers=[("h", bytes(10_000))])
        with pytest.raises(Stalled):
            publisher.send(topic_of(settings), b"", headers=[("h", bytes(10_000))])
        publisher.abandon()


# ---- a producer that is let go ----


def test_a_bare_close_without_patience_fails_and_leaves_its_thread_behind(
    own_node: KafkaNode,
) -> None:
    settings = stream_settings(own_node.bootstrap)
    producer = KafkaProducer(bootstrap_servers=own_node.bootstrap)
    producer.send(topic_of(settings), b"first").get(10)
    with frozen(own_node):
        producer.send(topic_of(settings), b"second")
        with pytest.raises(KafkaTimeoutError):
            producer.close(timeout=0)
        assert producer._sender.is_alive()
        producer._sender.force_close()


def test_ours_lets_go_at_once_and_its_thread_ends(own_node: KafkaNode) -> None:
    settings = stream_settings(own_node.bootstrap)
    before = set(threading.enumerate())
    publisher = publisher_of(settings)
    publisher.send(topic_of(settings), b"first")
    publisher.flush()
    with frozen(own_node):
        publisher.send(topic_of(settings), b"second")
        begun = time.monotonic()
        publisher.abandon()
        assert time.monotonic() - begun < 5  # its own close waits for every delivery
        assert eventually(lambda: set(threading.enumerate()) <= before)


# ---- a commit whose answer was lost ----


def test_a_broker_that_freezes_around_commits_makes_nothing_lost_or_doubled(
    own_node: KafkaNode,
) -> None:
    # Given two workers in the midst of a stream, who give up waiting for an answer after a second.
    settings = stream_settings(
        own_node.bootstrap, "fork",
        kafka={"request_timeout_ms": 1000},
        runtime={"transaction_records": 50, "deadline_s": 20.0, "crash_limit": 1},
    )  # fmt: skip
    events = [event_of(f"t{n % 50}", n // 50) for n in range(6000)]
    publish_events(settings, events)
    words = ("fork", "--group", "fork", "--until-idle", "4")
    with (
        worker_process(settings, *words, "--slot", "0") as one,
        worker_process(settings, *words, "--slot", "1") as two,
    ):
        # When the broker freezes for longer than that, four times, at whatever they are doing.
        for _ in range(4):
            assert eventually(lambda: len(read_committed(settings, SCORED)) > 0)
            with frozen(own_node):
                time.sleep(1.7)
            time.sleep(1)
        assert [process.wait(90) for process in (one, two)] == [0, 0]
    # Then every event came out once, and none was taken for one that ends its worker.
    assert read_committed(settings, DEAD_LETTER) == []
    found = judge(
        keyed_ids(read_committed(settings, SCORED)), {(event.key, event.id): 1 for event in events}
    )
    assert found == Verdict(lost=0, doubled=0, disordered=0)


def test_a_publisher_that_was_lost_is_never_gone_on_with(own_node: KafkaNode) -> None:
    # Given a transaction whose commit got no answer in time.
    settings = stream_settings(own_node.bootstrap, kafka={"request_timeout_ms": 1000})
    lost = publisher_of(settings, "once")
    lost.begin()
    lost.send(topic_of(settings), b"lost or not", key=b"k")
    lost.flush()
    failures: list[HubbubError] = []

    def commit() -> None:
        try:
            lost.commit()
        except HubbubError as error:
            failures.append(error)

    with frozen(own_node):
        thread = threading.Thread(target=commit)
        thread.start()
        time.sleep(2)
        lost.abandon()
    # When the next owner of its id starts, the question is settled before it sends anything.
    heir = publisher_of(settings, "once")
    before = len(read_committed(settings, EVENTS_TEXT))
    heir.begin()
    heir.send(topic_of(settings), b"next", key=b"k")
    heir.commit()
    heir.close()
    thread.join(10)
    time.sleep(1)
    assert len(read_committed(settings, EVENTS_TEXT)) == before + 1


# ---- fencing, by many names ----


@pytest.mark.parametrize("step", ["send", "offsets", "commit", "begin"])
def test_the_owner_that_was_replaced_knows_it_at_every_step(bootstrap: str, step: str) -> None:
    # Given an owner of a transactional id with an open transaction, and a second owner.
    settings = stream_settings(bootstrap)
    topic, name = topic_of(settings), f"{settings.topics.prefix}twice"
    first = publisher_of(settings, name)
    first.begin()
    first.send(topic, b"first", key=b"k")
    first.flush()
    if step == "begin":
        first.commit()
    second = publisher_of(settings, name)

    # When the first goes on.
    def go_on() -> None:
        if step == "begin":
            first.begin()
        if step in ("begin", "send"):
            first.send(topic, b"more", key=b"k")
            first.flush()
        if step == "offsets":
            first.send_offsets(
                {TopicPartition(topic, 0): OffsetAndMetadata(1, "", -1)}, ConsumerGroupMetadata("g")
            )
        first.commit()

    with pytest.raises(TransactionLost) as caught:
        go_on()
    # Then it is told that another has taken over, and the other is not shut out in turn.
    assert caught.value.fenced
    first.abandon()
    second.begin()
    second.send(topic, b"second", key=b"k")
    second.commit()
    second.close()


@pytest.mark.parametrize(
    "kind",
    [ProducerFencedError, InvalidProducerEpochError, InvalidTxnStateError, FencedInstanceIdError],
)
def test_fencing_is_recognised_bare_wrapped_or_only_written_down(kind: type[KafkaError]) -> None:
    bare = kind()
    caused = KafkaError("commit failed")
    caused.__cause__ = bare
    written = KafkaError(
        f"Cannot execute transactional method because we are in an error state: {bare}"
    )
    assert all(is_fenced(error) for error in (bare, KafkaError("no", bare), KafkaError(bare)))
    assert is_fenced(caused)
    assert is_fenced(written)


@pytest.mark.parametrize("error", [KafkaTimeoutError(), KafkaError("no"), ValueError("no")])
def test_other_errors_are_no_fencing(error: Exception) -> None:
    assert not is_fenced(error)
    assert not is_refused(error)


# ---- failures in futures that nobody reads ----


def test_a_bare_send_and_flush_do_not_tell_of_a_record_that_was_refused(bootstrap: str) -> None:
    settings = stream_settings(bootstrap)
    producer = KafkaProducer(bootstrap_servers=bootstrap, max_request_size=64 << 20)
    future = producer.send(topic_of(settings), bytes(17 << 20))
    producer.flush()
    producer.close()
    assert future.failed()
    assert isinstance(future.exception, MessageSizeTooLargeError)


@pytest.mark.parametrize("end", ["flush", "close", "commit"])
def test_ours_does_at_every_end(bootstrap: str, end: str) -> None:
    settings = stream_settings(bootstrap)
    publisher = publisher_of(settings, settings.topics.prefix if end == "commit" else None)
    if end == "commit":
        publisher.begin()
    # Above what its topic takes, below what a letter may have.
    publisher.send(topic_of(settings), os.urandom((16 << 20) + 1000))
    with pytest.raises(TransactionLost) as caught:
        getattr(publisher, end)()
    assert is_refused(caught.value)
    publisher.abandon()


@pytest.mark.parametrize("transactional", [False, True])
def test_a_send_to_a_topic_that_is_missing_is_an_error_at_once(
    bootstrap: str, transactional: bool
) -> None:
    settings = stream_settings(bootstrap, kafka={"request_timeout_ms": 1500})
    publisher = publisher_of(settings, settings.topics.prefix if transactional else None)
    if transactional:
        publisher.begin()
    with pytest.raises(TransactionLost, match="send failed"):
        publisher.send("no-such-topic", b"value")
    publisher.abandon()


# ---- a wait between two transactions ----


def test_a_bare_producer_sleeps_a_tenth_of_a_second_between_transactions_and_ours_a_few_milliseconds(
    bootstrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given one transaction after the other, each begun while the broker still ends the one before
    settings = stream_settings(bootstrap, partitions=8)
    topic = settings.topics.names.of(SCORED)
    slept: list[float] = []
    sleep = time.sleep

    def sleeping(seconds: float) -> None:
        slept.append(seconds)
        sleep(seconds)

    monkeypatch.setattr("kafka.producer.sender.time.sleep", sleeping)

    def longest_wait(producer: KafkaProducer) -> float:
        slept.clear()
        for _ in range(20):
            producer.begin_transaction()
            for partition in range(8):
                producer.send(topic, b"value", partition=partition)
            producer.commit_transaction()
        return max(slept, default=0.0)

    # When the bare client and ours do so
    bare = KafkaProducer(bootstrap_servers=bootstrap, transactional_id=f"{topic}.bare")
    bare.init_transactions()
    bare_s = longest_wait(bare)
    bare.close()
    publisher = Publisher(
        settings.kafka, settings.runtime, client_id="ours", transactional_id=f"{topic}.ours"
    )
    publisher.start()
    ours_s = longest_wait(publisher._live)
    publisher.close()
    # Then the bare one means to sleep 100 ms before it asks again, ours 5
    assert bare_s == 0.1
    assert ours_s <= 0.005
