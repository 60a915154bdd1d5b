"""Read labelled records from JSON-lines files, gzipped or plain.

In: a path; a file is taken for gzip by its first bytes, not by its name. Out: one dict a line. Imports contracts,
msgspec and the standard library.
"""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec

from contracts.errors import SourceInvalid

GZIP_MAGIC = b"\x1f\x8b"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_records(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the file's objects; empty lines, a byte order mark and Windows line ends are passed over.

    Raises `SourceInvalid` naming file and line when it is not JSON objects by line, or a gzip that is cut or damaged.
    """
    done = 0
    try:
        with _open(path) as lines:
            for line in lines:
                text = line.removeprefix(BYTE_ORDER_MARK) if done == 0 else line
                if not text.isspace() and text:
                    yield msgspec.json.decode(text, type=dict[str, Any])
                done += 1
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise SourceInvalid(f"cannot read data file {path}: {error.strerror}") from error
    except (OSError, EOFError, zlib.error, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SourceInvalid(
            f"data file {path}, line {done + 1}: {error}; expected one JSON object a line"
        ) from error


def _open(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        is_gzip = file.read(2) == GZIP_MAGIC
    if path.suffix == ".gz" and not is_gzip and path.stat().st_size:
        raise gzip.BadGzipFile("not gzip, although its name ends in .gz")
    return cast("BinaryIO", gzip.open(path, "rb")) if is_gzip else path.open("rb")
