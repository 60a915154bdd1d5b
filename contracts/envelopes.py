"""Envelopes: the CloudEvents attributes around a record, as headers or as a structured event.

In: Kafka headers as they came. Out: `Envelope`, and whether the value is a structured event. Names of headers are
taken in any case; one without a value counts as absent; of two with one name the last counts.
Imports msgspec and contracts.errors alone. Source: CloudEvents 1.0.2 and its Kafka protocol binding.
"""

from collections.abc import Mapping, Sequence

import msgspec

from contracts.errors import RecordUndecodable, UnknownMajorVersion

Headers = Sequence[tuple[str, bytes | None]]
JSON = b"application/json"
STRUCTURED = b"application/cloudevents+json"
_OTHER_STRUCTURED = b"application/cloudevents"


class Envelope(msgspec.Struct, frozen=True):
    """Hold the CloudEvents attributes of a record as far as it gave any."""

    id: str | None = None
    source: str | None = None
    type: str | None = None
    time: str | None = None
    subject: str | None = None
    traceparent: str | None = None


class Structured(msgspec.Struct, frozen=True):
    """Hold a structured-mode CloudEvent; unknown extension attributes are passed over."""

    specversion: str
    id: str
    source: str
    type: str
    data: msgspec.Raw = msgspec.Raw()
    data_base64: bytes | None = None
    time: str | None = None
    subject: str | None = None
    traceparent: str | None = None

    def envelope(self) -> Envelope:
        """Return the attributes alone."""
        return Envelope(
            id=self.id, source=self.source, type=self.type, time=self.time,
            subject=self.subject, traceparent=self.traceparent,
        )  # fmt: skip


def attributes_of(headers: Headers) -> dict[str, bytes]:
    """Return the headers that have a value, by their names in lower case."""
    return {name.lower(): raw for name, raw in headers if raw}


def is_structured(attributes: Mapping[str, bytes]) -> bool:
    """Return whether the value is a CloudEvent whole; raises RecordUndecodable for one that is not JSON."""
    media_type = attributes.get("content-type", b"").partition(b";")[0].strip().lower()
    if media_type == STRUCTURED:
        return True
    if media_type.startswith(_OTHER_STRUCTURED):
        raise RecordUndecodable(
            f"content-type {media_type.decode('utf-8', 'replace')!r}; expected {STRUCTURED.decode()!r}",
            place="content-type",
        )
    return False


def binary_type(attributes: Mapping[str, bytes]) -> str | None:
    """Return the type that the `ce_` headers name; raises RecordInvalid where it cannot be read."""
    version = _text_of(attributes, "ce_specversion")
    if version is not None:
        check_version(version, place="ce_specversion")
    return _text_of(attributes, "ce_type")


def binary_envelope(attributes: Mapping[str, bytes]) -> Envelope:
    """Return what the `ce_` headers say; raises RecordUndecodable for one that is not UTF-8."""
    return Envelope(
        id=_text_of(attributes, "ce_id"),
        source=_text_of(attributes, "ce_source"),
        type=_text_of(attributes, "ce_type"),
        time=_text_of(attributes, "ce_time"),
        subject=_text_of(attributes, "ce_subject"),
        traceparent=attributes.get("traceparent", b"").decode("ascii", "replace") or None,
    )


def check_version(specversion: str, *, place: str) -> None:
    """Raise UnknownMajorVersion unless `specversion` is 1 or 1.something."""
    if specversion.partition(".")[0] != "1":
        raise UnknownMajorVersion(f"specversion {specversion!r}; expected '1.0'", place=place)


def _text_of(attributes: Mapping[str, bytes], name: str) -> str | None:
    raw = attributes.get(name)
    try:
        return None if raw is None else raw.decode()
    except UnicodeDecodeError as error:
        raise RecordUndecodable(f"header {name} is not UTF-8", place=name) from error
