"""`hubbub dead-letter`: letters are found, shown as they came, and put back once."""

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from kafka.consumer.fetcher import ConsumerRecord

from consumers.runtime.dead_letter import letter_headers
from contracts.codec import Codec
from contracts.dead_letters import DeadLetter, headers_to_put_back, marker_headers
from contracts.errors import InvalidInput, RecordInvalid
from contracts.events import Event
from contracts.settings import Settings
from contracts.topics import DEAD_LETTER, EVENTS_TEXT
from producers.publisher import Publisher
from tests.streams import read_committed, stream_settings

GOOD = b'{"id":"e1","source":"test","observed_at":"2026-01-01T00:00:00Z","text":"mended"}'
BROKEN = b'{"id": "e1", \x1b[31m\xff'
MEND = f"{sys.executable} -c {shlex.quote('import sys; sys.stdin.read(0); print(' + repr(GOOD.decode()) + ')')}"


@pytest.fixture
def settings(bootstrap: str) -> Settings:
    return stream_settings(bootstrap, "score")


def publish(settings: Settings, topic: str, *records: tuple[Any, ...]) -> None:
    """Publish (value, key, headers, partition) records."""
    publisher = Publisher(settings.kafka, settings.runtime, client_id="test")
    publisher.start()
    for value, key, headers, partition in records:
        publisher.send(topic, value, key=key, headers=headers, partition=partition)
    publisher.close()


def broken(settings: Settings, *values: bytes | None) -> None:
    name = settings.topics.names.of(EVENTS_TEXT)
    headers = [("ce_type", b"hubbub.event.v1"), ("x-odd", b"\xff"), ("x-odd", b"again")]
    publish(settings, name, *((value, b"default/a", headers, 1) for value in values))


def set_aside(settings: Settings) -> None:
    """Write the letter of every event that cannot be decoded and has none yet, as the runtime does."""
    codec = Codec(Event, limit_bytes=1 << 20)
    letters = read_committed(settings, DEAD_LETTER)
    known = {dict(letter.headers).get("hubbub-dead-offset") for letter in letters}
    for record in events(settings):
        try:
            codec.decode(record.value, record.headers)
        except RecordInvalid as error:
            if str(record.offset).encode() not in known:
                now_ms = record.timestamp + 1
                headers = letter_headers(record, error, stage="score", now_ms=now_ms)
                letter = (record.value, record.key, headers, None)
                publish(settings, settings.topics.names.of(DEAD_LETTER), letter)


def listed(run: Any, settings: Settings, *words: str) -> list[dict[str, Any]]:
    return list(json.loads(run(settings, "dead-letter", "list", "--json", *words).stdout))


def events(settings: Settings) -> list[ConsumerRecord]:
    return read_committed(settings, EVENTS_TEXT)


def text_id(settings: Settings, offset: int) -> str:
    return f"score:{settings.topics.prefix}events.text:1:{offset}"


def test_list_shows_the_newest_first_and_filters(run: Any, settings: Settings) -> None:
    # Given three letters of two codes
    broken(settings, BROKEN)
    set_aside(settings)
    broken(settings, b'{"id": 1}', None)
    set_aside(settings)
    # When they are listed
    found = listed(run, settings)
    # Then the newest stands first, and each says what, where and why
    assert [item["id"] for item in found] == [text_id(settings, n) for n in (2, 1, 0)]
    assert [item["code"] for item in found] == [
        "record_undecodable", "record_misfit", "record_undecodable",
    ]  # fmt: skip
    assert found[1]["place"] == "$.id"
    assert found[1]["reason"].startswith("Expected `str`, got `int`")
    assert (found[0]["size_bytes"], found[1]["size_bytes"]) == (0, 9)
    assert [item["id"] for item in listed(run, settings, "--code", "record_misfit")] == [
        text_id(settings, 1)
    ]
    assert listed(run, settings, "--stage", "other") == []
    assert len(listed(run, settings, "--limit", "2")) == 2
    table = run(settings, "dead-letter", "list").stdout
    assert text_id(settings, 0) in table
    assert "\x1b" not in table


def test_show_gives_the_bytes_safely_and_raw_gives_them_untouched(
    run: Any, settings: Settings
) -> None:
    broken(settings, BROKEN)
    set_aside(settings)
    name = text_id(settings, 0)
    words = run(settings, "dead-letter", "show", name).stdout
    assert r"\x1b[31m\xff" in words
    assert r"x-odd: \xff" in words
    assert "\x1b" not in words
    # A letter may be named without its stage, where that is plain.
    raw = run(settings, "dead-letter", "show", name.removeprefix("score:"), "--raw")
    assert raw.stdout_bytes == BROKEN


def test_an_id_that_is_not_there_is_refused(run: Any, settings: Settings) -> None:
    with pytest.raises(InvalidInput, match="no dead letter 'nobody'"):
        run(settings, "dead-letter", "show", "nobody")
    with pytest.raises(InvalidInput, match="no dead letter 'nobody'"):
        run(settings, "dead-letter", "retry", "nobody")


def test_a_letter_goes_back_as_it_came_and_once(run: Any, settings: Settings) -> None:
    # Given a letter
    broken(settings, BROKEN)
    set_aside(settings)
    (original,) = events(settings)
    # When it is retried, twice
    first = run(settings, "dead-letter", "retry", text_id(settings, 0))
    second = run(settings, "dead-letter", "retry", text_id(settings, 0))
    # Then one record came back: bytes, key, partition and headers as they were, and the next attempt
    assert (first.exit_code, second.exit_code) == (0, 1)
    assert "put back before" in second.stdout
    back = events(settings)[1:]
    assert [(record.value, record.key, record.partition) for record in back] == [
        (BROKEN, b"default/a", 1)
    ]
    assert back[0].headers == [*original.headers, ("hubbub-attempt", b"2")]
    # And the list leaves it out, unless asked for all
    assert listed(run, settings) == []
    assert [item["put_back"] for item in listed(run, settings, "--all")] == [True]


def test_the_third_attempt_is_the_last(run: Any, settings: Settings) -> None:
    # Given a record that dies each time
    broken(settings, BROKEN)
    set_aside(settings)
    for _ in range(2):
        assert run(settings, "dead-letter", "retry", "--all").exit_code == 0
        set_aside(settings)
    (letter,) = listed(run, settings)
    assert letter["attempt"] == 3
    # When it is retried once more
    result = run(settings, "dead-letter", "retry", "--all")
    # Then it stays, and the remedy is told
    assert result.exit_code == 1
    assert "out of tries" in result.stdout
    assert "tried 3 times, the most is 3" in result.stdout
    assert len(events(settings)) == 3


def test_a_repaired_value_goes_back(run: Any, settings: Settings, tmp_path: Path) -> None:
    # Given two letters; one is repaired by a file, the other by a command
    broken(settings, BROKEN, b"[]")
    set_aside(settings)
    file = tmp_path / "mended.json"
    file.write_bytes(GOOD.replace(b"e1", b"e0"))
    by_file = run(settings, "dead-letter", "retry", text_id(settings, 0), "--value", str(file))
    by_command = run(settings, "dead-letter", "retry", "--all", "--through", MEND)
    # Then both values are there, under the key and the headers of the originals
    assert (by_file.exit_code, by_command.exit_code) == (0, 0)
    back = events(settings)[2:]
    assert sorted(json.loads(record.value)["id"] for record in back) == ["e0", "e1"]
    assert {record.key for record in back} == {b"default/a"}
    assert {dict(record.headers)["ce_type"] for record in back} == {b"hubbub.event.v1"}
    assert listed(run, settings) == []


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("echo no >&2; exit 3", "the command ended with 3: no"),
        ("true", "the command wrote nothing"),
    ],
)
def test_a_repair_that_fails_leaves_the_letter(
    run: Any, settings: Settings, command: str, reason: str
) -> None:
    broken(settings, BROKEN)
    set_aside(settings)
    result = run(settings, "dead-letter", "retry", "--all", "--through", command)
    assert result.exit_code == 1
    assert f"repair failed: {text_id(settings, 0)}: {reason}" in result.stdout
    assert len(events(settings)) == 1
    assert len(listed(run, settings)) == 1


def test_what_cannot_go_back_says_why_and_the_rest_goes(run: Any, settings: Settings) -> None:
    # Given a row of a file, a corrupt batch and a plain letter
    letters = [
        DeadLetter("file", "record_misfit", "no text", "file:posts.jsonl", 0, 7, at_ms=1),
        DeadLetter(
            "score", "corrupt_batch", "offsets 3 to 9", settings.topics.prefix + "events.text", 0, 9
        ),
    ]
    topic = settings.topics.names.of(DEAD_LETTER)
    publish(settings, topic, *((b"row", None, letter.to_headers(), None) for letter in letters))
    broken(settings, BROKEN)
    set_aside(settings)
    # When all are retried
    result = run(settings, "dead-letter", "retry", "--all", "--json")
    # Then one goes back, and the others say what to do
    told = {one["id"]: one for one in map(json.loads, result.stdout.splitlines())}
    assert told[letters[0].id]["fate"] == "not_ours"
    assert "mend it there and produce it again" in told[letters[0].id]["reason"]
    assert told[letters[1].id]["fate"] == "no_bytes"
    assert told[text_id(settings, 0)]["fate"] == "put_back"
    assert result.exit_code == 1


def test_a_retry_that_was_killed_before_its_commit_has_done_nothing(
    run: Any, settings: Settings
) -> None:
    # Given a retry that sent its records and ended before the commit
    broken(settings, BROKEN)
    set_aside(settings)
    (letter,) = read_committed(settings, DEAD_LETTER)
    name = settings.topics.prefix + "dead-letter.retry"
    dying = Publisher(settings.kafka, settings.runtime, client_id=name, transactional_id=name)
    dying.start()
    dying.begin()
    topic = settings.topics.names.of(EVENTS_TEXT)
    dying.send(
        topic,
        letter.value,
        key=letter.key,
        headers=headers_to_put_back(letter.headers),
        partition=1,
    )
    markers = marker_headers(DeadLetter.from_headers(letter.headers), at_ms=1, repaired=False)
    dying.send(settings.topics.names.of(DEAD_LETTER), b"", headers=markers)
    dying.flush()
    dying.abandon()
    # When the letter is retried
    result = run(settings, "dead-letter", "retry", "--all")
    # Then it goes back exactly once
    assert result.exit_code == 0
    assert [record.value for record in events(settings)] == [BROKEN, BROKEN]


def test_an_original_cannot_forge_a_marker(run: Any, settings: Settings) -> None:
    # Given a record that brings the headers of a marker and of a letter
    name = settings.topics.names.of(EVENTS_TEXT)
    forged = [("hubbub-dead-retried", text_id(settings, 0).encode()), ("hubbub-dead-code", b"nice")]
    publish(settings, name, (BROKEN, b"k", forged, 1))
    # When it dies
    set_aside(settings)
    # Then it waits like any other, under its true code
    (letter,) = listed(run, settings)
    assert letter["code"] == "record_undecodable"
    assert letter["put_back"] is False


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("a", "--all"),
        ("a", "--code", "x"),
        ("a", "b", "--value", "f"),
        ("--all", "--value", "f"),
        ("a", "--value", "f", "--through", "cat"),
        ("a", "--value", "no-such-file"),
    ],
)
def test_a_choice_that_contradicts_itself_is_refused(run: Any, words: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput):
        run(None, "dead-letter", "retry", *words)
