"""The codec reads what producers really send, and names the place of what it cannot read."""

import base64
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.codec import Codec, encode_value, epoch_ms, make_headers, rfc3339
from contracts.envelopes import Envelope, Headers
from contracts.errors import (
    RecordInvalid,
    RecordMisfit,
    RecordTooLarge,
    RecordUndecodable,
    UnknownMajorVersion,
    UnknownType,
)
from contracts.events import Author, Event, Media
from contracts.mentions import Tick
from contracts.watches import Watch

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EVENT = Event(id="1", source="mastodon", observed_at=AT, text="late again", author=Author("ann"))
VALUE = encode_value(EVENT)
HEADERS = make_headers(Event, "1", source="mastodon", time=rfc3339(AT))
STRUCTURED = [("content-type", b"application/cloudevents+json")]
DEEP = b"[" * 100_000
ATTRIBUTES = {"specversion": "1.0", "id": "1", "source": "mastodon", "type": "hubbub.event.v1"}
LIMIT_BYTES = 1 << 20
CODEC = Codec(Event, limit_bytes=LIMIT_BYTES)


def event_json(**changes: Any) -> bytes:
    return json.dumps(json.loads(VALUE) | changes).encode()


def structured(**changes: Any) -> bytes:
    event = ATTRIBUTES | {"data": json.loads(VALUE)} | changes
    return json.dumps({k: v for k, v in event.items() if v is not ...}).encode()


def refusal(value: bytes | None, headers: Headers = (), codec: Any = CODEC) -> RecordInvalid:
    with pytest.raises(RecordInvalid) as caught:
        codec.decode(value, headers)
    return caught.value


@pytest.mark.parametrize(
    ("value", "headers"),
    [
        pytest.param(VALUE, HEADERS, id="binary"),
        pytest.param(VALUE, [], id="bare JSON"),
        pytest.param(b" \n" + VALUE + b"\r\n", [], id="with space around"),
        pytest.param(VALUE, [("ce_type", b"hubbub.event.v1")], id="with a type alone"),
        pytest.param(VALUE, [(n.upper(), raw) for n, raw in HEADERS], id="names in odd case"),
        pytest.param(
            VALUE, [*HEADERS[:1], *HEADERS[2:], ("content-type", b"Application/JSON; charset=UTF-8")],
            id="with a charset",
        ),
        pytest.param(VALUE, [*HEADERS, ("baggage", b"\xff"), ("empty", None)], id="more headers"),
        pytest.param(VALUE, [("ce_specversion", b"1.1"), *HEADERS[1:]], id="a later minor version"),
        pytest.param(VALUE, [("ce_type", None)], id="a type of None"),
        pytest.param(VALUE, [("ce_type", b"other.v1"), *HEADERS], id="of two types the last"),
        pytest.param(structured(), STRUCTURED, id="structured"),
        pytest.param(
            structured(), [("Content-Type", b"application/CloudEvents+JSON ; charset=utf-8")],
            id="structured, with a charset and in odd case",
        ),
        pytest.param(
            structured(data=..., data_base64=base64.b64encode(VALUE).decode()), STRUCTURED,
            id="structured, data_base64",
        ),
        pytest.param(structured(partitionkey="x", datacontenttype="application/json"), STRUCTURED,
            id="structured, with extensions",
        ),
        pytest.param(event_json(new_field={"a": [1]}), HEADERS, id="with a field of a later version"),
    ],
)  # fmt: skip
def test_one_event_is_read_however_it_is_wrapped(value: bytes, headers: Headers) -> None:
    assert CODEC.decode(value, headers) == EVENT


def test_what_is_written_is_in_binary_mode() -> None:
    assert HEADERS == [
        ("ce_specversion", b"1.0"),
        ("content-type", b"application/json"),
        ("ce_type", b"hubbub.event.v1"),
        ("ce_id", b"1"),
        ("ce_source", b"mastodon"),
        ("ce_time", b"2026-01-02T03:04:05.000Z"),
    ]
    assert make_headers(Tick, "t", source="s", traceparent="00-1")[-1] == ("traceparent", b"00-1")


def test_what_is_default_is_not_written() -> None:
    assert json.loads(VALUE) == {
        "id": "1", "source": "mastodon", "observed_at": "2026-01-02T03:04:05Z",
        "text": "late again", "author": {"key": "ann"},
    }  # fmt: skip


def test_a_topic_with_two_records_tells_them_apart_by_type() -> None:
    codec = Codec(Event, Tick, limit_bytes=1000)
    tick = Tick("text", 3, 5)
    headers = make_headers(Tick, "t", source="score")
    assert codec.decode(encode_value(tick), headers) == tick
    assert codec.decode(VALUE, HEADERS) == EVENT
    assert codec.decode(VALUE, []) == EVENT


def test_an_event_takes_id_source_and_time_from_its_envelope() -> None:
    value = b'{"text": "late again", "author": {"key": "ann"}}'
    assert CODEC.decode(value, HEADERS) == EVENT
    whole = structured(time="2026-01-02T03:04:05Z", data=json.loads(value))
    assert CODEC.decode(whole, STRUCTURED) == EVENT


@pytest.mark.parametrize("more", [[], [("ce_specversion", b"1.1")]])
def test_an_attribute_that_is_not_utf8_matters_only_where_it_is_needed(more: Headers) -> None:
    headers = [*HEADERS, ("ce_id", b"\xff"), *more]
    assert CODEC.decode(VALUE, headers) == EVENT
    error = refusal(b'{"text": "x"}', headers)
    assert (type(error), error.place) == (RecordUndecodable, "ce_id")
    with pytest.raises(RecordUndecodable, match="header ce_id is not UTF-8"):
        CODEC.envelope(headers)


def test_what_an_event_says_itself_beats_its_envelope() -> None:
    event = CODEC.decode(b'{"id": "9", "text": "x"}', HEADERS)
    assert isinstance(event, Event)
    assert (event.id, event.source, event.observed_at) == ("9", "mastodon", AT)


def test_filling_in_leaves_alone_what_no_reader_of_ours_knows() -> None:
    event = CODEC.decode(b'{"text": "x", "huge": ' + b"9" * 5000 + b"}", HEADERS)
    assert isinstance(event, Event)
    assert event.id == "1"


def test_a_record_that_is_no_event_is_not_filled_in() -> None:
    codec = Codec(Watch, limit_bytes=1000)
    error = refusal(b'{"query": "x"}', make_headers(Watch, "acme", source="s"), codec)
    assert (type(error), error.place) == (RecordMisfit, "$")


def test_the_envelope_can_be_read_alone() -> None:
    headers = [*HEADERS, ("ce_subject", b"s"), ("traceparent", b"00-1"), ("ce_id", b"2")]
    assert CODEC.envelope(headers) == Envelope(
        id="2", source="mastodon", type="hubbub.event.v1", time="2026-01-02T03:04:05.000Z",
        subject="s", traceparent="00-1",
    )  # fmt: skip
    assert CODEC.envelope([]) == Envelope()


@pytest.mark.parametrize(
    ("value", "error", "place"),
    [
        (None, RecordUndecodable, "$"),
        (b"", RecordUndecodable, "$"),
        (b"   ", RecordUndecodable, "$"),
        (b"{", RecordUndecodable, "$"),
        (VALUE[:-1], RecordUndecodable, "$"),
        (VALUE + b"{}", RecordUndecodable, "$"),
        (b"\xef\xbb\xbf" + VALUE, RecordUndecodable, "$"),
        (b'{"id": "\xff"}', RecordUndecodable, "$"),
        (b'{"id": "\\ud800"}', RecordUndecodable, "$"),
        (b'{"id": "\\ud800 and more"}', RecordUndecodable, "$"),
        (b'{"id": "\xed\xa0\x80"}', RecordUndecodable, "$"),
        (b'{"id": "a\x00b"}', RecordUndecodable, "$"),
        (DEEP, RecordMisfit, "$"),
        (b'{"id": ' + DEEP, RecordMisfit, "$.id"),
        (b'{"new_field": ' + DEEP, RecordUndecodable, "$"),
        (b'{"new_field": ' + DEEP + b"]" * 100_000 + b"}", RecordUndecodable, "$"),
        (b'{"new_field": NaN}', RecordUndecodable, "$"),
        (b'{"new_field": Infinity}', RecordUndecodable, "$"),
        (b"[]", RecordMisfit, "$"),
        (b"null", RecordMisfit, "$"),
        (b'"text"', RecordMisfit, "$"),
        (b"{}", RecordMisfit, "$"),
        (event_json(id=None), RecordMisfit, "$.id"),
        (event_json(id=1), RecordMisfit, "$.id"),
        (event_json(id=""), RecordMisfit, "$.id"),
        (event_json(kind="gossip"), RecordMisfit, "$.kind"),
        (event_json(tenant="a/b"), RecordMisfit, "$.tenant"),
        (event_json(text="x" * 200_001), RecordMisfit, "$.text"),
        (event_json(author={"key": "k", "followers": -1}), RecordMisfit, "$.author.followers"),
        (event_json(author={"key": "k", "followers": 2**53}), RecordMisfit, "$.author.followers"),
        (event_json(media=[{"url": "u", "kind": "image"}, {"kind": "image"}]), RecordMisfit, "$.media[1]"),
        (VALUE[:-1] + b', "media": [{"url": "u", "kind": "video", "duration_s": 1e400}]}',
            RecordMisfit, "$.media[0].duration_s"),
    ],
)  # fmt: skip
def test_a_value_that_is_no_event_is_refused_at_its_place(
    value: bytes | None, error: type[RecordInvalid], place: str
) -> None:
    for headers in ([], HEADERS[:3]):
        refused = refusal(value, headers)
        assert (type(refused), refused.place) == (error, place)
        assert refused.disposition == "dead_letter"


def test_a_value_over_the_limit_is_refused_and_one_at_the_limit_is_not() -> None:
    assert Codec(Event, limit_bytes=len(VALUE)).decode(VALUE, HEADERS) == EVENT
    refused = refusal(VALUE, HEADERS, Codec(Event, limit_bytes=len(VALUE) - 1))
    assert isinstance(refused, RecordTooLarge)
    assert str(refused) == f"{len(VALUE)} bytes; the limit is {len(VALUE) - 1}"


@pytest.mark.parametrize(
    ("headers", "error", "place"),
    [
        ([("ce_type", b"com.example.post")], UnknownType, "ce_type"),
        ([("ce_type", b"hubbub.mention.v1")], UnknownType, "ce_type"),
        ([("ce_type", b"hubbub.event.v2")], UnknownMajorVersion, "ce_type"),
        ([("ce_type", b"hubbub.event.v" + b"9" * 5000)], UnknownMajorVersion, "ce_type"),
        ([("ce_type", b"\xff")], RecordUndecodable, "ce_type"),
        ([("ce_specversion", b"2.0"), *HEADERS[1:]], UnknownMajorVersion, "ce_specversion"),
        ([("ce_specversion", b"0.3"), *HEADERS[1:]], UnknownMajorVersion, "ce_specversion"),
        ([("content-type", b"application/cloudevents+avro")], RecordUndecodable, "content-type"),
        ([("content-type", b"application/cloudevents-batch+json")], RecordUndecodable, "content-type"),
    ],
)  # fmt: skip
def test_an_envelope_that_we_do_not_know_is_refused(
    headers: Headers, error: type[RecordInvalid], place: str
) -> None:
    refused = refusal(VALUE, headers)
    assert (type(refused), refused.place) == (error, place)


@pytest.mark.parametrize(
    ("value", "error", "place"),
    [
        (structured(type="hubbub.event.v2"), UnknownMajorVersion, "$.type"),
        (structured(type="com.example.post"), UnknownType, "$.type"),
        (structured(specversion="2.0"), UnknownMajorVersion, "$.specversion"),
        (structured(specversion=1.0), RecordMisfit, "$.specversion"),
        (structured(id=...), RecordMisfit, "$"),
        (structured(data=...), RecordMisfit, "$.data"),
        (structured(data=None), RecordMisfit, "$.data"),
        (structured(data={"kind": "gossip", "observed_at": "2026-01-02T03:04:05Z"}), RecordMisfit, "$.data.kind"),
        (structured(data_base64="e30="), RecordMisfit, "$.data_base64"),
        (structured(data=..., data_base64="%"), RecordMisfit, "$.data_base64"),
        (structured(data=..., data_base64="ew=="), RecordUndecodable, "$.data_base64"),
        (structured(data=..., data_base64="eyJraW5kIjogMX0="), RecordMisfit, "$.data_base64.kind"),
        (VALUE, RecordMisfit, "$"),
        (DEEP, RecordMisfit, "$"),
        (b'{"data": ' + DEEP, RecordUndecodable, "$"),
    ],
)  # fmt: skip
def test_a_structured_event_is_refused_at_its_place(
    value: bytes, error: type[RecordInvalid], place: str
) -> None:
    refused = refusal(value, STRUCTURED)
    assert (type(refused), refused.place) == (error, place)


def test_a_message_says_what_was_given_and_what_was_expected() -> None:
    wrong = refusal(event_json(kind="gossip"), HEADERS)
    assert str(wrong) == "Invalid enum value 'gossip'"
    unknown = refusal(VALUE, [("ce_type", b"hubbub.event.v2")])
    assert str(unknown) == (
        "type 'hubbub.event.v2': major version 2 is unknown; expected hubbub.event.v1"
    )


def test_of_a_key_that_stands_twice_the_last_counts() -> None:
    event = CODEC.decode(b'{"id": "a", ' + VALUE[1:-1] + b', "id": "b"}', [])
    assert isinstance(event, Event)
    assert event.id == "b"


@given(
    st.one_of(
        st.binary(),
        st.tuples(st.integers(0, len(VALUE)), st.binary(max_size=9)).map(
            lambda cut: VALUE[: cut[0]] + cut[1] + VALUE[cut[0] + len(cut[1]) :]
        ),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(Event.__struct_fields__), inner),
        ).map(lambda value: json.dumps(value).encode()),
    ),
    st.lists(
        st.tuples(
            st.sampled_from(["ce_type", "ce_id", "ce_specversion", "Content-Type", "ce_time", "x"]),
            st.none()
            | st.binary()
            | st.sampled_from([raw for _, raw in HEADERS] + [STRUCTURED[0][1]]),
        )
    ),
)  # fmt: skip
def test_whatever_comes_is_an_event_or_a_dead_letter(
    value: bytes, headers: list[tuple[str, bytes | None]]
) -> None:
    result: Event | RecordInvalid
    try:
        result = CODEC.decode(value, headers)
    except RecordInvalid as error:
        result = error
    assert isinstance(result, Event) or result.place.startswith(("$", "ce_", "content-type"))


def test_text_that_utf8_cannot_hold_is_not_written() -> None:
    broken = Event(id="1", source="s", observed_at=AT, text="half a face \ud83d")
    with pytest.raises(RecordMisfit, match="surrogates not allowed at character 12"):
        encode_value(broken)
    with pytest.raises(RecordMisfit, match="surrogates not allowed"):
        make_headers(Event, "\ud83d", source="s")


def test_a_number_that_is_not_finite_is_read_by_nobody() -> None:
    value = encode_value(Event("1", "s", AT, media=(Media("u", "video", duration_s=float("nan")),)))
    assert b'"duration_s":null' in value


MOMENTS = st.datetimes(
    timezones=st.integers(-1439, 1439).map(lambda m: timezone(timedelta(minutes=m)))
)


@given(MOMENTS)
def test_epoch_ms_is_exact_and_rounds_down_in_every_year(moment: datetime) -> None:
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    micros = (since.days * 86_400 + since.seconds) * 10**6 + since.microseconds
    assert epoch_ms(moment) == micros // 1000


@given(MOMENTS)
def test_rfc3339_names_the_same_millisecond_in_every_year(moment: datetime) -> None:
    text = rfc3339(moment)
    assert epoch_ms(datetime.fromisoformat(text)) == epoch_ms(moment)
    assert text.endswith("Z") or moment.year in (1, 9999)


def test_the_ends_of_the_calendar_have_their_milliseconds() -> None:
    assert epoch_ms(datetime(1, 1, 1, tzinfo=UTC)) == -62_135_596_800_000
    last = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    assert epoch_ms(last) == 253_402_300_799_999
    early = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5)))
    assert rfc3339(early) == "0001-01-01T00:00:00.000+05:00"
