"""Lines: one record as one line for people, or as one JSON document for programs.

In: a record as it came. Out: its moment, its source, what the models say, its words. Pure; shows what cannot be
decoded as it is, for this is where people look when something is wrong.
"""

from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from consumers.protocols import Record
from contracts.alerts import Alert, AlertTransition, Feedback
from contracts.codec import Codec, rfc3339
from contracts.dead_letters import DeadLetter, retried_id
from contracts.errors import RecordInvalid
from contracts.events import Event
from contracts.mentions import Mention, Tick
from contracts.scores import HeadScore, ScoredEvent
from contracts.topics import LETTER_LIMIT_BYTES
from contracts.watches import Watch

HEAD = "emotion"
_DECODER: Codec[Any] = Codec(
    Event,
    ScoredEvent,
    Mention,
    Tick,
    Watch,
    Alert,
    AlertTransition,
    Feedback,
    limit_bytes=LETTER_LIMIT_BYTES,
)


class Line(NamedTuple):
    """Hold the parts of a line; `label` is the emotion and its probability, with `?` where the model abstains."""

    time: str
    source: str
    lang: str
    label: str
    text: str


# 9999-12-31T23:59:59Z
LATEST_MS = 253_402_300_799_000


def line_of(record: Record) -> Line:
    """Return a record as a line; never raises for what lies in it."""
    time = _time(record.timestamp)
    try:
        return _letter_line(record, time=time) or _record_line(record, time=time)
    except RecordInvalid as error:
        words = (record.value or b"").decode("utf-8", "backslashreplace")
        return Line(time, _key(record), "", error.code, words)


def document_of(record: Record) -> dict[str, Any]:
    """Return a record as a JSON document, its value as it lies where that is JSON, else as `value_base64`."""
    document: dict[str, Any] = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp_ms": record.timestamp,
        "key": None if record.key is None else record.key.decode("utf-8", "backslashreplace"),
        "headers": [
            [name, None if raw is None else raw.decode("utf-8", "backslashreplace")]
            for name, raw in record.headers
        ],
    }
    try:
        # Decoded and not only passed on: what is no JSON would break the line.
        value = msgspec.json.format(record.value, indent=-1) if record.value else b"null"
        msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return document | {"value_base64": record.value}
    return document | {"value": msgspec.Raw(value)}


def _letter_line(record: Record, *, time: str) -> Line | None:
    marked = retried_id(record.headers)
    if marked is not None:
        return Line(time, "dead-letter", "", "put back", marked)
    try:
        letter = DeadLetter.from_headers(record.headers)
    except RecordInvalid:
        return None
    return Line(time, letter.stage, "", letter.code, f"{letter.id} {letter.place}: {letter.reason}")


def _record_line(record: Record, *, time: str) -> Line:
    entry = _DECODER.decode(record.value, record.headers)
    if isinstance(entry, ScoredEvent):
        event = entry.event
        return Line(
            rfc3339(event.observed_at), event.source, entry.lang, _label(entry.heads), _words(event)
        )
    if isinstance(entry, Mention):
        words = f"[{entry.key}] {entry.text}"
        return Line(rfc3339(entry.at), entry.source, entry.lang, _label(entry.heads), words)
    if isinstance(entry, Tick):
        reached = _time(entry.watermark_ms)
        idle = ", idle" if entry.idle else ""
        return Line(time, f"{entry.lane}/{entry.partition}", "", "tick", f"up to {reached}{idle}")
    if isinstance(entry, Watch):
        return Line(time, entry.key, "", f"revision {entry.revision}", entry.query)
    if isinstance(entry, Alert | AlertTransition | Feedback):
        return _alert_line(entry)
    return Line(rfc3339(entry.observed_at), entry.source, entry.lang or "", "", _words(entry))


def _alert_line(entry: Alert | AlertTransition | Feedback) -> Line:
    if isinstance(entry, Feedback):
        words = " ".join(part for part in (entry.by, entry.alert or entry.rule, entry.why) if part)
        return Line(rfc3339(entry.at), entry.key, "", entry.action, words)
    if isinstance(entry, Alert):
        says = entry.evidence.says
        at, change = entry.updated_at, f"{entry.state}, {entry.severity}"
    else:
        says = entry.says
        at, change = entry.at, f"{entry.change}, {entry.severity}"
    group = f" {entry.group}" if entry.group else ""
    words = f"[{entry.rule}{group}] {says.get('en', '')}"
    return Line(rfc3339(at), f"{entry.tenant}/{entry.watch}", "", change, words)


def _label(heads: dict[str, HeadScore]) -> str:
    score = heads.get(HEAD)
    if score is None:
        return ""
    return f"{score.label}{'?' if score.abstained else ''} {score.probability:.2f}"


def _words(event: Event) -> str:
    return f"{event.title} — {event.text}" if event.title else event.text


def _key(record: Record) -> str:
    return (record.key or b"").decode("utf-8", "backslashreplace")


def _time(at_ms: int) -> str:
    """Return epoch milliseconds as RFC 3339, the ends of the calendar for what lies beyond them."""
    return rfc3339(datetime.fromtimestamp(min(max(0, at_ms), LATEST_MS) / 1000, UTC))
