"""Keep a person's answers in a file of JSON lines, one written at a time, so that nothing answered is ever lost.

In: texts and labels. Out: a file that `hubbub models fit-head` reads. Imports contracts, msgspec and models.protocols.
"""

import os
from pathlib import Path

import msgspec

from contracts.errors import SourceInvalid
from models.protocols import TextInput


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hold one line of the file."""

    text: str
    label: str
    title: str = ""
    lang: str | None = None

    @property
    def input(self) -> TextInput:
        """Return the text as a head reads it."""
        return TextInput(text=self.text, title=self.title, lang_hint=self.lang)


class AnswerFile:
    """Append answers, take the last one back. A line that was cut off (power, a full disk) is dropped when opened."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.answers: list[Answer] = []
        self._ends: list[int] = [0]
        if path.exists():
            self._read()

    def append(self, text: TextInput, label: str) -> None:
        """Write one answer, in one call to the system, and wait until the disk has it."""
        answer = Answer(text.text, label, title=text.title, lang=text.lang_hint)
        line = msgspec.json.encode(answer) + b"\n"
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(handle, line)
            os.fsync(handle)
        finally:
            os.close(handle)
        self.answers.append(answer)
        self._ends.append(self._ends[-1] + len(line))

    def undo(self) -> Answer | None:
        """Take the last answer out of the file and return it, or None where there is none."""
        if not self.answers:
            return None
        self._ends.pop()
        os.truncate(self.path, self._ends[-1])
        return self.answers.pop()

    def _read(self) -> None:
        for number, line in enumerate(self.path.read_bytes().splitlines(keepends=True), start=1):
            if not line.endswith(b"\n"):
                os.truncate(self.path, self._ends[-1])
                return
            try:
                self.answers.append(msgspec.json.decode(line, type=Answer))
            except msgspec.DecodeError as error:
                raise SourceInvalid(
                    f'{self.path}, line {number}: {error}; expected {{"text": ..., "label": ...}}'
                ) from error
            self._ends.append(self._ends[-1] + len(line))
