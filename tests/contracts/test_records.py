"""Every record comes back as it went, fits its schema, and refuses what it does not promise."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from contracts.alerts import (
    REASON_LIMIT,
    Alert,
    AlertTransition,
    CurvePoint,
    Evidence,
    Feedback,
    Phrase,
    Quote,
    Silence,
    alert_id,
)
from contracts.codec import RECORD_TYPES, Codec, encode_value, make_headers
from contracts.errors import RecordInvalid
from contracts.events import Author, Event, Media
from contracts.mentions import Mention, Tick, mention_id
from contracts.schemas import record_schema
from contracts.scores import HeadScore, ScoredEvent, Span
from contracts.watches import Rule, Watch

AT = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
TIME = "2026-01-02T03:04:05Z"
LIMIT_BYTES = 16 << 20
VALIDATORS = {record: Draft202012Validator(record_schema(record)) for record in RECORD_TYPES}


def optional(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


NAMES = st.text(min_size=1, max_size=20)
SLUGS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True)
MOMENTS = st.datetimes(
    timezones=st.integers(-1439, 1439).map(lambda m: timezone(timedelta(minutes=m)))
)
COUNTS = st.integers(0, 2**53 - 1)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
DURATIONS = st.floats(0, 1e9)
HASHES = st.from_regex(r"[0-9a-f]{64}", fullmatch=True)
KINDS = st.sampled_from(["social", "news", "support"])
AUTHORS = st.builds(Author, key=NAMES, name=optional(st.text()), followers=optional(COUNTS))
MEDIA = st.builds(
    Media, url=NAMES, kind=NAMES, content_type=optional(st.text()), sha256=optional(HASHES),
    size_bytes=optional(COUNTS), duration_s=optional(DURATIONS), alt=optional(st.text()),
)  # fmt: skip
EVENTS = st.builds(
    Event, id=NAMES, source=NAMES, observed_at=MOMENTS, text=st.text(), tenant=SLUGS, kind=KINDS,
    thread=optional(NAMES), author=optional(AUTHORS), repost_of=optional(NAMES), reply_to=optional(NAMES),
    context=optional(st.text(max_size=99)), url=optional(st.text()), lang=optional(st.text(max_size=9)),
    title=optional(st.text()), media=st.lists(MEDIA, max_size=3).map(tuple), received_at=optional(MOMENTS),
)  # fmt: skip
HEADS = st.dictionaries(
    st.text(),
    st.builds(
        HeadScore, label=st.text(), probability=NUMBERS, abstained=st.booleans(),
        probabilities=optional(st.dictionaries(st.text(), NUMBERS)),
    ),
)  # fmt: skip
SCORED = st.builds(
    ScoredEvent, event=EVENTS, lane=NAMES, lang=NAMES, lang_probability=NUMBERS, heads=HEADS, model_name=NAMES,
    model_version=NAMES, engine=NAMES, valence=optional(NUMBERS), vector=st.binary(), tokens=COUNTS,
    truncated=st.booleans(),
)  # fmt: skip
MENTIONS = st.builds(
    Mention, id=NAMES, tenant=SLUGS, watch=SLUGS, watch_revision=COUNTS, event_id=NAMES, source=NAMES, kind=KINDS,
    at=MOMENTS, lane=NAMES, partition=COUNTS, offset=COUNTS, lang=NAMES, heads=HEADS, model_version=NAMES,
    text=st.text(), revision=COUNTS, thread=optional(NAMES), author=optional(NAMES), reach=optional(COUNTS),
    repost_of=optional(NAMES), url=optional(NAMES), valence=optional(NUMBERS), vector=st.binary(),
    near_duplicate_of=optional(NAMES), spans=st.lists(st.tuples(COUNTS, COUNTS)).map(tuple),
)  # fmt: skip
TICKS = st.builds(
    Tick, lane=NAMES, partition=COUNTS, watermark_ms=st.integers(-(2**62), 2**62), idle=st.booleans()
)  # fmt: skip
RULES = st.builds(
    Rule, kind=NAMES, settings=st.dictionaries(st.text(), st.text() | NUMBERS | st.booleans()), id=optional(SLUGS)
)  # fmt: skip
WATCHES = st.builds(
    Watch, id=SLUGS, query=NAMES, tenant=SLUGS, name=optional(st.text()), revision=st.integers(1, 2**53),
    owner=optional(st.text()), state=st.sampled_from(["active", "paused"]), rules=st.lists(RULES).map(tuple),
)  # fmt: skip
MILLISECONDS = st.integers(-(2**62), 2**62)
SEVERITIES = st.sampled_from(["info", "warning", "critical"])
SAYINGS = st.dictionaries(st.sampled_from(["en", "zh"]), st.text())
SPANS = st.builds(Span, COUNTS, COUNTS, st.text(), NUMBERS, st.booleans())
QUOTES = st.builds(
    Quote, mention=NAMES, event=NAMES, source=NAMES, at=MOMENTS, lang=NAMES, text=st.text(max_size=280),
    why=st.sampled_from(["typical", "influential"]), author=optional(st.text()), reach=optional(COUNTS),
    url=optional(st.text()), label=optional(st.text()), probability=optional(NUMBERS),
    spans=st.lists(SPANS, max_size=2).map(tuple),
)  # fmt: skip
EVIDENCE = st.builds(
    Evidence, measure=NAMES, observed=NUMBERS, threshold=NUMBERS, window_s=COUNTS, mentions=COUNTS, voices=COUNTS,
    sources=st.dictionaries(st.text(), COUNTS, max_size=3), reach=COUNTS, expected=optional(NUMBERS),
    probability=optional(NUMBERS), single_source=st.booleans(),
    curve=st.lists(st.builds(CurvePoint, MILLISECONDS, NUMBERS, NUMBERS), max_size=3).map(tuple),
    quotes=st.lists(QUOTES, max_size=2).map(tuple),
    phrases=st.lists(st.builds(Phrase, st.text(), COUNTS, NUMBERS), max_size=3).map(tuple), says=SAYINGS,
    modality=optional(st.text()), story=optional(st.text()),
)  # fmt: skip
SILENCES = st.builds(
    Silence, by=st.text(), until=MOMENTS, why=optional(st.text()), id=optional(st.text())
)
ALERTS = st.builds(
    Alert, id=NAMES, tenant=SLUGS, watch=SLUGS, rule=NAMES, kind=NAMES,
    state=st.sampled_from(["pending", "firing", "acknowledged", "resolved"]), severity=SEVERITIES, number=COUNTS,
    began_at=MOMENTS, updated_at=MOMENTS, evidence=EVIDENCE, watch_name=optional(st.text()), by=optional(st.text()),
    group=optional(st.text()), fired_at=optional(MOMENTS), resolved_at=optional(MOMENTS),
    acknowledged_by=optional(st.text()), silenced=optional(SILENCES), reopened=COUNTS, watch_revision=COUNTS,
    rule_version=st.text(), model_versions=st.lists(st.text(), max_size=3).map(tuple),
)  # fmt: skip
TRANSITIONS = st.builds(
    AlertTransition, alert=NAMES, tenant=SLUGS, watch=SLUGS, rule=NAMES, kind=NAMES, number=COUNTS, change=NAMES,
    state=NAMES, severity=SEVERITIES, at=MOMENTS, group=optional(st.text()), by=optional(st.text()),
    why=optional(st.text()), until=optional(MOMENTS), says=SAYINGS,
)  # fmt: skip
FEEDBACK = st.builds(
    Feedback, tenant=SLUGS, watch=SLUGS,
    action=st.sampled_from(["acknowledge", "silence", "unsilence", "useful", "not_useful"]), by=NAMES, at=MOMENTS,
    alert=optional(st.text()), rule=optional(st.text()), group=optional(st.text()),
    why=optional(st.text(max_size=REASON_LIMIT)), until=optional(MOMENTS), id=optional(NAMES),
)  # fmt: skip
RECORDS: list[st.SearchStrategy[msgspec.Struct]] = [
    EVENTS, SCORED, MENTIONS, TICKS, WATCHES, ALERTS, TRANSITIONS, FEEDBACK,
]  # fmt: skip


@given(st.one_of(RECORDS))
def test_every_record_comes_back_as_it_went_and_fits_its_schema(record: msgspec.Struct) -> None:
    value = encode_value(record)
    headers = make_headers(type(record), "id", source="test")
    codec = Codec(type(record), limit_bytes=LIMIT_BYTES)
    assert codec.decode(value, headers) == record
    assert codec.decode(value, []) == record
    VALIDATORS[type(record)].validate(json.loads(value))


EVENT = {"id": "1", "source": "s", "observed_at": TIME}
TICK = {"lane": "text", "partition": 0, "watermark_ms": 1}
WATCH = {"id": "acme", "query": "x"}
SAID = {"tenant": "default", "watch": "acme", "action": "useful", "by": "ana", "at": TIME}


@pytest.mark.parametrize(
    ("record", "given", "wrong"),
    [
        (Event, EVENT, {"id": ""}),
        (Event, EVENT, {"id": "x" * 257}),
        (Event, EVENT, {"source": 1}),
        (Event, EVENT, {"observed_at": None}),
        (Event, EVENT, {"tenant": "a/b"}),
        (Event, EVENT, {"tenant": "acme\n"}),
        (Event, EVENT, {"kind": "gossip"}),
        (Event, EVENT, {"context": "x" * 513}),
        (Event, EVENT, {"author": {"name": "no key"}}),
        (Event, EVENT, {"author": {"key": "k", "followers": -1}}),
        (Event, EVENT, {"author": {"key": "k", "followers": 1.5}}),
        (Event, EVENT, {"author": {"key": "k", "followers": 2**53}}),
        (Event, EVENT, {"media": [{"url": "u", "kind": "image", "sha256": "f" * 63}]}),
        (Event, EVENT, {"media": [{"url": "u", "kind": "image", "sha256": "f" * 64 + "\n"}]}),
        (Event, EVENT, {"media": [{"url": "u", "kind": "image"}] * 33}),
        (Tick, TICK, {"watermark_ms": "1"}),
        (Tick, TICK, {"idle": 1}),
        (Watch, WATCH, {"id": "acme\n"}),
        (Watch, WATCH, {"id": "小米"}),
        (Watch, WATCH, {"id": "../acme"}),
        (Watch, WATCH, {"query": ""}),
        (Watch, WATCH, {"query": "x" * 4097}),
        (Watch, WATCH, {"revision": 0}),
        (Watch, WATCH, {"state": "gone"}),
        (Watch, WATCH, {"rules": [{"settings": {}}]}),
        (Watch, WATCH, {"rules": [{"kind": "volume", "settings": {"over": None}}]}),
        (Watch, WATCH, {"rules": [{"kind": "volume", "id": "a/b"}]}),
        (Feedback, SAID, {"action": "resolve"}),
        (Feedback, SAID, {"by": ""}),
        (Feedback, SAID, {"why": "x" * 1001}),
    ],
)  # fmt: skip
def test_record_and_schema_refuse_the_same(
    record: type[msgspec.Struct], given: dict[str, Any], wrong: dict[str, Any]
) -> None:
    codec = Codec(record, limit_bytes=LIMIT_BYTES)
    assert codec.decode(json.dumps(given).encode(), []) is not None
    assert VALIDATORS[record].is_valid(given)
    with pytest.raises(RecordInvalid):
        codec.decode(json.dumps(given | wrong).encode(), [])
    assert not VALIDATORS[record].is_valid(given | wrong)


@pytest.mark.parametrize("missing", EVENT)
def test_an_event_has_an_id_a_source_and_a_time(missing: str) -> None:
    event = {key: value for key, value in EVENT.items() if key != missing}
    with pytest.raises(RecordInvalid, match=missing):
        Codec(Event, limit_bytes=LIMIT_BYTES).decode(json.dumps(event).encode(), [])
    assert not VALIDATORS[Event].is_valid(event)


def observed(time: object) -> datetime:
    value = json.dumps(EVENT | {"observed_at": time}).encode()
    event = Codec(Event, limit_bytes=LIMIT_BYTES).decode(value, [])
    return event.observed_at


@pytest.mark.parametrize(
    ("time", "moment"),
    [
        (TIME, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02t03:04:05z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02 03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02T11:04:05+08:00", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02T03:04:05.1234564Z", datetime(2026, 1, 2, 3, 4, 5, 123_456, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_time_with_a_zone_is_read(time: str, moment: datetime) -> None:
    assert observed(time) == moment


@pytest.mark.parametrize(
    "time",
    [
        "2026-01-02T03:04:05",
        "2026-01-02",
        "2026-01-02T03:04Z",
        "2026-02-30T03:04:05Z",
        "2026-01-02T24:00:00Z",
        "2026-12-31T23:59:60Z",
        "2026-01-02T03:04:05+24:00",
        "0000-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "now",
        1_767_323_045,
    ],
)
def test_a_time_without_a_zone_or_off_the_calendar_is_refused(time: object) -> None:
    with pytest.raises(RecordInvalid) as caught:
        observed(time)
    assert caught.value.place == "$.observed_at"


def test_a_record_does_not_change() -> None:
    event = Event(id="1", source="s", observed_at=AT)
    with pytest.raises(AttributeError, match="immutable"):
        event.text = "other"  # type: ignore[misc]


def test_a_thread_keeps_order_and_without_one_an_event_stands_alone() -> None:
    alone = Event(id="1", source="s", observed_at=AT)
    reply = Event(id="2", source="s", observed_at=AT, thread="1", tenant="acme")
    assert (alone.thread_key, alone.key) == ("1", "default/1")
    assert (reply.thread_key, reply.key) == ("1", "acme/1")
    assert ScoredEvent(reply, "text", "en", 1.0, {}, "m", "v", "ort").key == reply.key


def test_a_watch_and_its_mentions_share_their_key() -> None:
    watch = Watch(id="acme", query="acme", tenant="shop")
    mention = Mention(
        id="m", tenant="shop", watch="acme", watch_revision=1, event_id="1", source="s", kind="news", at=AT,
        lane="text", partition=0, offset=0, lang="en", heads={}, model_version="v", text="",
    )  # fmt: skip
    assert watch.key == mention.key == "shop/acme"


def test_the_id_of_a_mention_never_changes() -> None:
    event = ("mastodon", "1")
    assert mention_id("default", "acme", event=event) == "d2d49d49c70c76c79bd7e74a2207f04b"
    assert mention_id("店", "小米", event=event, revision=2) == "c53901490b8a1bed21feb119ee55a959"


PARTS = st.tuples(st.text(), st.text(), st.text(), st.text(), st.integers(1, 100))


@given(PARTS, PARTS)
def test_no_two_mentions_share_an_id(
    one: tuple[str, str, str, str, int], other: tuple[str, str, str, str, int]
) -> None:
    first, second = (mention_id(p[0], p[1], event=p[2:4], revision=p[4]) for p in (one, other))
    assert (first == second) == (one == other)


def test_moving_a_letter_from_one_part_to_the_next_makes_another_id() -> None:
    ids = {
        mention_id("a", "bc", event=("d", "1")),
        mention_id("ab", "c", event=("d", "1")),
        mention_id("a", "b", event=("cd", "1")),
        mention_id("a", "bc", event=("", "d1")),
        mention_id("a", "bc", event=("d", ""), revision=1),
    }
    assert len(ids) == 5


def test_what_belongs_to_an_alert_lies_on_the_partition_of_its_watch() -> None:
    # Given what is said and told of one watch
    feedback = Feedback("shop", "acme", "acknowledge", "ana", AT)
    transition = AlertTransition(
        "a1", "shop", "acme", "r", "volume_spike", 1, "fired", "firing", "info", AT
    )
    # Then it is keyed by the watch, and an alert by itself below that
    assert feedback.key == transition.key == Watch(id="acme", query="acme", tenant="shop").key
    evidence = Evidence("volume", 9.0, 1e-6, 60, 9, 9, {})
    alert = Alert("a1", "shop", "acme", "r", "volume_spike", "firing", "info", 1, AT, AT, evidence)
    assert alert.key == "shop/acme/a1"
    assert alert.is_active


@given(PARTS, PARTS)
def test_no_two_alerts_share_an_id(
    one: tuple[str, str, str, str, int], other: tuple[str, str, str, str, int]
) -> None:
    first, second = (
        alert_id(part[0], part[1], group=part[2], decided_ms=part[4]) for part in (one, other)
    )
    assert (first == second) == ((*one[:3], one[4]) == (*other[:3], other[4]))
