"""The scenario source against a real broker."""

import json
import signal
import time

import msgspec
import pytest

from contracts.errors import SourceInvalid
from contracts.settings import Settings
from contracts.topics import EVENTS_TEXT
from contracts.watches import Watch
from producers.sources.scenario.watches import scenario_watches
from tests.producers.conftest import Produce, Publish, finished, read_topic

START = "2026-03-01T00:00:00Z"


def test_every_event_arrives_once_and_the_turns_are_told(
    settings: Settings, publish: Publish
) -> None:
    words = ("scenario", "--start", START, "--scale", "0.2", "--quiet-days", "1")
    first = publish(*words)
    arrived = [json.loads(record.value)["id"] for record in read_topic(settings, EVENTS_TEXT)]
    assert len(arrived) == len(set(arrived)) > 500
    assert f"{len(arrived)} read, {len(arrived)} published, 0 bad" in first
    assert "2026-03-02T02:30+00:00  norvia: surge" in first
    publish(*words)
    again = [json.loads(record.value)["id"] for record in read_topic(settings, EVENTS_TEXT)]
    assert set(again) == set(arrived)  # the same ids: a repeat, which changes nothing


def test_a_signal_commits_what_is_open_and_ends_in_order(
    settings: Settings, produce: Produce
) -> None:
    process = produce("scenario", "--start", START, "--speed", "x600")
    while not read_topic(settings, EVENTS_TEXT):
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    started = time.monotonic()
    code, out, err = finished(process)
    assert (code, err) == (0, "")
    assert time.monotonic() - started < 10
    count = len(read_topic(settings, EVENTS_TEXT))
    assert f"scenario 7: {count} read, {count} published" in out


def test_a_speed_that_cannot_be_is_refused(publish: Publish) -> None:
    with pytest.raises(SourceInvalid, match="expected `event`, `max` or `xN`"):
        publish("scenario", "--speed", "fast")


def test_its_watches_are_printed_as_records(publish: Publish) -> None:
    printed = publish("scenario", "--watches")
    assert msgspec.json.decode(printed, type=list[Watch]) == scenario_watches()
