"""How events enter Kafka: lane, key, headers, limits."""

from datetime import UTC, datetime

import pytest

from contracts.codec import Codec
from contracts.dead_letters import DeadLetter
from contracts.errors import RecordMisfit, RecordTooLarge
from contracts.events import Event, Media
from contracts.topics import INPUT_LIMIT_BYTES, TopicNames
from producers.entry import VALUE_LIMIT_BYTES, Entry

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SEEN = datetime(2026, 3, 1, 11, 59, 58, 123456, tzinfo=UTC)


@pytest.fixture
def entry() -> Entry:
    return Entry(TopicNames("p."), lambda: NOW)


def test_a_text_goes_to_the_text_lane_keyed_by_tenant_and_thread(entry: Entry) -> None:
    record = entry.record(Event("1", "chirp", SEEN, "hello", tenant="acme", thread="t9"))
    assert (record.topic, record.key) == ("p.events.text", b"acme/t9")


def test_an_event_with_media_goes_to_the_media_lane_keyed_by_its_id(entry: Entry) -> None:
    event = Event("1", "chirp", SEEN, media=(Media("https://a.example/b.png", "image"),))
    record = entry.record(event)
    assert (record.topic, record.key) == ("p.events.media", b"default/1")


def test_headers_are_a_cloud_event_in_binary_mode(entry: Entry) -> None:
    record = entry.record(Event("é1", "chirp", SEEN, "hello"))
    assert dict(record.headers) == {
        "ce_specversion": b"1.0",
        "content-type": b"application/json",
        "ce_type": b"hubbub.event.v1",
        "ce_id": "é1".encode(),
        "ce_source": b"chirp",
        "ce_time": b"2026-03-01T11:59:58.123Z",
    }


def test_what_the_codec_reads_is_what_came_in_with_the_time_of_entry(entry: Entry) -> None:
    given = Event("1", "chirp", SEEN, "hello", received_at=datetime(2001, 1, 1, tzinfo=UTC))
    record = entry.record(given)
    read = Codec(Event, limit_bytes=INPUT_LIMIT_BYTES).decode(record.value, record.headers)
    assert read == Event("1", "chirp", SEEN, "hello", received_at=NOW)


def test_an_event_over_the_topics_limit_is_refused(entry: Entry) -> None:
    media = tuple(
        Media("https://a.example", "image", alt="x" * (VALUE_LIMIT_BYTES // 30)) for _ in range(31)
    )
    with pytest.raises(RecordTooLarge, match=f"limit is {VALUE_LIMIT_BYTES}"):
        entry.record(Event("1", "chirp", SEEN, media=media))


def test_a_character_that_utf8_cannot_write_is_a_misfit(entry: Entry) -> None:
    with pytest.raises(RecordMisfit, match="UTF-8"):
        entry.record(Event("1", "chirp", SEEN, "half a pair \ud800"))


def test_a_dead_letter_keeps_the_original_to_the_byte_and_says_when(entry: Entry) -> None:
    letter = DeadLetter("source.file", "record_misfit", "no time", "file:a", 0, 17, place="line 17")
    record = entry.dead_letter(b"{\xff", letter)
    assert (record.topic, record.value) == ("p.dead-letter", b"{\xff")
    read = DeadLetter.from_headers(record.headers)
    assert (read.place, read.offset, read.at_ms) == ("line 17", 17, 1772366400000)
