"""Content: the bytes of a file or a pipe, unpacked where they are gzip.

In: a path, or standard input. Out: chunks of bytes. Knows nothing of lines; imports contracts alone.
"""

import os
import select
import stat
import zlib
from pathlib import Path

from contracts.errors import SourceInvalid

CHUNK_BYTES = 1 << 18
PATIENCE_S = 0.05  # how long a pipe that has nothing to give is waited for
GZIP_MAGIC = b"\x1f\x8b"
GZIP_WINDOW = 31  # zlib's word for: a gzip header and trailer
STDIN = 0


class Content:
    """Read a file (plain or gzip, told by its first bytes) or, without a path, standard input.

    Offsets count unpacked bytes.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._name = str(path) if path else "standard input"
        self._fd = -1
        self._is_regular = False
        self._inflater: zlib._Decompress | None = None
        self._packed = b""
        self._at = 0

    @property
    def offset(self) -> int:
        """Return how many bytes were read so far."""
        return self._at

    @property
    def size_bytes(self) -> int | None:
        """Return the unpacked size where it is known without reading: of plain files."""
        if not self._is_regular or self._inflater is not None:
            return None
        return os.fstat(self._fd).st_size

    def open(self) -> None:
        """Open and look at the first bytes; raises SourceInvalid for what is not there or no file."""
        if self._path is None:
            self._fd = STDIN
        else:
            self._fd = _opened(self._path)
        mode = os.fstat(self._fd).st_mode
        if stat.S_ISDIR(mode):
            self.close()
            raise SourceInvalid(f"{self._name} is a folder; expected a file of JSON lines")
        self._is_regular = stat.S_ISREG(mode) and self._path is not None
        if self._is_regular and os.pread(self._fd, 2, 0) == GZIP_MAGIC:
            self._inflater = zlib.decompressobj(GZIP_WINDOW)

    def close(self) -> None:
        """Close the file; standard input stays open."""
        if self._fd > STDIN:
            os.close(self._fd)
        self._fd = -1

    def read(self) -> bytes | None:
        """Return the next bytes, b"" at the end, None where a pipe has nothing now. Raises SourceInvalid."""
        data = self._raw() if self._inflater is None else self._unpacked(self._inflater)
        if data and self._at == 0 and not self._is_regular and data.startswith(GZIP_MAGIC):
            raise SourceInvalid(
                f"{self._name} is gzip; unpack it on the way: gzip -dc FILE | ... -"
            )
        self._at += len(data or b"")
        return data

    def take(self, size: int) -> bytes:
        """Return that many bytes of a file, fewer only at its end; the rest of the last chunk is not lost.

        For the first bytes after `open` or `seek`; a chunk's rest is given back by seeking.
        """
        start, parts, left = self._at, [], size
        while left > 0 and (data := self.read()):
            parts.append(data[:left])
            left -= len(parts[-1])
        taken = b"".join(parts)
        self.seek(start + len(taken))
        return taken

    def seek(self, offset: int) -> None:
        """Go to an offset of a file: at once in a plain one, by unpacking from the start in a gzip one."""
        if self._inflater is None:
            os.lseek(self._fd, offset, os.SEEK_SET)
            self._at = offset
            return
        os.lseek(self._fd, 0, os.SEEK_SET)
        self._inflater, self._packed, self._at = zlib.decompressobj(GZIP_WINDOW), b"", 0
        while self._at < offset:
            data = self._unpacked(self._inflater, min(CHUNK_BYTES, offset - self._at))
            if not data:
                return
            self._at += len(data)

    def _raw(self) -> bytes | None:
        if not self._is_regular and not select.select([self._fd], [], [], PATIENCE_S)[0]:
            return None
        try:
            return os.read(self._fd, CHUNK_BYTES)
        except OSError as error:
            raise SourceInvalid(f"{self._name}: {error.strerror} at byte {self._at}") from error

    def _unpacked(self, inflater: "zlib._Decompress", limit: int = CHUNK_BYTES) -> bytes:
        while True:
            if inflater.eof:
                inflater = self._next_member(inflater)
                if inflater.eof:
                    return b""
            packed = self._packed or self._raw() or b""
            if not packed:
                raise SourceInvalid(f"{self._name}: the gzip stream ends too early")
            try:
                data = inflater.decompress(packed, limit)
            except zlib.error as error:
                raise SourceInvalid(
                    f"{self._name}: the gzip stream is damaged ({error})"
                ) from error
            self._packed = inflater.unconsumed_tail
            if data:
                return data

    def _next_member(self, done: "zlib._Decompress") -> "zlib._Decompress":
        """Return the inflater of the next gzip member, or the finished one at the end; zeros between are padding."""
        rest = done.unused_data.lstrip(b"\0")
        while not rest and (more := self._raw()):
            rest = more.lstrip(b"\0")
        if rest:
            self._inflater, self._packed = zlib.decompressobj(GZIP_WINDOW), rest
            return self._inflater
        return done


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY)
    except OSError as error:
        raise SourceInvalid(
            f"{path}: {error.strerror}; expected a readable file of JSON lines"
        ) from error
