"""Dead letters as they lie: found, chosen, shown; never changed.

In: the records of topic `dead-letter`. Out: letters by id, without their bytes, and which of them were put back.
Pure but for `fetch`, which reads the bytes of one.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from consumers.operations.reading import Reader, Span
from consumers.protocols import Input, Record
from contracts.dead_letters import DeadLetter, retried_id
from contracts.errors import InvalidInput, OwnTopicUnreadable, RecordInvalid


class StoredLetter(msgspec.Struct, frozen=True):
    """Hold a letter and where it lies in topic `dead-letter`: `place` and `offset`.

    `at_ms` is when the record died, epoch milliseconds; `size_bytes` is the original value's.
    """

    letter: DeadLetter
    place: Input
    offset: int
    at_ms: int
    size_bytes: int


class Shelf(NamedTuple):
    """Hold every letter, newest first, the ids of those put back, and how many records are no letters at all."""

    letters: Sequence[StoredLetter]
    retried: frozenset[str]
    foreign: int = 0

    def waiting(self) -> list[StoredLetter]:
        """Return the letters that were not put back."""
        return [stored for stored in self.letters if stored.letter.id not in self.retried]


def read_shelf(records: Iterable[Record]) -> Shelf:
    """Return what lies in topic `dead-letter`; of two letters with one id the later counts.

    Two groups that run one stage over one topic set the same record aside under the same id: it is one letter.
    """
    found: dict[str, StoredLetter] = {}
    retried: set[str] = set()
    foreign = 0
    for record in records:
        marked = retried_id(record.headers)
        if marked is not None:
            retried.add(marked)
            continue
        try:
            stored = _stored(record)
        except RecordInvalid:
            foreign += 1
            continue
        found[stored.letter.id] = stored
    newest = sorted(
        found.values(), key=lambda item: (item.at_ms, item.place, item.offset), reverse=True
    )
    return Shelf(newest, frozenset(retried), foreign)


def chosen(
    letters: Iterable[StoredLetter], *, code: str | None = None, stage: str | None = None
) -> list[StoredLetter]:
    """Return the letters of one code and of one stage, where these are given."""
    return [
        stored
        for stored in letters
        if code in (None, stored.letter.code) and stage in (None, stored.letter.stage)
    ]


def find(letters: Iterable[StoredLetter], id: str) -> StoredLetter:
    """Return the letter with this id, `stage:topic:partition:offset`, or without the stage where that is plain.

    Raises InvalidInput for none and for several.
    """
    hits = [stored for stored in letters if id in (stored.letter.id, short_id(stored.letter))]
    if not hits:
        raise InvalidInput(f"no dead letter {id!r}; `hubbub dead-letter list --all` shows every id")
    if len(hits) > 1:
        raise InvalidInput(
            f"{id!r} names several: {', '.join(stored.letter.id for stored in hits)}"
        )
    return hits[0]


def short_id(letter: DeadLetter) -> str:
    """Return where the original lay: `topic:partition:offset`."""
    return f"{letter.topic}:{letter.partition}:{letter.offset}"


def fetch(reader: Reader, stored: StoredLetter) -> Record:
    """Return a letter's record with its bytes; raises OwnTopicUnreadable where retention has taken it meanwhile."""
    span = Span(stored.offset, stored.offset + 1)
    for record in reader.read({stored.place: span}):
        if record.offset == stored.offset:
            return record
    raise OwnTopicUnreadable(f"the dead letter {stored.letter.id} is no longer there")


def _stored(record: Record) -> StoredLetter:
    letter = DeadLetter.from_headers(record.headers)
    return StoredLetter(
        letter=letter,
        place=Input(record.topic, record.partition),
        offset=record.offset,
        at_ms=letter.at_ms or record.timestamp,
        size_bytes=len(record.value or b""),
    )
