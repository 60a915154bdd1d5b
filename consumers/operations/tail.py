"""Tail: the records of one topic as they come, or from an earlier place.

In: a topic and where to begin. Out: records, read committed, chosen by key. Belongs to no group.
"""

from collections.abc import Iterator, Mapping
from itertools import islice

import msgspec

from consumers.operations.asking import described_topics
from consumers.operations.reading import Reader, Span
from consumers.protocols import Input, Record
from consumers.runtime.topics import topics_of
from contracts.errors import TopicInvalid
from contracts.mistakes import near
from contracts.settings import Settings


class Where(msgspec.Struct, frozen=True):
    """Say where a tail begins and ends.

    With `last`, that many of the newest records come first; with `from_beginning`, all of them. `limit` ends it after
    so many records, `follow` False at the end that was known when it began.
    """

    from_beginning: bool = False
    last: int | None = None
    limit: int | None = None
    key: bytes | None = None
    follow: bool = True


def full_name(settings: Settings, given: str) -> str:
    """Return a topic's full name from its short or its full one; raises TopicInvalid for one that is not there."""
    names = settings.topics.names
    known = {topic.name: names.of(topic) for topic in topics_of(settings)}
    name = known.get(given, given)
    if not described_topics(settings, [name]):
        raise TopicInvalid(f"topic {name} is not there{near(given, [*known, *known.values()])}")
    return name


def tail(reader: Reader, topic: str, *, where: Where) -> Iterator[Record]:
    """Return the records as they come; ends by itself only with a limit or without `follow`."""
    spans = reader.spans([topic])
    wanted = (
        record for record in _from(reader, spans, where=where) if where.key in (None, record.key)
    )
    return islice(wanted, where.limit)


def last_records(
    reader: Reader, spans: Mapping[Input, Span], *, count: int, key: bytes | None = None
) -> list[Record]:
    """Return the newest `count` records of all partitions together, oldest first, by the broker's time."""
    found: list[Record] = []
    for source, span in spans.items():
        own: list[Record] = []
        for window in reader.windows_back(source, span):
            own = [record for record in window if key in (None, record.key)] + own
            if len(own) >= count:
                break
        found += own[-count:] if count else []
    found.sort(key=lambda record: (record.timestamp, record.partition, record.offset))
    return found[-count:] if count else []


def _from(reader: Reader, spans: Mapping[Input, Span], *, where: Where) -> Iterator[Record]:
    starts = {source: span.end for source, span in spans.items()}
    if where.last is not None:
        yield from last_records(reader, spans, count=where.last, key=where.key)
    elif where.from_beginning:
        yield from reader.read(spans)
    if where.follow:
        yield from (record for record in reader.follow(starts) if record is not None)
