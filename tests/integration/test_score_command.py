"""`hubbub score` and `hubbub up` as processes on a real broker: watches that change, the past again, idleness."""

import os
import re
import subprocess
import sys
from collections import Counter
from datetime import timedelta

import msgspec
import pytest

from consumers.operations.watch_store import WatchStore
from contracts.mentions import Mention
from contracts.settings import Settings
from contracts.topics import MENTIONS, SCORED
from contracts.watches import Watch
from tests.streams import (
    BEGIN,
    ROOT,
    environment_of,
    event_of,
    eventually,
    publish_events,
    read_committed,
    stopped,
    stream_settings,
    worker_process,
)


def hubbub(settings: Settings, *words: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "hubbub", *words],
        cwd=ROOT, env=os.environ | environment_of(settings) | {"HUBBUB_METRICS_PORT": "0"},
        capture_output=True, check=False, text=True, timeout=100,
    )  # fmt: skip


def put(settings: Settings, watch: Watch) -> None:
    store = WatchStore(settings)
    store.start()
    store.put(watch)
    store.close()


def mentions(settings: Settings) -> list[Mention]:
    return [
        msgspec.json.decode(record.value, type=Mention)
        for record in read_committed(settings, MENTIONS)
        if ("ce_type", b"hubbub.mention.v1") in record.headers
    ]


def test_up_scores_what_there_is_and_ends_when_it_has_been_idle(bootstrap: str) -> None:
    # Given 60 events and a watch that half of them match
    settings = stream_settings(bootstrap, "score", score={"model": "identity"})
    put(settings, Watch(id="river", query="river"))
    texts = {0: "the river rises", 1: "a quiet day"}
    publish_events(settings, [event_of(f"t{n % 7}", n, text=texts[n % 2]) for n in range(60)])
    # When two workers run until there is nothing left
    done = hubbub(settings, "up", "--workers", "2", "--until-idle", "2")
    # Then each event was scored once and mentioned where it matches, and the books say so
    assert done.returncode == 0, done.stderr
    assert len(read_committed(settings, SCORED)) == 60
    assert Counter(mention.watch for mention in mentions(settings)) == {"river": 30}
    status = msgspec.json.decode(hubbub(settings, "status", "--json").stdout)
    books = status["stages"][0]
    assert (books["in"], books["result"], books["balance"]) == (60, 60, 0)
    assert books["lag"]["records"] == 0


def test_a_watch_added_while_a_worker_runs_is_followed_without_a_restart(bootstrap: str) -> None:
    # Given a worker without watches, that has scored an event
    settings = stream_settings(bootstrap, "score", score={"model": "identity"}, metrics={"port": 0})
    words = ("score", "--slot", "0")
    with worker_process(settings, *words, command="hubbub") as worker:
        publish_events(settings, [event_of("t", 0, text="the river rises")])
        assert eventually(lambda: len(read_committed(settings, SCORED)) == 1, within_s=60)
        # When a watch is added, and events go on coming
        put(settings, Watch(id="river", query="river"))
        number = iter(range(1, 1000))

        def is_mentioned() -> bool:
            publish_events(settings, [event_of("t", next(number), text="the river rises")])
            return bool(mentions(settings))

        # Then it is matched, by its revision, and the worker is still the same
        assert eventually(is_mentioned, within_s=30)
        assert worker.poll() is None
        code, seconds = stopped(worker)
    assert {mention.watch_revision for mention in mentions(settings)} == {1}
    assert code == 0
    assert seconds < 10


def test_a_new_group_scores_the_past_again_from_a_time(bootstrap: str) -> None:
    # Given 40 events that one group has scored
    settings = stream_settings(bootstrap, "score", score={"model": "identity"})
    publish_events(settings, [event_of(f"t{n % 5}", n) for n in range(40)])
    assert hubbub(settings, "score", "--until-idle", "1").returncode == 0
    # When a new group begins at a time before all of them
    past = (BEGIN - timedelta(days=1)).isoformat()
    done = hubbub(settings, "score", "--group", "again", "--from", past, "--until-idle", "1")
    # Then each is scored a second time, and the first group has nothing to do
    assert done.returncode == 0, done.stderr
    assert len(read_committed(settings, SCORED)) == 80
    # And the same command goes on where its group is
    again = hubbub(settings, "score", "--group", "again", "--from", past, "--until-idle", "1")
    assert again.returncode == 0
    assert "group_has_read_before" in again.stderr
    assert len(read_committed(settings, SCORED)) == 80


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("score", "--from", "yesterday", "--group", "g"), "ISO 8601"),
        (("score", "--from", "2026-01-01T00:00:00", "--group", "g"), "has no zone"),
        (("score", "--from", "2026-01-01T00:00:00Z"), "--group"),
        (("watch", "add", "a", "--query", "(river OR"), "column"),
        (("watch", "pause", "nothing"), "there is no watch"),
        (("score", "--settings", "none.toml"), "none.toml"),
    ],
)
def test_wrong_input_ends_with_2_and_says_what_is_wrong(
    bootstrap: str, words: tuple[str, ...], told: str
) -> None:
    settings = stream_settings(bootstrap, "score", score={"model": "identity"})
    done = hubbub(settings, *words)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_topic_that_is_missing_is_named_with_the_command_that_makes_it(bootstrap: str) -> None:
    settings = stream_settings(bootstrap, "score")
    elsewhere = {"HUBBUB_TOPICS_PREFIX": "nowhere.", "HUBBUB_KAFKA_BOOTSTRAP": bootstrap}
    done = subprocess.run(
        [sys.executable, "-m", "hubbub", "score", "--model", "identity"],
        cwd=ROOT, env=os.environ | elsewhere, capture_output=True, check=False, text=True,
        timeout=60,
    )  # fmt: skip
    assert settings.kafka.bootstrap == bootstrap
    assert done.returncode == 2
    assert "nowhere.events.text" in done.stderr
    assert "hubbub topics create" in done.stderr


def test_two_processes_share_the_work_and_each_tells_where_its_time_went(bootstrap: str) -> None:
    # Given 60 events on several partitions
    settings = stream_settings(bootstrap, "score", score={"model": "identity"})
    publish_events(settings, [event_of(f"t{n % 7}", n) for n in range(60)])
    # When one command scores them with two processes
    done = hubbub(
        settings, "score", "--processes", "2", "--until-idle", "2", "--profile", "--model", "identity"
    )  # fmt: skip
    # Then each event is scored once, and two tables account for all of them
    assert done.returncode == 0, done.stderr
    scored = read_committed(settings, SCORED)
    assert len(scored) == len({record.value for record in scored}) == 60
    told = re.findall(r"([0-9,]+) records in", done.stdout)
    assert (len(told), sum(map(int, told))) == (2, 60)
    steps = set(re.findall(r"(?m)^\(?(\w+)", done.stdout))
    assert {"poll", "decode", "forward", "commit"} - steps == {"forward"}
