"""The file source: JSON lines into Kafka, each row exactly once, across kills and restarts.

In: a file, a mapping, a pace. Out: events, dead letters and the position, all in one transaction. Imports contracts,
the publisher and the pieces beside it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from contracts.dead_letters import DeadLetter, reason_of
from contracts.errors import RecordInvalid, SourceInvalid
from contracts.events import Event
from contracts.settings import Settings
from contracts.telemetry import SOURCE_EVENTS
from contracts.topics import INPUT_LIMIT_BYTES
from producers.entry import Entry, check_topics
from producers.pacing import Pace
from producers.protocols import SourceReport
from producers.publisher import Publisher
from producers.sources.file.content import Content
from producers.sources.file.filtering import RowFilter
from producers.sources.file.lines import Line, LineReader
from producers.sources.file.mapping import RowMapping, decode_row
from producers.sources.file.position import HEAD_BYTES, FilePosition, PositionLog, digest
from producers.stopping import Stop
from producers.transaction import Transaction

STAGE = "source.file"
OUTCOMES = ("published", "bad", "filtered")


@dataclass(frozen=True, kw_only=True)
class FileOptions:
    """Hold what to read and how; `path` None is standard input, which keeps no position.

    `limit` counts published rows in all, those of earlier runs included, so that the same command given again
    publishes no more. `is_strict` stops at the first bad row. `is_restart` forgets an earlier position.
    """

    path: Path | None
    name: str
    mapping: RowMapping
    only: RowFilter = field(default_factory=RowFilter)
    limit: int | None = None
    is_strict: bool = False
    is_restart: bool = False


class FileSource:
    """Publish one file. `progress` is called with the position after every commit."""

    def __init__(
        self,
        settings: Settings,
        options: FileOptions,
        *,
        entry: Entry,
        pace: Pace,
        progress: Callable[[FilePosition], None] = lambda position: None,
    ) -> None:
        self._settings = settings
        self._options = options
        self._entry = entry
        self._pace = pace
        self._progress = progress
        names = settings.topics.names
        self._log = PositionLog(names, options.name)
        self._publisher = Publisher(
            settings.kafka, settings.runtime, client_id=f"hubbub-{STAGE}",
            transactional_id=f"{names.prefix}{STAGE}.{options.name}",
        )  # fmt: skip
        self._transaction = Transaction(self._publisher, settings.runtime)
        self._content = Content(options.path)
        self._position = self._committed = self._begun = FilePosition("")
        self._head = b""
        self._last: Line | None = None

    @property
    def begun_at(self) -> FilePosition:
        """Return the position that the run began at."""
        return self._begun

    @property
    def position(self) -> FilePosition:
        """Return the position that the run has reached."""
        return self._position

    def run(self, stop: Stop) -> SourceReport:
        """Publish from the committed position to the end, the limit or the stop; see `producers.protocols.Source`.

        Raises SourceInvalid for a file that cannot be read, that has changed under its name, or, when strict, for its
        first bad row; the rows before it are committed.
        """
        started = time.monotonic()
        self._content.open()
        try:
            self._publisher.start()
            check_topics(self._publisher, (*self._entry.topics, self._log.topic))
            self._resume()
            self._publish(stop)
        except BaseException:
            self._publisher.abandon()
            raise
        finally:
            self._content.close()
        self._publisher.close()
        return self._report(time.monotonic() - started)

    def _resume(self) -> None:
        """Find where to begin, and check that the file is the one that was begun."""
        path = self._options.path
        if path is None:
            return
        known = None
        if not self._options.is_restart:
            known = self._log.read(self._settings.kafka, self._settings.runtime)
        if known is not None:
            self._check_same(known)
            self._position = known
        self._head = self._content_from(0, HEAD_BYTES)
        self._position = msgspec.structs.replace(self._position, path=str(path))
        self._content.seek(self._position.offset)
        self._committed = self._begun = self._position

    def _check_same(self, known: FilePosition) -> None:
        head = self._content_from(0, known.head_bytes)
        tail = self._content_from(known.offset - known.tail_bytes, known.tail_bytes)
        if digest(head) == known.head and digest(tail.removesuffix(b"\n")) == known.tail:
            return
        raise SourceInvalid(
            f"{self._options.path} is not the file that was published as {self._options.name!r} up to line "
            f"{known.line}: its content has changed; give it another --name, or --restart to publish it from "
            "the start"
        )

    def _content_from(self, offset: int, size: int) -> bytes:
        self._content.seek(offset)
        return self._content.take(size)

    def _publish(self, stop: Stop) -> None:
        name = self._options.name
        reader = LineReader(self._content, limit_bytes=INPUT_LIMIT_BYTES)
        try:
            for line in reader.lines(self._position.line, name):
                if stop.is_set or self._has_enough() or not self._take(line, stop):
                    break
                if self._transaction.is_full:
                    self._commit()
        except SourceInvalid:
            self._commit()
            raise
        self._commit()

    def _has_enough(self) -> bool:
        limit = self._options.limit
        return limit is not None and self._position.published >= limit

    def _take(self, line: Line | None, stop: Stop) -> bool:
        """Deal with one line; False if a stop came before its time did."""
        if line is None or line.is_blank:
            self._advance(line)
            return True
        try:
            event = self._event(line)
            record = None if event is None else self._entry.record(event)
        except RecordInvalid as error:
            self._refuse(line, error)
            return True
        if event is None or record is None:
            self._advance(line, filtered=1)
            return True
        if not self._wait_for(event, stop):
            return False
        self._transaction.send(record)
        self._advance(line, published=1)
        return True

    def _event(self, line: Line) -> Event | None:
        row = decode_row(line.content)
        if not self._options.only.wants(row):
            return None
        return self._options.mapping.event(row, line.content)

    def _wait_for(self, event: Event, stop: Stop) -> bool:
        wait_s = self._pace.wait_s(event.observed_at)
        if wait_s > self._settings.runtime.transaction_ms / 1000:
            self._commit()
        if wait_s > 0:
            stop.wait(wait_s)
        return not stop.is_set

    def _refuse(self, line: Line, error: RecordInvalid) -> None:
        code, reason, inner = reason_of(error)
        where = f"line {line.number}"
        if self._options.is_strict:
            raise SourceInvalid(f"{self._options.name}, {where}: {reason} ({inner})") from error
        letter = DeadLetter(
            stage=STAGE, code=code, reason=f"{reason} (at {inner})", topic=f"file:{self._options.name}",
            partition=0, offset=line.number, place=where,
        )  # fmt: skip
        self._transaction.send(self._entry.dead_letter(line.raw, letter))
        self._advance(line, bad=1)

    def _advance(self, line: Line | None, **counts: int) -> None:
        if line is None:
            return
        at = self._position
        self._last = line
        self._position = msgspec.structs.replace(
            at, line=line.number, offset=line.end,
            **{name: getattr(at, name) + more for name, more in counts.items()},
        )  # fmt: skip

    def _commit(self) -> None:
        """Commit what was gathered, and with it the position."""
        if self._last is None or self._position.line == self._committed.line:
            return
        self._position = self._marked(self._last)
        if self._options.path is not None:
            self._transaction.send(self._log.record(self._position))
        self._transaction.commit()
        for outcome in OUTCOMES:
            more = getattr(self._position, outcome) - getattr(self._committed, outcome)
            SOURCE_EVENTS.labels(source="file", outcome=outcome).inc(more)
        self._committed = self._position
        self._progress(self._position)

    def _marked(self, last: Line) -> FilePosition:
        """Return the position with what tells a changed file: only of bytes that were dealt with already."""
        at = self._position
        head = self._head[: at.offset]
        is_known = len(head) == at.head_bytes
        return msgspec.structs.replace(
            at, head=at.head if is_known else digest(head), head_bytes=len(head),
            tail=digest(last.raw), tail_bytes=last.end - last.start,
        )  # fmt: skip

    def _report(self, seconds: float) -> SourceReport:
        done, begun = self._committed, self._begun
        return SourceReport(
            read=done.rows - begun.rows, published=done.published - begun.published,
            bad=done.bad - begun.bad, filtered=done.filtered - begun.filtered, seconds=seconds,
        )  # fmt: skip
