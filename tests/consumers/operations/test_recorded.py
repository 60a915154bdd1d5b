"""Recorded events are read as `hubbub produce file` reads them."""

import gzip
import json
from pathlib import Path

import pytest

from consumers.operations.recorded import Reading, read_recording
from contracts.errors import SourceInvalid

ROWS = [
    {"tweet": "second", "at": "2026-01-05T00:00:02Z", "lang": "en"},
    {"tweet": "first", "at": "2026-01-05T00:00:01Z", "lang": "zh"},
]
TWEETS = Reading(maps=("text=tweet", "time=at"), literals=("source=chirp",))


def written(path: Path, rows: list[object]) -> Path:
    """Write rows as JSON lines, packed where the name says so; text is a row as it stands."""
    lines = "".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows)
    raw = lines.encode()
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
    return path


def test_rows_of_all_files_become_events_in_order_of_time(tmp_path: Path) -> None:
    # Given a plain and a packed file, whose rows are in no order
    plain = written(tmp_path / "a.jsonl", [*ROWS])
    packed = written(tmp_path / "b.jsonl.gz", [{"tweet": "third", "at": 1767571203}])
    # When both are read with a mapping
    found = read_recording([packed, plain], TWEETS)
    # Then their events are in order, with what the mapping and the file's name give
    assert [event.text for event in found.events] == ["first", "second", "third"]
    assert {event.source for event in found.events} == {"chirp"}
    assert len({event.id for event in found.events}) == 3
    assert (found.bad, found.filtered) == (0, 0)


def test_bad_and_unwanted_rows_are_counted_with_their_places(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", [*ROWS, "{", {"tweet": "no time", "lang": "en"}, ""])
    found = read_recording([path], TWEETS._replace(only=("lang=en",)))
    assert [event.text for event in found.events] == ["second"]
    assert (found.bad, found.filtered) == (2, 1)
    assert found.reasons[0].startswith("a.jsonl, line 3: record_undecodable")
    assert "line 4: record_misfit, no time" in found.reasons[1]


def test_a_limit_holds_over_all_files(tmp_path: Path) -> None:
    paths = [written(tmp_path / f"{name}.jsonl", [*ROWS]) for name in "ab"]
    assert len(read_recording(paths, TWEETS._replace(limit=3)).events) == 3


def test_what_cannot_be_read_is_refused_with_its_place(tmp_path: Path) -> None:
    bad = written(tmp_path / "a.jsonl", [*ROWS, "{"])
    with pytest.raises(SourceInvalid, match=r"a\.jsonl, line 3: record_undecodable"):
        read_recording([bad], TWEETS._replace(is_strict=True))
    with pytest.raises(
        SourceInvalid, match=r"no row is an event, 3 bad, 0 filtered: a\.jsonl, line"
    ):
        read_recording([bad], Reading())
    with pytest.raises(SourceInvalid, match="expected a readable file"):
        read_recording([tmp_path / "none.jsonl"], TWEETS)
