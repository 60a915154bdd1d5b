"""Retrying: dead letters put back where they came from, once, as they were or repaired.

In: chosen letters and a repair. Out: for each what became of it. A letter goes back in one transaction with the marker
that says so, and letters are looked up only after earlier retries were shut out: no letter goes back twice.
"""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Literal

import msgspec

from consumers.operations.dead_letters import Shelf, StoredLetter, read_shelf
from consumers.operations.reading import Reader, Span
from consumers.operations.repairing import Repair, RepairFailed
from consumers.protocols import Input, Record
from contracts.dead_letters import MAX_ATTEMPTS, DeadLetter, headers_to_put_back, marker_headers
from contracts.errors import CorruptBatch
from contracts.settings import Settings
from contracts.topics import DEAD_LETTER, TABLE
from producers.publisher import Publisher
from producers.stopping import ended_after

SLOT = "dead-letter.retry"
Fate = Literal[
    "put_back", "put_back_before", "repair_failed", "out_of_tries", "not_ours", "no_bytes"
]
Choose = Callable[[Shelf], Sequence[StoredLetter]]


class Told(msgspec.Struct, frozen=True):
    """Say what became of one letter; `reason` is the remedy where it stayed."""

    id: str
    fate: Fate
    reason: str = ""


class Mended(msgspec.Struct, frozen=True):
    """Hold a letter's record with the value that goes back."""

    stored: StoredLetter
    record: Record
    value: bytes | None


def retry(settings: Settings, choose: Choose, *, repair: Repair | None) -> Iterator[Told]:
    """Put back what `choose` picks from the shelf; yields what became of each letter, after its commit.

    Raises BrokerUnreachable, TransactionLost when another retry takes over, and what `choose` raises.
    """
    name = settings.topics.names.prefix + SLOT
    publisher = Publisher(settings.kafka, settings.runtime, client_id=name, transactional_id=name)
    topic = settings.topics.names.of(DEAD_LETTER)
    # An earlier owner is shut out first: whatever it still committed is then seen on the shelf.
    publisher.start()
    try:
        with Reader(settings.kafka, client_id=name) as reader:
            shelf = read_shelf(reader.read(reader.spans([topic])))
            run = _Run(settings, publisher, reader=reader, repair=repair)
            yield from run.retry(choose(shelf), shelf.retried)
        publisher.close()
    finally:
        publisher.abandon()


def kept_back(letter: DeadLetter, topics: Collection[str]) -> Told | None:
    """Return why a letter cannot go back, None where it can; `topics` are those it may go back to.

    >>> letter = DeadLetter("file", "record_misfit", "no text", "file:a.jsonl", 0, 7)
    >>> kept_back(letter, {"hubbub.events.text"}).fate
    'not_ours'
    """
    if letter.code == CorruptBatch.code:
        return Told(
            letter.id, "no_bytes", "nothing of it could be read; produce those events again"
        )
    if letter.topic not in topics:
        return Told(
            letter.id,
            "not_ours",
            f"it did not come from a topic of ours but from {letter.topic}: mend it there and produce it again; "
            "what was already taken in changes nothing",
        )
    if letter.attempt >= MAX_ATTEMPTS:
        return Told(
            letter.id,
            "out_of_tries",
            f"it was tried {letter.attempt} times, the most is {MAX_ATTEMPTS}; "
            "`hubbub dead-letter show ID --raw` gives its bytes, to be mended and produced as a new event",
        )
    return None


class _Run:
    def __init__(
        self,
        settings: Settings,
        publisher: Publisher,
        *,
        reader: Reader,
        repair: Repair | None,
    ) -> None:
        self._settings = settings
        self._publisher = publisher
        self._reader = reader
        self._repair = repair
        names = settings.topics.names
        self._letters = names.of(DEAD_LETTER)
        self._topics = {names.of(topic) for topic in TABLE if topic is not DEAD_LETTER}
        self._partitions = {topic: publisher.partitions_of(topic) for topic in self._topics}

    def retry(self, letters: Sequence[StoredLetter], retried: Collection[str]) -> Iterator[Told]:
        going = []
        for stored in sorted(letters, key=lambda item: (item.place, item.offset)):
            told = kept_back(stored.letter, self._topics)
            if stored.letter.id in retried:
                told = Told(stored.letter.id, "put_back_before", "nothing is done twice")
            if told is None:
                going.append(stored)
            else:
                yield told
        for portion in self._portions(going):
            yield from self._put_back(portion)

    def _portions(self, letters: Iterable[StoredLetter]) -> Iterator[list[StoredLetter]]:
        """Part the letters so that each part fits one transaction."""
        runtime = self._settings.runtime
        portion: list[StoredLetter] = []
        size = 0
        for stored in letters:
            is_full = (
                len(portion) >= runtime.transaction_records
                or size + stored.size_bytes > runtime.transaction_bytes
            )
            if portion and is_full:
                yield portion
                portion, size = [], 0
            portion.append(stored)
            size += stored.size_bytes
        if portion:
            yield portion

    def _put_back(self, portion: Sequence[StoredLetter]) -> Iterator[Told]:
        """Repair first, which may take its time; then one transaction."""
        mended: list[Mended] = []
        for stored, record in self._records(portion):
            try:
                value = record.value if self._repair is None else self._repair(record.value)
            except RepairFailed as error:
                yield Told(stored.letter.id, "repair_failed", str(error))
                continue
            mended.append(Mended(stored, record, value))
        if not mended:
            return
        self._publisher.begin()
        for item in mended:
            self._send(item)
        with ended_after(self._settings.runtime.deadline_s, "the commit of a retry"):
            self._publisher.commit()
        for item in mended:
            yield Told(item.stored.letter.id, "put_back")

    def _send(self, item: Mended) -> None:
        letter = item.stored.letter
        known = self._partitions[letter.topic]
        self._publisher.send(
            letter.topic,
            item.value,
            key=item.record.key,
            headers=headers_to_put_back(item.record.headers),
            # Its own partition keeps what stands there in order, whatever partitioner its producer has.
            partition=letter.partition if letter.partition < known else None,
        )
        now_ms = time.time_ns() // 1_000_000
        self._publisher.send(
            self._letters,
            b"",
            key=item.record.key,
            headers=marker_headers(letter, at_ms=now_ms, repaired=self._repair is not None),
        )

    def _records(self, portion: Sequence[StoredLetter]) -> Iterator[tuple[StoredLetter, Record]]:
        wanted = {(stored.place, stored.offset): stored for stored in portion}
        spans: dict[Input, Span] = {}
        for stored in portion:
            known = spans.get(stored.place, Span(stored.offset, stored.offset))
            spans[stored.place] = Span(
                min(known.begin, stored.offset), max(known.end, stored.offset + 1)
            )
        for record in self._reader.read(spans):
            asked = wanted.get((Input(record.topic, record.partition), record.offset))
            if asked is not None:
                yield asked, record
