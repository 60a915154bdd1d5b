"""Lines: a file's rows with their numbers and offsets, from the start or from where an earlier run stopped.

In: content. Out: lines as they stand, to the byte. Knows nothing of JSON; imports contracts alone.
"""

from collections.abc import Iterator

import msgspec

from contracts.errors import SourceInvalid
from producers.sources.file.content import Content

BOM = b"\xef\xbb\xbf"


class Line(msgspec.Struct, frozen=True):
    """Hold one line as it stands, without its newline; `number` counts from 1, it lies at offsets `start` to `end`."""

    number: int
    raw: bytes
    start: int
    end: int

    @property
    def content(self) -> bytes:
        """Return what the line says, without a carriage return or a byte order mark."""
        plain = self.raw.removesuffix(b"\r")
        return plain.removeprefix(BOM) if self.number == 1 else plain

    @property
    def is_blank(self) -> bool:
        """Say whether there is nothing but white space."""
        return not self.raw or self.raw.isspace()


class LineReader:
    """Split content into lines; `limit_bytes` bounds one, for the memory's sake."""

    def __init__(self, content: Content, *, limit_bytes: int) -> None:
        self._content = content
        self._limit_bytes = limit_bytes

    def lines(self, number: int, name: str) -> Iterator[Line | None]:
        """Yield the lines after line `number`, from the content's present offset on.

        None comes where a pipe has nothing now, so that the reader of this can commit what it holds. A last line
        needs no end. Raises SourceInvalid, naming the place, for a damaged file or a line over the limit.
        """
        end, rest = self._content.offset, b""
        while True:
            data = self._read(number, name)
            if data is None:
                yield None
                continue
            if not data:
                break
            *whole, rest = (rest + data).split(b"\n")
            for raw in whole:
                number, start, end = number + 1, end, end + len(raw) + 1
                yield Line(number, raw, start, end)
            if len(rest) > self._limit_bytes:
                raise SourceInvalid(
                    f"{name}, line {number + 1}: longer than {self._limit_bytes} bytes; "
                    "expected one JSON object on each line"
                )
        if rest:
            yield Line(number + 1, rest, end, end + len(rest))

    def _read(self, number: int, name: str) -> bytes | None:
        try:
            return self._content.read()
        except SourceInvalid as error:
            place = f"after line {number} (unpacked byte {self._content.offset})"
            raise SourceInvalid(f"{error} {place}; the lines before it are published") from error
