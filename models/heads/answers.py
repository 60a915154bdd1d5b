"""Keep a person's answers in a file of JSON lines, one written at a time, so that nothing answered is ever lost.

In: texts and labels. Out: a file that `hubbub models fit-head` reads. Imports contracts, msgspec and models.protocols.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from contracts.errors import SourceInvalid
from models.protocols import TextInput

BEGINNING = b'{"text":'


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hold one line of the file."""

    text: str
    label: str
    title: str = ""
    context: str = ""
    lang: str | None = None

    @property
    def input(self) -> TextInput:
        """Return the text as a head reads it."""
        return TextInput(
            text=self.text, context=self.context, title=self.title, lang_hint=self.lang
        )


class AnswerFile:
    """Append answers, take the last one back; opening a file never changes it.

    The first answer that is appended replaces a last line that was cut off (power, a full disk) and ends one that
    lacks its newline. `cut_off` is such a line as it was found, "" where there was none. Raises `SourceInvalid` for a
    file that cannot be read or written, better before the first answer than after.
    """

    def __init__(self, path: Path) -> None:
        if path.suffix == ".gz":
            raise SourceInvalid(
                f"{path}: answers are appended to plain lines; unpack it, or name another file"
            )
        self.path = path
        self.answers: list[Answer] = []
        self.cut_off = ""
        self._ends: list[int] = [0]
        self._is_cut = self._lacks_newline = False
        self._check_place()
        if path.exists():
            self._read()

    def append(self, text: TextInput, label: str) -> None:
        """Write one answer, in one call to the system, and wait until the disk has it."""
        answer = Answer(
            text.text, label, title=text.title, context=text.context, lang=text.lang_hint
        )
        start = b"\n" if self._lacks_newline else b""
        line = msgspec.json.encode(answer) + b"\n"
        with _told(self.path, "write"):
            if self._is_cut:
                os.truncate(self.path, self._ends[-1])
            _append(self.path, start + line)
        self._ends[-1] += len(start)
        self._is_cut = self._lacks_newline = False
        self.answers.append(answer)
        self._ends.append(self._ends[-1] + len(line))

    def undo(self) -> Answer | None:
        """Take the last answer out of the file and return it, or None where there is none."""
        if not self.answers:
            return None
        self._ends.pop()
        self._is_cut = self._lacks_newline = False
        with _told(self.path, "write"):
            os.truncate(self.path, self._ends[-1])
        return self.answers.pop()

    def _check_place(self) -> None:
        place = self.path if self.path.exists() else self.path.parent
        if not self.path.parent.is_dir() or self.path.is_dir() or not os.access(place, os.W_OK):
            raise SourceInvalid(
                f"cannot write {self.path}: expected a file, in a folder that is there, which can be written to"
            )

    def _read(self) -> None:
        with _told(self.path, "read"):
            *lines, last = self.path.read_bytes().split(b"\n")
        for number, line in enumerate([*lines, last] if last else lines, start=1):
            is_last = number > len(lines)
            try:
                self.answers.append(msgspec.json.decode(line, type=Answer))
            except msgspec.DecodeError as error:
                is_json = isinstance(error, msgspec.ValidationError)
                if is_last and not is_json and _is_begun(line):
                    self._is_cut, self.cut_off = True, line.decode(errors="replace")
                    return
                raise SourceInvalid(
                    f'{self.path}, line {number}: {error}; expected {{"text": ..., "label": ...}}'
                ) from error
            self._lacks_newline = is_last
            self._ends.append(self._ends[-1] + len(line) + (not is_last))


def _append(path: Path, raw: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(handle, raw)
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _told(path: Path, what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SourceInvalid(f"cannot {what} {path}: {error.strerror}") from error


def _is_begun(line: bytes) -> bool:
    """Say whether a line begins as ours do: what else cannot be read is not ours to drop."""
    length = len(BEGINNING)
    return line[:length] == BEGINNING[: len(line)]
