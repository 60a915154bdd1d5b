"""`hubbub tail`: what is there and what comes, one line each, and nothing that steers a terminal."""

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from contracts.codec import encode_value, make_headers
from contracts.errors import InvalidInput, TopicInvalid
from contracts.mentions import Mention, Tick
from contracts.scores import HeadScore, ScoredEvent
from contracts.settings import Settings
from contracts.topics import EVENTS_TEXT, SCORED
from producers.publisher import Publisher
from tests.streams import ROOT, environment_of, event_of, publish_events, stream_settings

STYLES = re.compile(r"\x1b\[[0-9;]*m")
EVIL = "fine \x1b[2J\x07 \u202egnorw\nnext 你好"


@pytest.fixture
def settings(bootstrap: str) -> Settings:
    return stream_settings(bootstrap, "score", partitions=2)


def rows(run: Any, settings: Settings, *words: str) -> list[dict[str, Any]]:
    result = run(settings, "tail", *words, "--no-follow")
    return [json.loads(line) for line in result.stdout.splitlines()]


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [row["value"]["id"] for row in found]


def test_from_the_beginning_all_is_shown_and_what_was_aborted_is_not(
    run: Any, settings: Settings
) -> None:
    publish_events(settings, [event_of(f"t{n % 3}", n) for n in range(30)])
    name = f"{settings.topics.prefix}test"
    publisher = Publisher(settings.kafka, settings.runtime, client_id=name, transactional_id=name)
    publisher.start()
    publisher.begin()
    publisher.send(settings.topics.names.of(EVENTS_TEXT), b'{"id":"never"}')
    publisher.abort()
    publisher.close()
    found = rows(run, settings, "events.text", "--from-beginning")
    assert sorted(ids(found)) == sorted(f"t{n % 3}-{n}" for n in range(30))
    by_full_name = rows(run, settings, f"{settings.topics.prefix}events.text", "--from-beginning")
    assert sorted(ids(by_full_name)) == sorted(ids(found))
    assert rows(run, settings, "events.text") == []


def test_last_limit_and_key_choose(run: Any, settings: Settings) -> None:
    for number in range(6):
        publish_events(settings, [event_of(f"t{number % 2}", number)])
    assert ids(rows(run, settings, "events.text", "--last", "3")) == ["t1-3", "t0-4", "t1-5"]
    assert ids(rows(run, settings, "events.text", "--last", "2", "--key", "default/t0")) == [
        "t0-2", "t0-4",
    ]  # fmt: skip
    of_key = rows(run, settings, "events.text", "--from-beginning", "--key", "default/t1")
    assert ids(of_key) == ["t1-1", "t1-3", "t1-5"]
    assert len(rows(run, settings, "events.text", "--from-beginning", "--limit", "4")) == 4
    assert rows(run, settings, "events.text", "--last", "0") == []


def test_what_is_no_json_is_shown_as_bytes(run: Any, settings: Settings) -> None:
    publisher = Publisher(settings.kafka, settings.runtime, client_id="test")
    publisher.start()
    for value in (b"\xff\x00", b'{"a":\n1}', b"[" * 100_000, b"7 7"):
        publisher.send(settings.topics.names.of(EVENTS_TEXT), value, key=b"\xfe", partition=0)
    publisher.send(settings.topics.names.of(EVENTS_TEXT), None, key=b"k", partition=0)
    publisher.close()
    found = rows(run, settings, "events.text", "--from-beginning")
    assert [row.get("value", "no") for row in found] == ["no", {"a": 1}, "no", "no", None]
    assert found[0]["value_base64"] == "/wA="
    assert found[0]["key"] == "\\xfe"


def scored(settings: Settings) -> Iterator[str]:
    """Publish one of each that score writes; yields what a line of it must hold."""
    event = event_of("t", 1, text=EVIL)
    joy = {"emotion": HeadScore("joy", 0.934), "topic": HeadScore("war", 0.2)}
    unsure = {"emotion": HeadScore("anger", 0.31, abstained=True)}
    common: dict[str, Any] = {"lane": "text", "model_version": "v"}
    records: list[Any] = [
        ScoredEvent(
            event, lang="zh", lang_probability=1.0, heads=joy, model_name="m", engine="e", **common
        ),
        Mention(
            id="i", tenant="default", watch="acme", watch_revision=1, event_id="t-1", source="test",
            kind="social", at=event.observed_at, partition=0, offset=1, lang="en", heads=unsure,
            text=EVIL, **common,
        ),
        Tick("text", 3, 1_767_225_600_000, idle=True),
    ]  # fmt: skip
    publisher = Publisher(settings.kafka, settings.runtime, client_id="test")
    publisher.start()
    for record in records:
        headers = make_headers(type(record), "id", source="test")
        publisher.send(settings.topics.names.of(SCORED), encode_value(record), headers=headers)
        publisher.flush()
    publisher.close()
    safe = r"fine \x1b[2J\x07 \u202egnorw\nnext 你好"
    yield from (f"test zh joy 0.93 {safe}", f"test en anger? 0.31 [default/acme] {safe}")
    yield "text/3 tick up to 2026-01-01T00:00:00.000Z, idle"


def test_a_terminal_gets_one_safe_line_each(settings: Settings) -> None:
    # Given records whose text would clear the screen
    wanted = list(scored(settings))
    # When they are looked at on a terminal
    leader, follower = pty.openpty()
    variables = environment_of(settings) | {"COLUMNS": "200", "TERM": "xterm"}
    words = [sys.executable, "-m", "hubbub", "tail", "scored", "--last", "3", "--no-follow"]
    with subprocess.Popen(
        words, cwd=ROOT, env=os.environ | variables, stdout=follower, stderr=subprocess.PIPE
    ) as process:
        os.close(follower)
        raw = b""
        while chunk := _read(leader):
            raw += chunk
        os.close(leader)
    # Then each is one line, its parts in columns, its text escaped
    assert process.returncode == 0
    plain = STYLES.sub("", raw.decode())
    lines = [" ".join(line.split()[1:]) for line in plain.splitlines()]
    assert lines == wanted
    assert b"\x1b[2J" not in raw
    assert b"\x07" not in raw


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:
        # Linux says so when the other end of a terminal is closed.
        return b""


def test_what_comes_is_shown_until_the_limit(settings: Settings) -> None:
    words = [sys.executable, "-m", "hubbub", "tail", "events.text", "--limit", "2"]
    with subprocess.Popen(
        words,
        cwd=ROOT,
        env=os.environ | environment_of(settings),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        number = 0
        while process.poll() is None:
            publish_events(settings, [event_of("t", number)])
            number += 1
        said = process.stdout.read() if process.stdout else ""
    found = ids([json.loads(line) for line in said.splitlines()])
    assert process.returncode == 0
    assert len(found) == 2
    assert int(found[1].partition("-")[2]) == int(found[0].partition("-")[2]) + 1


def test_a_wrong_name_or_place_is_refused(run: Any, settings: Settings) -> None:
    with pytest.raises(TopicInvalid, match="topic scord is not there; near: scored"):
        run(settings, "tail", "scord")
    with pytest.raises(InvalidInput, match="one of the two"):
        run(settings, "tail", "scored", "--from-beginning", "--last", "3")
