"""Each trap of kafka-python's consumer, on the bare library and as ours contains it."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from kafka import KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition

from consumers.protocols import Record
from consumers.runtime.faults import Faults
from consumers.runtime.intake import Intake, Rejoin
from consumers.runtime.loop import Worker
from contracts.dead_letters import DeadLetter
from contracts.errors import Stalled, TransactionLost
from contracts.settings import Settings
from contracts.topics import DEAD_LETTER, EVENTS_TEXT, SCORED
from deploy.kafka.node import KafkaNode
from producers.publisher import Publisher
from tests.conftest import StartKafka
from tests.stages.forking import ForkingStage
from tests.streams import (
    ROOT,
    event_of,
    eventually,
    keyed_ids,
    publish_events,
    quiet_clients,
    read_committed,
    stream_settings,
)

SPINS = """
import sys
from kafka import KafkaConsumer, TopicPartition
bootstrap, topic, how = sys.argv[1:]

def fail(raw):
    raise ValueError("not this one")

more = {"value_deserializer": fail} if how == "deserializer" else {}
consumer = KafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", **more)
consumer.assign([TopicPartition(topic, 0)])
failed = False
while not failed:
    try:
        consumer.poll(500)
    except Exception as error:
        failed = True
        print("raised", type(error).__name__, flush=True)
consumer.poll(500)
print("returned", flush=True)
"""


# A client that tries a broker that is down leaves sockets to the garbage collector, with a warning.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """Collect what kafka-python leaves behind while its warnings are expected."""
    with quiet_clients():
        yield


def topic_of(settings: Settings) -> str:
    return settings.topics.names.of(EVENTS_TEXT)


def assert_second_poll_never_returns(bootstrap: str, topic: str, *, how: str, error: str) -> None:
    """Run a bare consumer whose first failing poll raises `error`, and see the next one spin."""
    process = subprocess.Popen(
        [sys.executable, "-c", SPINS, bootstrap, topic, how], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == f"raised {error}\n"
        # The poll was to wait half a second.
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(5)
    finally:
        process.kill()
        process.communicate()


# ---- an exception in a deserializer, a wrong checksum ----


def test_a_bare_poll_never_returns_after_a_deserializer_that_raised(bootstrap: str) -> None:
    settings = stream_settings(bootstrap, partitions=1)
    publish_events(settings, [event_of("t", 0)])
    assert_second_poll_never_returns(
        bootstrap, topic_of(settings), how="deserializer", error="ValueError"
    )


def corrupted(node: KafkaNode, settings: Settings, marker: bytes) -> None:
    """Flip a byte on disk in the batch that holds `marker`, while the node is down."""
    node.stop()
    (segment,) = (node.folder.log_dir / f"{topic_of(settings)}-0").glob("*.log")
    content = bytearray(segment.read_bytes())
    at = content.index(marker)
    content[at] ^= 0xFF
    segment.write_bytes(content)
    node.start()


def send_batch(settings: Settings, numbers: range, *, text: str) -> None:
    """Write events as one batch that is not compressed, so that its bytes can be found on disk."""
    producer = KafkaProducer(bootstrap_servers=settings.kafka.bootstrap, linger_ms=500)
    for number in numbers:
        headers = [("ce_id", f"t-{number}".encode())]
        producer.send(topic_of(settings), text.encode(), key=b"default/t", headers=headers)
    producer.close()


def test_a_batch_that_is_corrupt_on_disk_becomes_one_dead_letter_and_its_neighbours_pass(
    start_kafka: StartKafka,
) -> None:
    # Given three batches, of which the second is corrupt on disk.
    node = start_kafka()
    settings = stream_settings(node.bootstrap, "fork", partitions=1)
    send_batch(settings, range(10), text="before")
    send_batch(settings, range(10, 23), text="MARKER")
    send_batch(settings, range(23, 30), text="after")
    corrupted(node, settings, b"MARKER")
    # Then a bare consumer spins,
    assert_second_poll_never_returns(
        node.bootstrap, topic_of(settings), how="corrupt", error="CorruptRecordError"
    )
    # and ours sets exactly that batch aside, after it was fetched three times.
    stage = ForkingStage(settings)
    worker = Worker(settings, stage, group="fork", faults=Faults(), until_idle_s=2)
    worker.run()
    (letter,) = read_committed(settings, DEAD_LETTER)
    said = DeadLetter.from_headers(letter.headers)
    assert (said.code, said.topic, said.partition) == ("corrupt_batch", topic_of(settings), 0)
    assert (said.offset, said.last_offset) == (10, 22)
    ids = [event_id for _, event_id in keyed_ids(read_committed(settings, SCORED))]
    assert ids == [f"t-{number}" for number in [*range(10), *range(23, 30)]]
    # A worker that comes later does not meet it again.
    again = ForkingStage(settings)
    Worker(settings, again, group="fork", faults=Faults(), until_idle_s=1).run()
    assert again.processed == []


# ---- a fetch that comes back with the first record alone ----


def test_a_poll_waits_for_the_fetch_behind_the_one_that_came_back_with_a_record(
    bootstrap: str,
) -> None:
    # Given a member that has had a batch of twenty, and was busy with it while one record came, and later more
    settings = stream_settings(bootstrap, partitions=1)
    publish_events(settings, [event_of("t", n) for n in range(20)])
    intake = joined(settings, 0)
    bare = KafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", group_id=None)
    bare.assign([TopicPartition(topic_of(settings), 0)])
    try:
        mine, theirs = polled(intake), 0
        while len(mine) < 20:
            mine += polled(intake)
        while theirs < 20:
            theirs += sum(map(len, bare.poll(200).values()))
        intake._last_count = 20
        for member in (intake.poll, bare.poll):
            assert not member(50)
        publish_events(settings, [event_of("t", 20)])
        time.sleep(0.3)
        publish_events(settings, [event_of("t", n) for n in range(21, 40)])
        time.sleep(0.1)
        # When both look again, then the bare client has that one record, and ours all of them
        assert [len(records) for records in bare.poll(500).values()] == [1]
        assert [len(records) for records in intake.poll(500).values()] == [20]
    finally:
        intake.close()
        bare.close()


# ---- membership that is gone when it is asked for ----


def joined(settings: Settings, slot: int) -> Intake:
    intake = Intake(
        settings, group=f"{settings.topics.prefix}g", topics=[topic_of(settings)],
        client_id=f"slot-{slot}", before_leaving=lambda: None,
    )  # fmt: skip
    intake.start()
    return intake


def polled(intake: Intake) -> list[Record]:
    """Poll until records come."""
    found: list[Record] = []

    def came() -> bool:
        if intake.is_settled:
            intake.resume(intake.held)
        found.extend(record for records in intake.poll(500).values() for record in records)
        return bool(found)

    assert eventually(came)
    return found


def test_a_bare_member_that_was_put_out_commits_what_another_has_taken_over(bootstrap: str) -> None:
    # Given a member that has polled and then was too slow, so that another has its records now.
    settings = stream_settings(bootstrap, partitions=1)
    publish_events(settings, [event_of("t", n) for n in range(10)])
    group, tp = f"{settings.topics.prefix}bare", TopicPartition(topic_of(settings), 0)
    config = {
        "bootstrap_servers": bootstrap, "group_id": group, "enable_auto_commit": False,
        "auto_offset_reset": "earliest", "session_timeout_ms": 3000, "heartbeat_interval_ms": 300,
    }  # fmt: skip
    slow = KafkaConsumer(**config, max_poll_interval_ms=2000)
    other = KafkaConsumer(**config)
    for consumer in (slow, other):
        consumer.subscribe([tp.topic])
        assert eventually(lambda consumer=consumer: bool(consumer.poll(500)))  # type: ignore[misc]
        time.sleep(2.5)
    # When it commits with the membership that it shows now, the broker takes it.
    assert slow.group_metadata().generation_id == -1
    producer = KafkaProducer(bootstrap_servers=bootstrap, transactional_id=group)
    producer.init_transactions()
    producer.begin_transaction()
    producer.send_offsets_to_transaction({tp: OffsetAndMetadata(7, "", -1)}, slow.group_metadata())
    producer.commit_transaction()
    assert eventually(lambda: other.committed(tp) == 7)
    for client in (producer, slow, other):
        client.close()


def test_ours_commits_with_the_membership_of_its_poll_and_is_refused(bootstrap: str) -> None:
    # Given the same, with our intake.
    settings = stream_settings(bootstrap, partitions=1, runtime={"deadline_s": 0.5, "stall_s": 0.5})
    publish_events(settings, [event_of("t", n) for n in range(10)])
    slow = joined(settings, 0)
    assert len(polled(slow)) == 10
    membership = slow.group_metadata()
    time.sleep(2.5)
    other = joined(settings, 1)
    assert len(polled(other)) == 10
    # Then what it polled under is what it commits with, and the broker refuses.
    assert slow.group_metadata() == membership
    publisher = Publisher(
        settings.kafka, settings.runtime, client_id="t", transactional_id=settings.topics.prefix
    )
    publisher.start()
    publisher.begin()
    with pytest.raises(TransactionLost, match="CommitFailedError"):
        publisher.send_offsets(
            {TopicPartition(topic_of(settings), 0): OffsetAndMetadata(7, "", -1)},
            slow.group_metadata(),
        )
    publisher.abandon()
    slow.close()
    other.close()


def test_a_partition_that_waits_for_its_state_stays_paused_while_a_batch_waits(
    bootstrap: str,
) -> None:
    # Given a member whose partitions have come and are not yet fetched.
    settings = stream_settings(bootstrap, partitions=3)
    publish_events(settings, [event_of(f"t{n}", 0) for n in range(30)])
    intake = joined(settings, 0)

    def is_settled() -> bool:
        assert intake.poll(200) == {}
        return intake.is_settled

    assert eventually(is_settled)
    # When one of them is in use, and its batch waits for a next try.
    in_use, *waiting = sorted(intake.held)
    intake.resume([in_use])
    assert eventually(lambda: in_use in intake.poll(200))
    intake.keep_alive()
    # Then the others still wait.
    assert {tuple(tp) for tp in intake._consumer.paused()} == {tuple(item) for item in waiting}
    intake.close()


# ---- a poll that turns in circles ----


def test_a_poll_turns_in_circles_while_a_heartbeat_is_overdue_and_ours_is_calm(
    bootstrap: str,
) -> None:
    # Given a member whose heartbeats do not come through.
    settings = stream_settings(bootstrap, partitions=3, runtime={"session_timeout_ms": 4000})
    intake = joined(settings, 0)
    assert eventually(lambda: intake.poll(200) == {} and intake.is_settled)
    intake.resume(intake.held)

    turns = 0
    turn = intake._consumer._poll_once

    def counted(*args: object, **named: object) -> object:
        nonlocal turns
        turns += 1
        return turn(*args, **named)

    intake._consumer._poll_once = counted

    def turned(poll: Callable[[], object]) -> int:
        """Return how often the client turns in two seconds of polling: how busy a machine is changes it little."""
        before, begun = turns, time.monotonic()
        while time.monotonic() - begun < 2:
            poll()
        return turns - before

    quiet = turned(lambda: intake.poll(200))
    intake._consumer._coordinator._disable_heartbeat()
    # Then the bare client turns as often as it can; ours turns little, and after a while it begins anew.
    bare = turned(lambda: intake._consumer.poll(200))
    ours = turned(lambda: intake.poll(200))
    assert bare > 10 * quiet
    assert ours < bare * 0.75
    with pytest.raises(Rejoin, match="heartbeats"):
        assert not eventually(lambda: bool(intake.poll(200)), within_s=20)
    intake.close()


# ---- partitions that silently stop ----


def test_a_partition_that_silently_stops_ends_the_worker(bootstrap: str) -> None:
    # Given a worker whose client stops fetching one partition without a word.
    settings = stream_settings(bootstrap, "fork", partitions=1, runtime={"stall_s": 1.5})
    stage = ForkingStage(settings)
    worker = Worker(settings, stage, group="fork", faults=Faults())
    stalls: list[Stalled] = []

    def run() -> None:
        try:
            worker.run()
        except Stalled as error:
            stalls.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert eventually(lambda: worker.ready)
    worker._intake._consumer.pause(*worker._intake._consumer.assignment())
    # When records come.
    publish_events(settings, [event_of("t", n) for n in range(10)])
    thread.join(20)
    worker.stop()
    # Then it says which, and ends.
    (stalled,) = stalls
    assert topic_of(settings) in str(stalled)


def test_a_quiet_partition_whose_end_is_a_mark_of_a_transaction_is_no_stall(bootstrap: str) -> None:
    # Given an input written in transactions, the last one aborted: its end lies behind marks, not records.
    settings = stream_settings(bootstrap, "fork", partitions=1, runtime={"stall_s": 1.0})
    publisher = Publisher(
        settings.kafka, settings.runtime, client_id="t", transactional_id=settings.topics.prefix
    )
    publisher.start()
    for number, end in enumerate((publisher.commit, publisher.commit, publisher.abort)):
        publisher.begin()
        headers = [("ce_id", f"t-{number}".encode())]
        publisher.send(topic_of(settings), b"{}", key=b"default/t", headers=headers)
        publisher.flush()
        end()
    publisher.close()
    # Then a worker reads what was committed, sees that it is drained, and ends because it is idle.
    stage = ForkingStage(settings)
    Worker(settings, stage, group="fork", faults=Faults(), until_idle_s=3).run()
    assert sum(stage.processed) == 2


# ---- checksums without crc32c ----


def test_checksums_in_python_are_many_times_slower() -> None:
    script = """
import time, crc32c
from kafka.record import _crc32c
data = bytes(1_000_000)
def seconds(count):
    def once():
        begun = time.perf_counter(); count(data); return time.perf_counter() - begun
    return min(once() for _ in range(5))
print(seconds(_crc32c.crc) / seconds(crc32c.crc32c))
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert float(run.stdout) > 7


def test_without_crc32c_nothing_starts_and_the_remedy_is_named() -> None:
    script = "import sys; sys.modules['crc32c'] = None; import consumers.runtime.loop"
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode != 0
    assert "MissingExtra" in run.stderr
    assert "pip install crc32c" in run.stderr
