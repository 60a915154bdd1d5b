"""What a request may carry, and how what is wrong with it is named."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import RecordInvalid, RecordUndecodable
from contracts.events import Event
from producers.sources.http.bodies import Body, BodyReader, TooManyEvents, WrongContentType

READER = BodyReader(limit=100)
JSON = {"content-type": "application/json"}


def row(**fields: Any) -> dict[str, Any]:
    return {"id": "1", "source": "s", "observed_at": "2026-03-01T12:00:00Z", "text": "x"} | fields


def read(body: object, **headers: str) -> Body:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return READER.read(content, JSON | named)


def cloud_event(**fields: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": "c1", "source": "s", "type": "hubbub.event.v1",
        "time": "2026-03-01T12:00:00Z", "data": {"text": "x"},
    } | fields  # fmt: skip


def ids(body: Body) -> list[str]:
    assert body.refusals == []
    return [event.id for event in body.events]


def test_one_event_and_many_are_read() -> None:
    assert ids(read(row())) == ["1"]
    assert ids(read([row(), row(id="2")])) == ["1", "2"]
    assert ids(read([])) == []


def test_lines_are_read_and_blank_ones_passed_over() -> None:
    lines = b"\n".join([json.dumps(row()).encode(), b"", json.dumps(row(id="2")).encode(), b""])
    for kind in ("application/x-ndjson", "application/jsonl", "Application/NDJSON; charset=UTF-8"):
        assert ids(read(lines, content_type=kind)) == ["1", "2"]


def test_cloud_events_are_read_alone_and_in_batches() -> None:
    one = read(cloud_event(), content_type="application/cloudevents+json")
    assert one.events == [Event("c1", "s", one.events[0].observed_at, "x")]
    many = read(
        [cloud_event(), cloud_event(id="c2")], content_type="application/cloudevents-batch+json"
    )
    assert ids(many) == ["c1", "c2"]


def test_a_cloud_event_in_headers_completes_the_event_and_is_percent_decoded() -> None:
    body = read(
        {"text": "x"}, ce_specversion="1.0", ce_type="hubbub.event.v1", ce_id="%E8%AF%BA-1",
        ce_source="s", ce_time="2026-03-01T12:00:00Z",
    )  # fmt: skip
    assert ids(body) == ["诺-1"]
    assert body.events[0].source == "s"


@pytest.mark.parametrize(
    ("body", "kind", "place", "code"),
    [
        ([row(), row(observed_at="soon")], "application/json", "$[1].observed_at", "record_misfit"),
        ([row(), 5], "application/json", "$[1]", "record_misfit"),
        ({"id": 5}, "application/json", "$.id", "record_misfit"),
        ([cloud_event(type="a.b.v1")], "application/cloudevents-batch+json", "$[0].type", "unknown_type"),
        ([cloud_event(type="hubbub.event.v9")], "application/cloudevents-batch+json", "$[0].type",
         "unknown_major_version"),
    ],
    ids=["item", "number", "alone", "type", "version"],
)  # fmt: skip
def test_what_does_not_fit_is_named(body: object, kind: str, place: str, code: str) -> None:
    found = read(body, content_type=kind)
    assert found.is_readable
    assert [(refusal.place, refusal.code) for refusal in found.refusals] == [(place, code)]


def test_a_line_that_is_no_json_makes_the_body_unreadable_and_names_the_line() -> None:
    lines = json.dumps(row()).encode() + b"\n{nonsense\n"
    found = read(lines, content_type="application/jsonl")
    assert not found.is_readable
    assert [(refusal.index, refusal.place) for refusal in found.refusals] == [(1, "line 2")]


@pytest.mark.parametrize("content", [b"", b" \n", b"[1,", b"[" * 5000])
def test_a_body_that_is_no_json_is_undecodable(content: bytes) -> None:
    with pytest.raises(RecordUndecodable):
        read(content)


def test_a_cloud_event_in_headers_needs_all_of_them() -> None:
    with pytest.raises(RecordUndecodable, match="ce-specversion, ce-source, ce-type"):
        read({"text": "x"}, ce_id="1")


@pytest.mark.parametrize(
    "headers",
    [
        {"content_type": "text/plain"},
        {"content_type": ""},
        {"content_type": "application/json; charset=gbk"},
        {"content_encoding": "gzip"},
    ],
    ids=["text", "none", "charset", "gzip"],
)
def test_another_kind_of_body_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(WrongContentType, match="expected"):
        read(row(), **headers)


def test_too_many_events_are_refused() -> None:
    with pytest.raises(TooManyEvents, match="101 events; the limit is 100"):
        read([row()] * 101)


@given(st.binary(max_size=200), st.sampled_from(["application/json", "application/jsonl"]))
def test_no_bytes_end_in_anything_but_events_refusals_or_a_record_error(
    content: bytes, kind: str
) -> None:
    outcome: Body | str
    try:
        outcome = read(content, content_type=kind)
    except RecordInvalid as error:
        outcome = str(error)
    assert outcome
