"""How rows of any shape become events."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import RecordInvalid, RecordMisfit, RecordUndecodable, SourceInvalid
from contracts.events import Author, Event, Media
from producers.sources.file.filtering import RowFilter
from producers.sources.file.mapping import RowMapping, content_id, decode_row, value_at

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def event_of(content: bytes, *maps: str, literals: tuple[str, ...] = ()) -> Event:
    mapping = RowMapping(maps, literals, source_name="tweets.jsonl")
    return mapping.event(decode_row(content), content)


def test_fields_are_taken_from_where_the_mapping_says() -> None:
    row = (
        b'{"tweet_id": 99, "tweet": "hi", "created_at": "2026-03-01T12:00:00Z", '
        b'"user": {"screen_name": "ann", "n": 12}}'
    )
    event = event_of(
        row, "id=tweet_id", "text=tweet", "time=created_at", "author.key=user.screen_name",
        "author.followers=user.n", literals=("source=twitter", "kind=news", "lang=en"),
    )  # fmt: skip
    assert event == Event(
        "99", "twitter", NOON, "hi", kind="news", lang="en", author=Author("ann", followers=12)
    )


def test_a_row_that_is_an_event_needs_no_mapping() -> None:
    row = (
        b'{"id": "1", "source": "s", "observed_at": "2026-03-01T12:00:00Z", "text": "x", '
        b'"media": [{"url": "u", "kind": "image"}], "author": {"key": "k"}, "unknown": 3}'
    )
    assert event_of(row) == Event(
        "1", "s", NOON, "x", media=(Media("u", "image"),), author=Author("k")
    )


def test_a_row_without_source_has_the_files_name_and_one_without_id_the_hash_of_its_line() -> None:
    row = b'{"time": 1772366400, "text": "x"}'
    event = event_of(row)
    assert (event.source, event.id) == ("tweets.jsonl", content_id("tweets.jsonl", row))
    assert len(event.id) == 32
    assert content_id("other.jsonl", row) != event.id


def test_an_author_may_be_a_name_alone() -> None:
    assert event_of(b'{"time": 1772366400, "author": "ann"}').author == Author("ann")


def test_null_and_absent_fields_are_left_out() -> None:
    event = event_of(b'{"time": 1772366400, "id": "1", "url": null, "user": null}', "title=user.x")
    assert (event.url, event.title) == (None, None)


def test_a_key_with_dots_goes_before_a_path() -> None:
    assert value_at({"a.b": 1, "a": {"b": 2}}, "a.b") == 1
    assert value_at({"a": {"b": {"c": 3}}}, "a.b.c") == 3
    assert value_at({"a": [1]}, "a.b") is None


@pytest.mark.parametrize(
    ("content", "place", "words"),
    [
        (b'{"text": "x"}', "$.time", "no time"),
        (b'{"text": "x", "time": "soon"}', "$.time", "expected ISO 8601"),
        (b'{"text": ["x"], "time": 1}', "$.text", "Expected `str`"),
        (b'{"kind": "tweet", "time": 1}', "$.kind", "Invalid enum"),
        (b'{"author": {"name": 5}, "time": 1}', "$.author.name", "Expected `str"),
        (b'[1]', "$", "JSON list; expected an object"),
    ],
)  # fmt: skip
def test_what_does_not_fit_names_the_field(content: bytes, place: str, words: str) -> None:
    with pytest.raises(RecordMisfit, match=words) as caught:
        event_of(content)
    assert caught.value.place == place


@pytest.mark.parametrize("content", [b"{", b"\xff", b"{}{}", b"nul", b"[" * 100_000])
def test_what_is_no_json_is_undecodable(content: bytes) -> None:
    with pytest.raises(RecordUndecodable):
        decode_row(content)


@given(st.binary(max_size=200))
def test_no_bytes_end_in_anything_but_an_event_or_a_record_error(content: bytes) -> None:
    outcome: Event | str
    try:
        outcome = event_of(content)
    except RecordInvalid as error:
        outcome = str(error)
    assert outcome


@pytest.mark.parametrize(
    ("maps", "literals", "words"),
    [
        (("txt=tweet",), (), "no field 'txt'; near: text"),
        (("text",), (), "expected FIELD=VALUE"),
        (("text=a",), ("text=b",), "named by --map and by --set"),
        ((), ("author.followers=many",), "whole number"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused(
    maps: tuple[str, ...], literals: tuple[str, ...], words: str
) -> None:
    with pytest.raises(SourceInvalid, match=words):
        RowMapping(maps, literals, source_name="a")


def test_a_filter_wants_one_value_of_every_field_named() -> None:
    wanted = RowFilter(["event=a", "event=b", "user.lang=en"])
    assert wanted.wants({"event": "b", "user": {"lang": "en"}})
    assert not wanted.wants({"event": "c", "user": {"lang": "en"}})
    assert not wanted.wants({"event": "a"})


def test_a_filter_compares_as_text_and_looks_into_lists() -> None:
    assert RowFilter(["n=3", "ok=true", "tags=x"]).wants({"n": 3, "ok": True, "tags": ["y", "x"]})
    assert RowFilter().wants({})
    with pytest.raises(SourceInvalid, match="expected FIELD=VALUE"):
        RowFilter(["event"])
