"""Kills: whatever moment a file source dies at, a reader of committed records sees each row once."""

import json
import signal
import time
from collections import Counter
from pathlib import Path
from subprocess import Popen

import msgspec
import pytest
from kafka import KafkaConsumer

from contracts.dead_letters import DeadLetter
from contracts.settings import Settings
from contracts.topics import DEAD_LETTER, EVENTS_TEXT
from producers.sources.file.position import FilePosition
from tests.producers.conftest import SOURCES, Produce, finished, read_topic

ROWS = 3000
KILLS = 5
EVERY_BAD = 97
EVERY_OTHER = 10  # rows that the filter leaves out


def write_rows(path: Path) -> list[str]:
    """Write rows a millisecond apart in event time; return the ids of those that are to be published."""
    wanted = []
    with path.open("w", encoding="utf-8") as file:
        for n in range(ROWS):
            row = {"id": str(n), "time": 1772366400000 + n, "text": f"row {n}", "keep": "yes"}
            if n % EVERY_BAD == 0:
                del row["time"]
            elif n % EVERY_OTHER == 0:
                row["keep"] = "no"
            else:
                wanted.append(str(n))
            file.write(json.dumps(row) + "\n")
    return wanted


def wait_for_open_rows(settings: Settings, process: Popen[str]) -> None:
    """Return once rows of this process, in a transaction that may still be open, lie on the broker."""
    topic = settings.topics.names.of(EVENTS_TEXT)
    with KafkaConsumer(
        topic, bootstrap_servers=settings.kafka.bootstrap, auto_offset_reset="latest"
    ) as consumer:
        deadline = time.monotonic() + 60
        while not consumer.poll(timeout_ms=20):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline


def last_position(settings: Settings) -> FilePosition:
    records = sorted(read_topic(settings, SOURCES), key=lambda record: record.offset)
    return msgspec.json.decode(records[-1].value, type=FilePosition)


@pytest.mark.chaos
@pytest.mark.slow
def test_killed_again_and_again_each_row_arrives_once(
    settings: Settings, produce: Produce, tmp_path: Path
) -> None:
    path = tmp_path / "rows.jsonl"
    wanted = write_rows(path)
    words = ("file", str(path), "--speed", "event", "--only", "keep=yes")
    for number in range(KILLS):
        process = produce(*words, HUBBUB_RUNTIME_TRANSACTION_MS=str((30, 100, 400)[number % 3]))
        wait_for_open_rows(settings, process)
        time.sleep(0.07 * number)
        process.kill()
        assert process.wait() == -signal.SIGKILL

    code, out, err = finished(produce("file", str(path), "--only", "keep=yes"))

    assert (code, err) == (0, "")
    assert "resumed after line" in out
    records = read_topic(settings, EVENTS_TEXT)
    arrived = Counter(json.loads(record.value)["id"] for record in records)
    assert set(arrived) == set(wanted)
    assert set(arrived.values()) == {1}
    lines = Counter(
        DeadLetter.from_headers(record.headers).offset
        for record in read_topic(settings, DEAD_LETTER)
    )
    assert lines == Counter(n + 1 for n in range(0, ROWS, EVERY_BAD))
    position = last_position(settings)
    assert position.rows == ROWS == position.published + position.bad + position.filtered
    assert (position.published, position.bad) == (len(wanted), len(lines))
    attempted = read_topic(settings, EVENTS_TEXT, isolation="read_uncommitted")
    assert len(attempted) > len(records), "no kill met an open transaction: the test proved nothing"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_commits_what_is_open_and_ends_in_order(
    settings: Settings, produce: Produce, tmp_path: Path, number: signal.Signals
) -> None:
    path = tmp_path / "rows.jsonl"
    write_rows(path)
    process = produce("file", str(path), "--speed", "x0.2")
    wait_for_open_rows(settings, process)
    started = time.monotonic()
    process.send_signal(number)
    code, out, err = finished(process)
    assert (code, err) == (0, "")
    assert time.monotonic() - started < 10
    position = last_position(settings)
    assert 0 < position.rows < ROWS
    assert f"{position.rows} read, {position.published} published, {position.bad} bad" in out
    assert len(read_topic(settings, EVENTS_TEXT)) == position.published


def test_a_later_owner_shuts_the_earlier_one_out(
    settings: Settings, produce: Produce, tmp_path: Path
) -> None:
    path = tmp_path / "rows.jsonl"
    wanted = write_rows(path)
    first = produce("file", str(path), "--speed", "x0.05", "--only", "keep=yes")
    wait_for_open_rows(settings, first)
    second = produce("file", str(path), "--only", "keep=yes")
    assert finished(second)[0] == 0
    code, _, err = finished(first)
    assert code != 0
    assert "TransactionLost" in err
    arrived = Counter(json.loads(r.value)["id"] for r in read_topic(settings, EVENTS_TEXT))
    assert arrived == Counter(wanted)
