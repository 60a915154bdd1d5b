"""Entry: how an event becomes a Kafka record, and a row that cannot, a dead letter.

In: events from any source. Out: records for the Publisher: lane by media, key `tenant/thread`, CloudEvents headers.
Every source goes through here, so that all enter alike. Imports contracts alone.
"""

from collections.abc import Callable
from datetime import datetime

import msgspec

from contracts.codec import encode_value, epoch_ms, make_headers, rfc3339
from contracts.dead_letters import DeadLetter
from contracts.errors import RecordMisfit, RecordTooLarge, TopicInvalid
from contracts.events import Event
from contracts.topics import DEAD_LETTER, INPUT_LIMIT_BYTES, LANES, TopicNames
from producers.publisher import Publisher

FRAME_BYTES = 64 * 1024  # what a record's key, headers and batch may take beside its value
VALUE_LIMIT_BYTES = INPUT_LIMIT_BYTES - FRAME_BYTES


class OutgoingRecord(msgspec.Struct, frozen=True):
    """Hold one record ready to send: topic's full name, key, value and headers."""

    topic: str
    key: bytes | None
    value: bytes
    headers: list[tuple[str, bytes]]

    @property
    def size_bytes(self) -> int:
        """Return the bytes of key and value."""
        return len(self.value) + len(self.key or b"")


class Entry:
    """Turn events into records; `now` gives the present moment with its zone."""

    def __init__(self, names: TopicNames, now: Callable[[], datetime]) -> None:
        self._topics = {lane: names.of(topic) for lane, topic in LANES.items()}
        self._dead_letters = names.of(DEAD_LETTER)
        self._now = now

    def record(self, event: Event) -> OutgoingRecord:
        """Return an event's record; `received_at` becomes the present, whatever it was.

        The lane is `media` where the event has media, else `text`. Raises RecordTooLarge for a record that its topic
        would refuse and RecordMisfit for characters that UTF-8 cannot write.
        """
        try:
            value = encode_value(msgspec.structs.replace(event, received_at=self._now()))
            key = f"{event.tenant}/{event.thread_key}".encode()
            headers = make_headers(
                Event, event.id, source=event.source, time=rfc3339(event.observed_at)
            )
        except UnicodeEncodeError as error:
            raise RecordMisfit(f"a character that UTF-8 cannot write: {error}") from error
        if len(value) > VALUE_LIMIT_BYTES:
            raise RecordTooLarge(
                f"event {event.id!r}: {len(value)} bytes; the limit is {VALUE_LIMIT_BYTES}"
            )
        return OutgoingRecord(self._topics["media" if event.media else "text"], key, value, headers)

    def dead_letter(self, original: bytes, letter: DeadLetter) -> OutgoingRecord:
        """Return the record that keeps `original` to the byte, its reason and the present moment in the headers."""
        dated = msgspec.structs.replace(letter, at_ms=epoch_ms(self._now()))
        return OutgoingRecord(self._dead_letters, None, original, dated.to_headers())

    @property
    def topics(self) -> tuple[str, ...]:
        """Return the full names of every topic that these records go to."""
        return (*self._topics.values(), self._dead_letters)


def check_topics(publisher: Publisher, topics: tuple[str, ...]) -> None:
    """Raise TopicInvalid where a topic does not exist; the publisher must be started."""
    for topic in topics:
        if not publisher.partitions_of(topic):
            raise TopicInvalid(
                f"topic {topic} does not exist or does not answer; create the topics first"
            )
