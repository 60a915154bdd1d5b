"""Read one text for matching: fold it once, divide its Chinese runs when first asked, find the way back.

In: title and text of an event. Out: the plain text that terms are looked for in, and spans of the originals.
Imports consumers.scoring alone.

Title and text are folded apart and joined by a barrier that no phrase crosses: a query may find one word in the title
and another in the text, but each span lies in one of them.
"""

import bisect
import functools
import re
from typing import NamedTuple

from consumers.scoring.chinese import Lexicon, Run
from consumers.scoring.words import BARRIER, HAN_RANGES, Folded, fold, words_of

_RUNS = re.compile(f"[{HAN_RANGES}]+")


class Place(NamedTuple):
    """Hold where a term lies: characters [start, end) of the original title or text."""

    in_title: bool
    start: int
    end: int


class Reading:
    """Hold a folded title and text; not for use by two threads at once."""

    def __init__(self, title: str, text: str, *, lexicon: Lexicon) -> None:
        self._title = fold(title) if title else Folded("")
        self._text = fold(text)
        self._text_starts = len(self._title.plain) + 1 if title else 0
        self.plain = self._title.plain + BARRIER + self._text.plain if title else self._text.plain
        self._lexicon = lexicon
        self._divided: dict[int, Run] = {}

    def place(self, start: int, end: int) -> Place:
        """Return where plain[start:end] lies in the originals."""
        if start < self._text_starts:
            return Place(True, *self._title.original(start, end))
        before = self._text_starts
        return Place(False, *self._text.original(start - before, end - before))

    def is_word(self, start: int, end: int) -> bool:
        """Tell whether plain[start:end], all Chinese characters, stands there as a word."""
        first, run = self._run(start)
        return run.holds(start - first, end - first)

    def is_word_start(self, start: int) -> bool:
        """Tell whether a Chinese word begins at plain[start]."""
        first, run = self._run(start)
        return run.begins(start - first)

    def division(self, start: int) -> tuple[str, ...]:
        """Return the words into which the Chinese run around plain[start] is divided, for explanations."""
        _, run = self._run(start)
        return tuple(run.text[first:last] for first, last in run.division)

    @functools.cached_property
    def words(self) -> frozenset[str]:
        """Return the words of letters and digits, each whole."""
        return frozenset(words_of(self.plain))

    @functools.cached_property
    def _edges(self) -> tuple[list[int], list[int]]:
        spans = [match.span() for match in _RUNS.finditer(self.plain)]
        return [start for start, _ in spans], [end for _, end in spans]

    def _run(self, place: int) -> tuple[int, Run]:
        """Return the run around a Chinese character and where it starts, divided at most once."""
        starts, ends = self._edges
        at = bisect.bisect_right(starts, place) - 1
        run = self._divided.get(at)
        if run is None:
            run = self._divided[at] = Run(self.plain[starts[at] : ends[at]], self._lexicon)
        return starts[at], run
