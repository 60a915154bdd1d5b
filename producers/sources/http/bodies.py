"""Bodies: what a request carries, as events or as what is wrong with each item.

In: a content type, headers, bytes. Out: events, or refusals that name the place. Pure; imports contracts and msgspec.

    application/json                      one event or an array of events; with `ce-*` headers, a CloudEvent
    application/x-ndjson, .../jsonl       one event on each line
    application/cloudevents+json          a CloudEvent in structured mode
    application/cloudevents-batch+json    an array of those
"""

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import unquote

import msgspec

from contracts.codec import Codec
from contracts.envelopes import STRUCTURED
from contracts.errors import RecordInvalid, RecordUndecodable
from contracts.events import Event
from contracts.topics import INPUT_LIMIT_BYTES

JSON = "application/json"
LINES = frozenset(("application/x-ndjson", "application/ndjson", "application/jsonl"))
CLOUD_EVENT = "application/cloudevents+json"
CLOUD_BATCH = "application/cloudevents-batch+json"
KNOWN = (JSON, *sorted(LINES), CLOUD_EVENT, CLOUD_BATCH)
REQUIRED = ("ce-specversion", "ce-id", "ce-source", "ce-type")
Headers = list[tuple[str, bytes | None]]
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])


class WrongContentType(Exception):
    """Say that a body is of a kind that nobody here reads."""


class TooManyEvents(Exception):
    """Say that a request holds more events than it may."""


class Refusal(msgspec.Struct, frozen=True):
    """Say what is wrong with one item: `index` counts from 0, `place` is a path such as `$[3].observed_at`."""

    index: int
    place: str
    code: str
    reason: str


class Body(msgspec.Struct, frozen=True):
    """Hold what a request carried; one refusal and nothing of it may be published.

    `is_readable` is False where an item is no JSON at all.
    """

    events: list[Event] = []
    refusals: list[Refusal] = []
    is_readable: bool = True


class Item(msgspec.Struct, frozen=True):
    """Hold the bytes of one event, the headers that say what they are, and where they lie in the request."""

    content: bytes
    place: str
    headers: Headers = []


class BodyReader:
    """Read bodies; `limit` is the most events in one."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._codec = Codec(Event, limit_bytes=INPUT_LIMIT_BYTES)

    def read(self, content: bytes, headers: Mapping[str, str]) -> Body:
        """Return what a request carries; `headers` have lower-case names.

        Raises WrongContentType, TooManyEvents, and RecordInvalid where the body as a whole cannot be read.
        """
        kind = content_type(headers)
        if not content.strip():
            raise RecordUndecodable("the body is empty; expected one event or many")
        items = _items(kind, content, headers=headers)
        if len(items) > self._limit:
            raise TooManyEvents(f"{len(items)} events; the limit is {self._limit} in one request")
        return self._decoded(items)

    def _decoded(self, items: Sequence[Item]) -> Body:
        events, refusals, is_readable = [], [], True
        for index, item in enumerate(items):
            try:
                events.append(self._codec.decode(item.content, item.headers))
            except RecordInvalid as error:
                place = item.place + error.place.removeprefix("$")
                if not error.place.startswith("$"):
                    place = f"{item.place} {error.place}"
                refusals.append(Refusal(index, place, error.code, str(error)))
                is_readable = is_readable and not isinstance(error, RecordUndecodable)
        return Body(events, refusals, is_readable)


def content_type(headers: Mapping[str, str]) -> str:
    """Return a request's content type in lower case, without parameters; raises WrongContentType."""
    given = headers.get("content-type", "")
    kind, *parameters = (part.strip().lower() for part in given.split(";"))
    if kind not in KNOWN:
        raise WrongContentType(f"content type {given!r}; expected one of {', '.join(KNOWN)}")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name == "charset" and value.strip('"') not in ("utf-8", "utf8"):
            raise WrongContentType(f"charset {value}; expected utf-8")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise WrongContentType(
            f"content encoding {headers['content-encoding']!r}; expected the plain bytes"
        )
    return kind


def _items(kind: str, content: bytes, *, headers: Mapping[str, str]) -> list[Item]:
    if kind == CLOUD_EVENT:
        return [Item(content, "$", _STRUCTURED_HEADERS)]
    if kind == CLOUD_BATCH:
        return list(_array(content, _STRUCTURED_HEADERS))
    if kind in LINES:
        return list(_lines(content))
    if any(name in headers for name in REQUIRED):
        return [Item(content, "$", _binary_headers(headers))]
    if content.lstrip()[:1] == b"[":
        return list(_array(content, []))
    return [Item(content, "$")]


_STRUCTURED_HEADERS: Headers = [("content-type", STRUCTURED)]


def _array(content: bytes, headers: Headers) -> Iterator[Item]:
    try:
        items = _ARRAY.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordUndecodable(f"not a JSON array in UTF-8: {error}") from error
    except RecursionError as error:
        raise RecordUndecodable("JSON nested too deeply") from error
    for index, raw in enumerate(items):
        yield Item(bytes(raw), f"$[{index}]", headers)


def _lines(content: bytes) -> Iterator[Item]:
    for number, line in enumerate(content.split(b"\n"), 1):
        if line and not line.isspace():
            yield Item(line, f"line {number}")


def _binary_headers(headers: Mapping[str, str]) -> Headers:
    """Return a CloudEvent's attributes as Kafka carries them; HTTP carries them percent-encoded."""
    missing = [name for name in REQUIRED if not headers.get(name)]
    if missing:
        raise RecordUndecodable(
            f"a CloudEvent without {', '.join(missing)}; expected all of {', '.join(REQUIRED)}",
            place="headers",
        )
    if headers["ce-specversion"] != "1.0":
        raise RecordUndecodable(
            f"specversion {headers['ce-specversion']!r}; expected '1.0'", place="ce-specversion"
        )
    attributes: Headers = [
        (name.replace("ce-", "ce_", 1), unquote(value).encode())
        for name, value in headers.items()
        if name.startswith("ce-")
    ]
    return [*attributes, ("content-type", JSON.encode())]
