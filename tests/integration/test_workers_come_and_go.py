"""Workers join, leave, restart, hang and wake up again: nothing is lost, doubled or out of order."""

import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.errors import CoordinatorNotAvailableError

from consumers.protocols import Record
from consumers.runtime.faults import Faults
from consumers.runtime.loop import Worker
from contracts.codec import Codec
from contracts.errors import BrokerUnreachable, RecordMisfit
from contracts.events import Event
from contracts.settings import Settings
from contracts.topics import DEAD_LETTER, MENTIONS, SCORED
from tests.stages.forking import SEEN, WATCHES, ForkingStage
from tests.streams import (
    Verdict,
    changelog_state,
    ended,
    event_of,
    eventually,
    judge,
    keyed_ids,
    publish_events,
    read_committed,
    stopped,
    stream_settings,
    worker_process,
)

FLAWLESS = Verdict(lost=0, doubled=0, disordered=0)
FORK = ("fork", "--group", "fork")


def events(threads: int, numbers: Iterable[int], *, text: str = "hello") -> list[Event]:
    return [event_of(f"t{thread}", n, text=text) for n in numbers for thread in range(threads)]


def verdicts(settings: Settings, published: list[Event]) -> tuple[Verdict, Verdict]:
    """Judge `scored` and `mentions` against what was published."""
    scored = {(event.key, event.id): 1 for event in published}
    mentions = {(watch.decode(), event.id): 1 for event in published for watch in WATCHES}
    return (
        judge(keyed_ids(read_committed(settings, SCORED)), scored),
        judge(keyed_ids(read_committed(settings, MENTIONS)), mentions),
    )


def members(settings: Settings, group: str) -> int:
    """Return how many members the broker counts in a group, none before its first."""
    name = settings.topics.prefix + group
    with KafkaAdminClient(bootstrap_servers=settings.kafka.bootstrap) as admin:
        try:
            return len(admin.describe_groups([name])[name]["members"])
        except CoordinatorNotAvailableError:
            return 0


@contextmanager
def working(worker: Worker) -> Iterator[threading.Thread]:
    """Run a worker in a thread of its own; it is stopped at the end."""
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield thread
    finally:
        worker.stop()
        thread.join(30)


def logged(log: Path, event: str) -> int:
    return log.read_text(encoding="utf-8").count(event)


def test_the_state_after_a_restart_is_the_state_before(bootstrap: str) -> None:
    # Given a worker that has counted and stopped.
    settings = stream_settings(bootstrap, "fork")
    publish_events(settings, events(20, range(20)))
    first = ForkingStage(settings)
    Worker(settings, first, group="fork", faults=Faults(), until_idle_s=1).run()
    kept = changelog_state(settings, "fork")
    # When another takes over.
    second = ForkingStage(settings)
    Worker(settings, second, group="fork", faults=Faults(), until_idle_s=1).run()
    # Then it was opened with exactly that, and has read no record twice.
    assert sum(first.processed) == 400
    assert second.processed == []
    replayed = {
        (f"{source.topic}/{source.partition}", key): value
        for source, state in second.opened_with.items()
        for key, value in state.items()
    }
    assert replayed == kept
    assert sum(int(value) for (_, key), value in kept.items() if key == SEEN) == 400


def test_a_rolling_restart_loses_and_doubles_nothing(bootstrap: str) -> None:
    # Given two workers, and a stream that goes on while each in turn stops and comes back.
    settings = stream_settings(bootstrap, "fork", partitions=4)
    published: list[Event] = []

    def go_on(numbers: Iterable[int]) -> None:
        published.extend(more := events(50, numbers))
        publish_events(settings, more)

    with ExitStack() as stack:
        go_on(range(20))
        workers = [
            stack.enter_context(worker_process(settings, *FORK, "--slot", str(slot)))
            for slot in (0, 1)
        ]
        assert eventually(lambda: members(settings, "fork") == 2)
        for slot in (0, 1):
            go_on(range(20 + slot * 40, 40 + slot * 40))
            code, _ = stopped(workers[slot])
            assert code == 0
            go_on(range(40 + slot * 40, 60 + slot * 40))
            workers[slot] = stack.enter_context(
                worker_process(settings, *FORK, "--slot", str(slot), "--until-idle", "4")
            )
        assert [ended(process)[0] for process in workers] == [0, 0]
    # Then every event came out once and in order.
    assert verdicts(settings, published) == (FLAWLESS, FLAWLESS)


def test_sigterm_finishes_the_batch_and_leaves_the_group_at_once(bootstrap: str) -> None:
    # Given a worker in the midst of a batch that takes three seconds.
    settings = stream_settings(bootstrap, "fork", partitions=1)
    with worker_process(settings, *FORK) as process:
        assert eventually(lambda: members(settings, "fork") == 1)
        slow = [event_of("t", n, text="sleep3" if n == 0 else "quick") for n in range(10)]
        publish_events(settings, slow)
        time.sleep(1.5)
        # When it is asked to stop.
        code, seconds = stopped(process)
    # Then the batch is done, the member is gone without waiting for its session to end, all within ten seconds.
    assert code == 0
    assert seconds < 10
    assert members(settings, "fork") == 0
    assert verdicts(settings, slow) == (FLAWLESS, FLAWLESS)


def test_a_worker_that_was_frozen_commits_nothing_that_another_has_taken_over(
    bootstrap: str, tmp_path: Path
) -> None:
    # Given two workers, and a batch that one of them is in the midst of.
    settings = stream_settings(bootstrap, "fork", partitions=1)
    slow = [event_of("t", n, text="sleep7" if n == 0 else "quick") for n in range(10)]
    logs = [tmp_path / f"{slot}.log" for slot in (0, 1)]
    with ExitStack() as stack:
        workers = [
            stack.enter_context(worker_process(settings, *FORK, "--slot", str(slot), log=log))
            for slot, log in enumerate(logs)
        ]
        assert eventually(lambda: members(settings, "fork") == 2)
        publish_events(settings, slow)
        assert eventually(lambda: any(logged(log, "asleep") for log in logs))
        frozen, other = (0, 1) if logged(logs[0], "asleep") else (1, 0)
        # When that one is frozen until the other has its partition, and wakes up before the other has committed.
        workers[frozen].send_signal(signal.SIGSTOP)
        assert eventually(lambda: logged(logs[other], "asleep") == 1)
        workers[frozen].send_signal(signal.SIGCONT)
        assert eventually(lambda: logged(logs[frozen], "joining_again") == 1)
        assert eventually(lambda: len(read_committed(settings, SCORED)) >= 10)
        assert [stopped(process)[0] for process in workers] == [0, 0]
    # Then only one of the two has committed.
    assert verdicts(settings, slow) == (FLAWLESS, FLAWLESS)


def restarted_until(settings: Settings, topic_holds: int, *, limit: int) -> list[int]:
    """Start one worker again and again until it stays; return the exit codes of those that did not."""
    codes: list[int] = []
    for _ in range(limit):
        with worker_process(settings, *FORK, "--until-idle", "3") as process:
            code = ended(process)[0]
        if code == 0:
            assert len(read_committed(settings, DEAD_LETTER)) == topic_holds
            return codes
        codes.append(code)
    raise AssertionError(f"still ending after {codes}")


def test_a_record_that_ends_its_worker_goes_alone_and_then_aside_its_neighbours_unharmed(
    bootstrap: str,
) -> None:
    # Given one poisonous record among many, on several partitions.
    settings = stream_settings(
        bootstrap, "fork",
        runtime={"crash_limit": 2, "session_timeout_ms": 1000, "transaction_records": 50},
    )  # fmt: skip
    good = events(12, range(10))
    poison = event_of("t5", 10, text="poison")
    after = events(12, range(11, 14))
    publish_events(settings, [*good, poison, *after])
    # When workers end at it, and are started again.
    codes = restarted_until(settings, 1, limit=8)
    # Then it was tried twice alone, is a dead letter with its bytes and place, and all others came out once. One end
    # more than tries: with the first, the batch before it was lost, which was still being written.
    assert set(codes) == {9}
    assert len(codes) <= 6
    (letter,) = read_committed(settings, DEAD_LETTER)
    said = dict(letter.headers)
    assert Codec(Event, limit_bytes=1 << 20).decode(letter.value, letter.headers) == poison
    assert said["hubbub-dead-code"] == b"poison_record"
    assert b"2 times, alone" in said["hubbub-dead-reason"]
    assert verdicts(settings, [*good, *after]) == (FLAWLESS, FLAWLESS)


def test_two_workers_of_one_slot_end_with_clear_words_and_not_in_a_fight_for_ever(
    bootstrap: str,
) -> None:
    # Given a stream that goes on, and two workers that were given the same slot.
    settings = stream_settings(bootstrap, "fork", partitions=2)
    published: list[Event] = []
    with worker_process(settings, *FORK) as one, worker_process(settings, *FORK) as two:
        number = 0
        until = time.monotonic() + 60
        while one.poll() is None and two.poll() is None and time.monotonic() < until:
            more = events(20, [number])
            publish_events(settings, more)
            published.extend(more)
            number += 1
        loser, winner = (one, two) if one.poll() is not None else (two, one)
        code, said = ended(loser)
        # Then one of them says what is wrong and ends, the other goes on.
        assert code == 70
        assert "another worker uses the same slot" in said
        assert winner.poll() is None
        assert stopped(winner)[0] == 0
    with worker_process(settings, *FORK, "--until-idle", "2") as last:
        assert ended(last)[0] == 0
    assert verdicts(settings, published) == (FLAWLESS, FLAWLESS)


def test_an_idle_worker_without_a_partition_costs_next_to_nothing(bootstrap: str) -> None:
    settings = stream_settings(bootstrap, "fork", partitions=1)
    with (
        worker_process(settings, *FORK) as one,
        worker_process(settings, *FORK, "--slot", "1") as two,
    ):
        assert eventually(lambda: members(settings, "fork") == 2)
        time.sleep(2)
        before = [cpu_s(process) for process in (one, two)]
        time.sleep(4)
        spent = [cpu_s(process) - was for process, was in zip((one, two), before, strict=True)]
    assert max(spent) < 1.2


def cpu_s(process: subprocess.Popen[str]) -> float:
    """Return the processor time that a process has used so far, in seconds."""
    fields = (
        Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    )
    return (int(fields[11]) + int(fields[12])) / 100


def test_a_record_that_its_stage_cannot_use_is_set_aside_alone(bootstrap: str) -> None:
    # Given a stage that refuses a batch for one of its records, and does not say which.
    settings = stream_settings(
        bootstrap, "fork", partitions=2, runtime={"tries": 2, "backoff_ms": 1}
    )

    def wrong(record: Record) -> None:
        if b"unusable" in (record.value or b""):
            raise RecordMisfit("expected something else", place="$.text")

    good, bad = events(10, range(10)), event_of("t3", 10, text="unusable")
    publish_events(settings, [*good[:50], bad, *good[50:]])
    stage = ForkingStage(settings, wrong)
    Worker(settings, stage, group="fork", faults=Faults(), until_idle_s=1).run()
    # Then that one is a dead letter, and all others came out once and in order.
    (letter,) = read_committed(settings, DEAD_LETTER)
    said = dict(letter.headers)
    assert (said["ce_id"], said["hubbub-dead-code"]) == (b"t3-10", b"record_misfit")
    assert said["hubbub-dead-place"] == b"$.text"
    assert verdicts(settings, good) == (FLAWLESS, FLAWLESS)


def test_a_batch_whose_error_says_retry_waits_for_as_long_as_it_takes(bootstrap: str) -> None:
    # Given a stage that needs something which is away for longer than five tries.
    settings = stream_settings(bootstrap, "fork", partitions=2, runtime={"backoff_ms": 50})
    away = threading.Event()
    away.set()
    tries: list[int] = []

    def wrong(record: Record) -> None:
        if away.is_set():
            tries.append(record.offset)
            raise BrokerUnreachable("the thing outside is away")

    published = events(10, range(10))
    publish_events(settings, published)
    stage = ForkingStage(settings, wrong)
    with working(Worker(settings, stage, group="fork", faults=Faults())):
        assert eventually(lambda: len(tries) >= 7)
        # Then nothing has been committed or set aside, and the worker is still in its group.
        assert read_committed(settings, SCORED) == []
        assert members(settings, "fork") == 1
        # When it comes back, the batch goes through.
        away.clear()
        assert eventually(lambda: len(read_committed(settings, SCORED)) == 100)
    assert read_committed(settings, DEAD_LETTER) == []
    assert verdicts(settings, published) == (FLAWLESS, FLAWLESS)
