"""The codec: records to and from CloudEvents 1.0 in Kafka.

In: frozen records, or headers and bytes as they came. Out: headers and JSON bytes, or frozen records.
Written in binary mode; binary, structured and bare JSON are read. Of a key that stands twice the last counts; unknown
keys are passed over. Imports msgspec and contracts alone.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Generic, TypeVar

import msgspec

from contracts.alerts import Alert, AlertTransition, Feedback
from contracts.envelopes import (
    JSON,
    Envelope,
    Headers,
    Structured,
    attributes_of,
    binary_envelope,
    binary_type,
    check_version,
    is_structured,
)
from contracts.errors import (
    RecordMisfit,
    RecordTooLarge,
    RecordUndecodable,
    UnknownMajorVersion,
    UnknownType,
)
from contracts.events import Event
from contracts.mentions import Mention, Tick
from contracts.scores import ScoredEvent
from contracts.watches import Watch

RECORD_TYPES: dict[type[msgspec.Struct], str] = {
    Event: "hubbub.event.v1",
    ScoredEvent: "hubbub.scored-event.v1",
    Mention: "hubbub.mention.v1",
    Tick: "hubbub.tick.v1",
    Watch: "hubbub.watch.v1",
    Alert: "hubbub.alert.v1",
    AlertTransition: "hubbub.alert-transition.v1",
    Feedback: "hubbub.feedback.v1",
}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_TYPE = re.compile(r"(?P<name>.+)\.v(?P<major>[0-9]+)")
_TYPE_BYTES = {record: name.encode() for record, name in RECORD_TYPES.items()}
_VERSION_HEADER = ("ce_specversion", b"1.0")
_CONTENT_HEADER = ("content-type", JSON)
_PLACE = re.compile(r" - at (`key` in )?`(?P<place>[^`]*)`$")
_ENCODER = msgspec.json.Encoder()
_STRUCTURED = msgspec.json.Decoder(Structured)
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])

R = TypeVar("R", bound=msgspec.Struct)
T = TypeVar("T")


def encode_value(record: msgspec.Struct) -> bytes:
    """Return a record as JSON bytes in UTF-8.

    Raises RecordMisfit for text that UTF-8 cannot hold. NaN and infinity become null, which no reader takes for a
    number: whoever makes a record makes sure that its numbers are finite.
    """
    try:
        return _ENCODER.encode(record)
    except UnicodeEncodeError as error:
        raise _not_utf8(error) from error


def make_headers(
    record_type: type[msgspec.Struct],
    id: str,
    *,
    source: str,
    time: str | None = None,
    traceparent: str | None = None,
) -> list[tuple[str, bytes]]:
    """Return the binary-mode headers of one record; `time` is RFC 3339.

    Raises RecordMisfit for an id or source that UTF-8 cannot hold.
    """
    headers = [_VERSION_HEADER, _CONTENT_HEADER, ("ce_type", _TYPE_BYTES[record_type])]
    try:
        headers += [("ce_id", id.encode()), ("ce_source", source.encode())]
    except UnicodeEncodeError as error:
        raise _not_utf8(error) from error
    if time is not None:
        headers.append(("ce_time", time.encode()))
    if traceparent is not None:
        headers.append(("traceparent", traceparent.encode()))
    return headers


class Codec(Generic[R]):
    """Read the records that one topic may carry.

    The first of `records` is what bare JSON is taken for. `limit_bytes` bounds a value. An Event without `id`,
    `source` or `observed_at` has them from its envelope's id, source and time; an attribute that is not needed is not
    looked at. Make one for each topic and keep it: decoders are compiled once.

    >>> codec = Codec(Tick, limit_bytes=1000)
    >>> codec.decode(
    ...     b'{"lane":"text","partition":0,"watermark_ms":5}', [("ce_type", b"hubbub.tick.v1")]
    ... )
    Tick(lane='text', partition=0, watermark_ms=5, idle=False)
    """

    def __init__(self, *records: type[R], limit_bytes: int) -> None:
        self._decoders = {RECORD_TYPES[r]: msgspec.json.Decoder(r) for r in records}
        self._bare = RECORD_TYPES[records[0]]
        self._limit_bytes = limit_bytes
        self._as_we_write = {
            (_TYPE_BYTES[r], JSON, _VERSION_HEADER[1]): self._decoders[RECORD_TYPES[r]]
            for r in records
        }

    def decode(self, value: bytes | None, headers: Headers) -> R:
        """Return the record; raises one of the RecordInvalid errors, which name the place."""
        body = self._sized(value)
        given = dict(headers)
        decoder = self._as_we_write.get(
            (given.get("ce_type"), given.get("content-type"), given.get("ce_specversion"))  # type: ignore[arg-type]
        )
        if decoder is not None:
            try:
                return decoder.decode(body)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                # The full path either fills in what the envelope knows, or fails again and names the place.
                return self._decode_any(body, headers)
        return self._decode_any(body, headers)

    def envelope(self, headers: Headers) -> Envelope:
        """Return the binary-mode attributes alone, for routing and traces."""
        return binary_envelope(attributes_of(headers))

    def _sized(self, value: bytes | None) -> bytes:
        if not value:
            raise RecordUndecodable("the value is empty; expected one JSON object")
        if len(value) > self._limit_bytes:
            raise RecordTooLarge(f"{len(value)} bytes; the limit is {self._limit_bytes}")
        return value

    def _decode_any(self, body: bytes, headers: Headers) -> R:
        attributes = attributes_of(headers)
        if is_structured(attributes):
            return self._decode_structured(body)
        decoder = self._decoder_of(binary_type(attributes), place="ce_type")
        return _decoded(decoder, body, envelope=partial(binary_envelope, attributes), root="$")

    def _decode_structured(self, body: bytes) -> R:
        event = _parsed(_STRUCTURED, body, root="$")
        check_version(event.specversion, place="$.specversion")
        decoder = self._decoder_of(event.type, place="$.type")
        plain = bytes(event.data)
        if event.data_base64 is None:
            if not plain:
                raise RecordMisfit("neither `data` nor `data_base64`; expected one", place="$.data")
            return _decoded(decoder, plain, envelope=event.envelope, root="$.data")
        if plain:
            raise RecordMisfit("both `data` and `data_base64`; expected one", place="$.data_base64")
        return _decoded(decoder, event.data_base64, envelope=event.envelope, root="$.data_base64")

    def _decoder_of(self, given: str | None, *, place: str) -> msgspec.json.Decoder[R]:
        if given is None:
            return self._decoders[self._bare]
        if given in self._decoders:
            return self._decoders[given]
        match = _TYPE.fullmatch(given)
        expected = ", ".join(sorted(self._decoders))
        if match and any(known.rpartition(".v")[0] == match["name"] for known in self._decoders):
            raise UnknownMajorVersion(
                f"type {given!r}: major version {match['major']} is unknown; expected {expected}",
                place=place,
            )
        raise UnknownType(f"type {given!r}; expected {expected}", place=place)


def rfc3339(moment: datetime) -> str:
    """Return a moment as RFC 3339 in UTC, cut to the millisecond.

    The first and last hours of the calendar that UTC cannot name keep their own zone.

    >>> rfc3339(datetime(2026, 1, 2, 3, 4, 5, 678_900, tzinfo=UTC))
    '2026-01-02T03:04:05.678Z'
    """
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        return moment.isoformat(timespec="milliseconds")
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def epoch_ms(moment: datetime) -> int:
    """Return whole milliseconds since 1970-01-01T00:00Z, rounded down; exact for every year from 1 to 9999.

    >>> epoch_ms(datetime(1969, 12, 31, 23, 59, 59, 999_500, tzinfo=UTC))
    -1
    """
    return (moment - EPOCH) // _MILLISECOND


def _decoded(
    decoder: msgspec.json.Decoder[R], body: bytes, *, envelope: Callable[[], Envelope], root: str
) -> R:
    try:
        return _parsed(decoder, body, root=root)
    except RecordMisfit:
        if decoder.type is not Event:
            raise
        around = envelope()
        known = {"id": around.id, "source": around.source, "observed_at": around.time}
        if not any(known.values()):
            raise
        return _parsed(decoder, _completed(body, known, root=root), root=root)


def _completed(body: bytes, known: dict[str, str | None], *, root: str) -> bytes:
    """Return the JSON object `body` with what is `known` where it has no such key, and all else as it came."""
    data = _parsed(_OBJECT, body, root=root)
    filled = {key: msgspec.Raw(_ENCODER.encode(value)) for key, value in known.items() if value}
    return _ENCODER.encode(filled | data)


def _parsed(decoder: msgspec.json.Decoder[T], body: bytes, *, root: str) -> T:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        words = str(error)
        match = _PLACE.search(words)
        inside = match["place"].removeprefix("$") if match else ""
        raise RecordMisfit(_PLACE.sub("", words), place=root + inside) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordUndecodable(f"not one JSON value in UTF-8: {error}", place=root) from error
    except RecursionError as error:
        raise RecordUndecodable("JSON nested too deeply", place=root) from error


def _not_utf8(error: UnicodeEncodeError) -> RecordMisfit:
    return RecordMisfit(f"text that UTF-8 cannot hold: {error.reason} at character {error.start}")
