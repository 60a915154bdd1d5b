"""Ask a person for labels in the terminal, the most instructive texts first.

In: texts, what a head guesses of each, a file of answers, a way to ask and one to say. Out: answers in the file. Reads
no input itself; imports contracts, models.evaluation and models.heads.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from contracts.hub_models import LABEL_RULE, is_label
from models.evaluation.printable import printable
from models.heads.answers import AnswerFile
from models.heads.asking import Asker
from models.heads.encoding import EncodedTexts
from models.heads.joining import entropy
from models.protocols import FloatArray, TextInput

OUT_OF_SCOPE = "out_of_scope"
GUESSES = 3
SHOWN_CHARACTERS = 1000
HELP = (
    "number or name: that label    s: skip    u: undo    o: belongs to no label    q: quit    ?: all labels"
    "    =NAME: a label, whatever its name"
)


class Terminal(NamedTuple):
    """Hold a way to ask, which returns a line or None at the end of input, and a way to say."""

    ask: Callable[[str], str | None]
    say: Callable[[str], None]


class Guesses(NamedTuple):
    """Hold a head's labels and its probabilities [texts, labels]."""

    labels: tuple[str, ...]
    shares: FloatArray


class Session:
    """One sitting: `run` asks until the person quits, the input ends or no text is left."""

    def __init__(
        self,
        texts: Sequence[TextInput],
        encoded: EncodedTexts,
        *,
        file: AnswerFile,
        guesses: Guesses | None,
        terminal: Terminal,
    ) -> None:
        self._texts, self._lines = texts, encoded.lines
        self._file = file
        self._guesses = guesses
        self._terminal = terminal
        doubt = None if guesses is None else entropy(guesses.shares)
        self._asker = Asker(encoded.embedding, doubt=doubt)
        known = {answer.label for answer in file.answers} - {OUT_OF_SCOPE}
        self._labels = sorted(known | set(guesses.labels if guesses else ()))
        self._history: list[int] = []
        self._begun = len(file.answers)

    def answered_before(self, lines: Sequence[str]) -> None:
        """Leave out the texts whose normalised lines were answered in an earlier sitting."""
        done = set(lines)
        self._asker.answered([at for at, line in enumerate(self._lines) if line in done])

    def run(self) -> int:
        """Ask; return how many answers this sitting added."""
        self._say(HELP)
        at = self._asker.next()
        while at is not None:
            self._show(at)
            at = self._react(at)
        return len(self._file.answers) - self._begun

    def _say(self, words: str) -> None:
        self._terminal.say("\n".join(map(printable, words.split("\n"))))

    def _react(self, at: int) -> int | None:
        """Ask about the text at `at` until it is done with; return the next one's position, None at the end."""
        while True:
            reply = self._terminal.ask("label> ")
            word = "q" if reply is None else " ".join(reply.split())
            match word:
                case "":
                    continue
                case "q":
                    return None
                case "s":
                    return self._next()
                case "u":
                    return self._undo(at)
                case "?":
                    self._list()
                case "o":
                    return self._take(at, OUT_OF_SCOPE)
                case _:
                    label = self._meant(word)
                    if label is not None:
                        return self._take(at, label)

    def _meant(self, word: str) -> str | None:
        """Return the label that was typed; a new one must be confirmed, as most are slips of the finger."""
        if (
            word not in self._labels
            and word.isascii()
            and word.isdigit()
            and 1 <= int(word) <= len(self._labels)
        ):
            return self._labels[int(word) - 1]
        name = word.removeprefix("=").strip()
        known = {label.casefold(): label for label in self._labels}
        if name.casefold() in known:
            return known[name.casefold()]
        if not is_label(name):
            self._say(f"a label has {LABEL_RULE}")
            return None
        reply = self._terminal.ask(f"new label {name!r}? y/n> ")
        if reply is None or reply.strip().lower() not in {"y", "yes"}:
            return None
        self._labels.append(name)  # at the end: the numbers that were read stay true
        return name

    def _take(self, at: int, label: str) -> int | None:
        self._file.append(self._texts[at], label)
        self._history.append(at)
        self._say(f"  {label} ({len(self._file.answers)} answers in {self._file.path})")
        return self._next()

    def _next(self) -> int | None:
        at = self._asker.next()
        if at is None:
            self._say("no text is left")
        return at

    def _undo(self, at: int) -> int:
        """Take back the last answer of this sitting and ask about its text again; the present one comes later."""
        if not self._history:
            self._say("nothing to undo in this sitting")
            return at
        answer = self._file.undo()
        self._asker.reopen(at)
        self._say(f"  taken back: {answer.label if answer else ''}")
        return self._history.pop()

    def _show(self, at: int) -> None:
        line = self._lines[at]
        cut = " ..." if len(line) > SHOWN_CHARACTERS else ""
        self._say(f"\n{line[:SHOWN_CHARACTERS]}{cut}")
        if self._guesses is not None:
            shares = self._guesses.shares[at]
            best = np.argsort(-shares, kind="stable")[:GUESSES]
            numbers = {label: number for number, label in enumerate(self._labels, start=1)}
            guessed = [self._guesses.labels[i] for i in best]
            words = [
                f"{numbers[label]} {label} {shares[i]:.2f}"
                for i, label in zip(best, guessed, strict=True)
            ]
            self._say("  " + "    ".join(words))
        elif self._labels:
            self._list()

    def _list(self) -> None:
        shown = (f"{number} {label}" for number, label in enumerate(self._labels, start=1))
        self._say("  " + ("    ".join(shown) or "no label yet: type a name"))
