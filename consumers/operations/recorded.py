"""Recorded events: files of JSON lines, read as `hubbub produce file` reads them.

In: paths, a mapping of fields, which rows are wanted. Out: events of all files together, in order of their times, and
what became of the other rows. Imports the file source's own pieces; no Kafka.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from consumers.operations.rehearsing import in_order
from contracts.dead_letters import reason_of
from contracts.errors import RecordInvalid, SourceInvalid
from contracts.events import Event
from contracts.topics import INPUT_LIMIT_BYTES
from producers.sources.file.content import Content
from producers.sources.file.filtering import RowFilter
from producers.sources.file.lines import Line, LineReader
from producers.sources.file.mapping import RowMapping, decode_row

STDIN = Path("-")
REASONS_KEPT = 3


class Reading(NamedTuple):
    """Say how rows are read: `FIELD=path.in.row`, `FIELD=value` for each, `FIELD=value` that is wanted.

    `limit` is the most events of all files together; `is_strict` refuses the first bad row.
    """

    maps: Sequence[str] = ()
    literals: Sequence[str] = ()
    only: Sequence[str] = ()
    limit: int | None = None
    is_strict: bool = False


class Recording(NamedTuple):
    """Hold the events, how many rows were bad or not wanted, and why the first bad ones were so."""

    events: list[Event]
    bad: int = 0
    filtered: int = 0
    reasons: tuple[str, ...] = ()


def read_recording(paths: Sequence[Path], reading: Reading) -> Recording:
    """Return the events of files; raises SourceInvalid for one that cannot be read, or where no row is an event."""
    events: list[Event] = []
    reasons: list[str] = []
    bad = filtered = 0
    for row in _rows(paths, reading):
        if reading.limit is not None and len(events) >= reading.limit:
            break
        if isinstance(row, Event):
            events.append(row)
        elif row is None:
            filtered += 1
        else:
            bad += 1
            reasons += [row] if len(reasons) < REASONS_KEPT else []
    if not events:
        names = ", ".join(str(path) for path in paths)
        why = f": {'; '.join(reasons)}" if reasons else ""
        raise SourceInvalid(f"{names}: no row is an event, {bad} bad, {filtered} filtered{why}")
    return Recording(in_order(events), bad, filtered, tuple(reasons))


def _rows(paths: Sequence[Path], reading: Reading) -> Iterator[Event | str | None]:
    """Yield of each row its event, None where it is not wanted, or why it is bad."""
    only = RowFilter(reading.only)
    for path in paths:
        name = "stdin" if path == STDIN else path.name
        mapping = RowMapping(reading.maps, reading.literals, source_name=name)
        for line in _lines(path, name):
            try:
                row = decode_row(line.content)
                yield mapping.event(row, line.content) if only.wants(row) else None
            except RecordInvalid as error:
                code, reason, place = reason_of(error)
                told = f"{name}, line {line.number}: {code}, {reason} (at {place})"
                if reading.is_strict:
                    raise SourceInvalid(told) from error
                yield told


def _lines(path: Path, name: str) -> Iterator[Line]:
    """Yield the lines of a file that are not blank."""
    content = Content(None if path == STDIN else path)
    content.open()
    try:
        for line in LineReader(content, limit_bytes=INPUT_LIMIT_BYTES).lines(0, name):
            if line is not None and not line.is_blank:
                yield line
    finally:
        content.close()
