"""The file source against a real broker: what arrives, what is refused, what is resumed."""

import gzip
import json
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest

from contracts.codec import Codec
from contracts.dead_letters import DeadLetter
from contracts.errors import SourceInvalid, TopicInvalid
from contracts.events import Event
from contracts.settings import Settings
from contracts.topics import DEAD_LETTER, EVENTS_MEDIA, EVENTS_TEXT, INPUT_LIMIT_BYTES
from producers.publisher import Publisher
from producers.sources.file.position import FilePosition
from tests.producers.conftest import (
    PARTITIONS,
    SOURCES,
    Produce,
    Publish,
    finished,
    read_topic,
)

CODEC = Codec(Event, limit_bytes=INPUT_LIMIT_BYTES)


def rows(count: int, **fields: Any) -> list[str]:
    return [
        json.dumps({"id": str(n), "time": 1772366400 + n, "text": f"row {n}"} | fields)
        for n in range(count)
    ]


def write(path: Path, lines: list[str]) -> Path:
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def events(settings: Settings) -> list[Event]:
    return [CODEC.decode(r.value, r.headers) for r in read_topic(settings, EVENTS_TEXT)]


def positions(settings: Settings) -> list[FilePosition]:
    return [msgspec.json.decode(r.value, type=FilePosition) for r in read_topic(settings, SOURCES)]


def test_every_row_arrives_in_the_order_of_its_thread(
    settings: Settings, publish: Publish, tmp_path: Path
) -> None:
    path = write(tmp_path / "rows.jsonl", rows(2500, thread="one"))
    out = publish("file", str(path), "--set", "lang=en")
    assert out.startswith("rows.jsonl: 2500 read, 2500 published, 0 bad, 0 skipped by filter;")
    arrived = events(settings)
    assert [event.id for event in arrived] == [str(n) for n in range(2500)]
    assert {(event.source, event.lang) for event in arrived} == {("rows.jsonl", "en")}
    assert max(position.published for position in positions(settings)) == 2500


def test_media_and_packed_files_are_read(
    settings: Settings, publish: Publish, tmp_path: Path
) -> None:
    path = tmp_path / "rows.jsonl.gz"
    media = [{"url": "https://a.example/b.png", "kind": "image"}]
    path.write_bytes(gzip.compress("\n".join(rows(5, media=media)).encode()))
    publish("file", str(path))
    assert len(read_topic(settings, EVENTS_MEDIA)) == 5
    assert read_topic(settings, EVENTS_TEXT) == []


def test_a_bad_row_is_kept_as_it_came_with_its_reason_and_its_line(
    settings: Settings, publish: Publish, tmp_path: Path
) -> None:
    path = tmp_path / "rows.jsonl"
    bad = [b'{"id": "x"}', b"{nonsense", b"\xff\xfe", b'{"time": 1, "text": 5.5}']
    path.write_bytes(b"\n".join([*(row.encode() for row in rows(3)), b"", *bad]) + b"\n")
    out = publish("file", str(path))
    assert "7 read, 3 published, 4 bad, 0 skipped by filter" in out
    records = read_topic(settings, DEAD_LETTER)
    letters = [(DeadLetter.from_headers(record.headers), record.value) for record in records]
    letters.sort(key=lambda pair: pair[0].offset)
    assert [value for _, value in letters] == bad
    assert [(letter.code, letter.place, letter.offset) for letter, _ in letters] == [
        ("record_misfit", "line 5", 5),
        ("record_undecodable", "line 6", 6),
        ("record_undecodable", "line 7", 7),
        ("record_misfit", "line 8", 8),
    ]
    assert {(letter.stage, letter.topic, letter.partition) for letter, _ in letters} == {
        ("source.file", "file:rows.jsonl", 0)
    }
    assert "no time" in letters[0][0].reason


def test_strict_stops_at_the_first_bad_row_with_those_before_it_published(
    settings: Settings, publish: Publish, tmp_path: Path
) -> None:
    path = write(tmp_path / "rows.jsonl", [*rows(2), "{}", *rows(4)[2:]])
    with pytest.raises(SourceInvalid, match=r"rows\.jsonl, line 3: no time"):
        publish("file", str(path), "--strict")
    assert len(events(settings)) == 2
    write(path, rows(4))
    assert "2 read, 2 published" in publish("file", str(path), "--strict")


def test_a_second_run_repeats_nothing_and_an_appended_file_goes_on(
    settings: Settings, publish: Publish, tmp_path: Path
) -> None:
    path = write(tmp_path / "rows.jsonl", rows(10))
    publish("file", str(path))
    again = publish("file", str(path))
    assert again.startswith("rows.jsonl: 0 read, 0 published, 0 bad, 0 skipped by filter;")
    assert "resumed after line 10" in again
    write(path, rows(13))
    assert "3 read, 3 published" in publish("file", str(path))
    assert sorted(int(event.id) for event in events(settings)) == list(range(13))


@pytest.mark.parametrize("changed", ["first", "last read", "shorter"])
def test_a_file_that_changed_under_its_name_is_refused_with_the_remedy(
    publish: Publish, tmp_path: Path, changed: str
) -> None:
    lines = rows(2000)
    path = write(tmp_path / "rows.jsonl", lines)
    publish("file", str(path))
    at = 0 if changed == "first" else 1999
    lines[at] = lines[at].replace("row", "wor")
    write(path, lines[:1900] if changed == "shorter" else [*lines, *rows(1)])
    with pytest.raises(SourceInvalid, match="changed; give it another --name, or --restart"):
        publish("file", str(path))
    count = 1900 if changed == "shorter" else 2001
    assert f"{count} read, {count} published" in publish("file", str(path), "--restart")


def test_the_limit_counts_earlier_runs_and_the_filter_is_reported(
    settings: Settings, publish: Publish, tmp_path: Path
) -> None:
    lines = [*rows(30, event="a"), *rows(30, event="b")]
    words = ("file", str(write(tmp_path / "rows.jsonl", lines)), "--only", "event=b")
    assert "40 read, 10 published, 0 bad, 30 skipped by filter" in publish(*words, "--limit", "10")
    assert "0 read, 0 published" in publish(*words, "--limit", "10")
    assert "20 read, 20 published" in publish(*words)
    last = max(positions(settings), key=lambda position: position.line)
    assert (last.rows, last.published, last.bad, last.filtered) == (60, 30, 0, 30)
    assert len(events(settings)) == last.rows - last.bad - last.filtered


def test_rows_before_the_damage_in_a_packed_file_are_published_once(
    settings: Settings, publish: Publish, tmp_path: Path
) -> None:
    noise = random.Random(1)
    lines = "".join(
        rows(1, text=noise.randbytes(200).hex())[0] + "\n" for _ in range(2000)
    ).encode()
    lines = lines.replace(b'"id": "0", ', b"")
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress(lines)[:-60_000])
    with pytest.raises(SourceInvalid, match=r"ends too early after line \d+"):
        publish("file", str(path))
    assert 1000 < len(events(settings)) < 2000
    path.write_bytes(gzip.compress(lines, compresslevel=1))
    publish("file", str(path))
    arrived = [event.text for event in events(settings)]
    assert len(arrived) == len(set(arrived)) == 2000


def test_an_open_transaction_of_another_source_hides_no_position(
    settings: Settings, publish: Publish, tmp_path: Path
) -> None:
    path = write(tmp_path / "rows.jsonl", rows(10))
    brief = settings.runtime.model_copy(update={"transaction_timeout_ms": 4000})
    other = Publisher(settings.kafka, brief, client_id="other", transactional_id=f"{path}")
    other.start()
    other.begin()
    for partition in range(PARTITIONS):
        topic = settings.topics.names.of(SOURCES)
        other.send(topic, b"{}", key=b"file/other", partition=partition)
    other.flush()
    publish("file", str(path))
    assert "0 read, 0 published" in publish("file", str(path))
    other.abandon()


def test_a_pipe_is_published_as_it_comes_and_keeps_no_position(
    settings: Settings, produce: Produce
) -> None:
    process = produce("file", "-")
    assert process.stdin is not None
    process.stdin.write(rows(1)[0] + "\n")
    process.stdin.flush()
    while not read_topic(settings, EVENTS_TEXT):
        assert process.poll() is None
    code, out, _ = finished(process)  # closes the pipe
    assert (code, "stdin: 1 read, 1 published" in out) == (0, True)
    assert read_topic(settings, SOURCES) == []


def test_what_is_missing_is_named(publish: Publish, tmp_path: Path) -> None:
    with pytest.raises(SourceInvalid, match=r"none\.jsonl: No such file"):
        publish("file", str(tmp_path / "none.jsonl"))
    path = str(write(tmp_path / "rows.jsonl", rows(1)))
    with pytest.raises(TopicInvalid, match=r"nowhere\.events\.text does not exist"):
        publish(
            "file", path, HUBBUB_TOPICS_PREFIX="nowhere.", HUBBUB_KAFKA_REQUEST_TIMEOUT_MS="1000"
        )


def test_a_broker_that_is_not_there_is_named(produce: Produce, tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", rows(1))
    gone = {"HUBBUB_KAFKA_BOOTSTRAP": "127.0.0.1:9", "HUBBUB_KAFKA_CONNECT_TIMEOUT_S": "1"}
    code, _, err = finished(produce("file", str(path), **gone))
    assert code == 1
    assert "BrokerUnreachable: no Kafka at 127.0.0.1:9" in err
