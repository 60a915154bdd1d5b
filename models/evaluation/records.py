"""Read labelled records from JSON-lines files, gzipped or plain.

In: a path ending in `.jsonl` or `.jsonl.gz`. Out: one dict a line. Imports contracts, msgspec and the standard library.
"""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec

from contracts.errors import SourceInvalid


def read_records(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the file's objects. Raises `SourceInvalid` naming file and line when it is not JSON objects by line."""
    done = 0
    try:
        with _open(path) as lines:
            for line in lines:
                yield msgspec.json.decode(line, type=dict[str, Any])
                done += 1
    except (OSError, EOFError, msgspec.DecodeError) as error:
        raise SourceInvalid(
            f"data file {path}, line {done + 1}: {error}; expected one JSON object a line"
        ) from error


def _open(path: Path) -> BinaryIO:
    return cast("BinaryIO", gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")
