"""Find where characters of a normalised line stood in the text as it came.

In: a title and a text, and the line that `models.features.text` made of them. Out: for a span of the line the span of
the raw text. Pure; imports models.features.text and models.protocols alone.

Normalising is done again, step by step, with a place beside each character: entities, NFKC, invisible characters,
handles, links, long runs, white space. What stands for more characters than itself (a link, an entity, a
run that was cut) keeps their whole extent, so that a span's raw slice normalises to the span's words again. Steps that
change no length cost one look-up a character; a text that is its own line costs a comparison.

NFKC works cluster by cluster: a character with the marks that may join it. Where the clusters together are not what
NFKC makes of the whole, or anything else differs from the line, there is no alignment rather than a wrong one.
"""

import html
import re
import unicodedata
from typing import NamedTuple

from models.features.text import (
    CHARACTERS_PER_PIECE,
    INVISIBLE,
    LINK,
    LINK_PLACEHOLDER,
    LONG_RUN,
    MENTION,
    MENTION_PLACEHOLDER,
)
from models.protocols import TextInput

# What html.unescape looks for.
_ENTITY = re.compile(r"&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\t\n\f <&#;]{1,32};?)")
_SPACE = re.compile(r"\s+")
_UNEVEN = "\x00"


class Alignment(NamedTuple):
    """Hold each line character's place in the raw text (title, line feed, text); None where they are equal."""

    starts: list[int] | None
    ends: list[int] | None
    title_size: int

    def raw(self, start: int, end: int) -> tuple[int, int, bool] | None:
        """Return (start, end, is in the title) of a non-empty span of the line; None where it is in both."""
        if self.starts is not None and self.ends is not None:
            start, end = self.starts[start], self.ends[end - 1]
        if not self.title_size:
            return start, end, False
        if end <= self.title_size:
            return start, end, True
        offset = self.title_size + 1
        return (start - offset, end - offset, False) if start >= offset else None


class _Placed(NamedTuple):
    """Hold a text on its way to the line, and the raw extent of each of its characters."""

    text: str
    starts: list[int]
    ends: list[int]


class _NormalForms(dict[int, str]):
    """The NFKC form of each character that has one of one character; `_UNEVEN` for any other."""

    def __missing__(self, code: int) -> str:
        form = unicodedata.normalize("NFKC", chr(code))
        plain = self[code] = form if len(form) == 1 else _UNEVEN
        return plain


_FORMS = _NormalForms()


def align(item: TextInput, line: str, *, token_limit: int) -> Alignment | None:
    """Return where each character of `line` stood in `item`; None where that cannot be told for certain."""
    has_title = bool(item.title) and not item.text.startswith(item.title)
    raw = f"{item.title}\n{item.text}" if has_title else item.text
    title_size = len(item.title) if has_title else 0
    raw = raw[: 2 * CHARACTERS_PER_PIECE * token_limit]
    if raw == line:
        return Alignment(None, None, title_size)
    placed = _collapsed(_placed(raw))
    if not placed.text.startswith(line):
        return None
    return Alignment(placed.starts, placed.ends, title_size)


def _placed(raw: str) -> _Placed:
    """Return `raw` after every step of `normalize_line` that knows nothing of white space."""
    places = list(range(len(raw) + 1))
    placed = _Placed(raw, places[:-1], places[1:])
    if "&" in raw:
        placed = _unescaped(placed)
    if not placed.text.isascii():
        placed = _dropped(_composed(placed))
    elif not placed.text.isprintable():
        placed = _dropped(placed)
    if "@" in placed.text:
        placed = _replaced(placed, MENTION, by=MENTION_PLACEHOLDER)
    if "://" in placed.text or "www." in placed.text:
        placed = _replaced(placed, LINK, by=LINK_PLACEHOLDER)
    return _shortened(placed)


class _Builder:
    """Join kept and replaced parts of a placed text."""

    def __init__(self, placed: _Placed) -> None:
        self._from = placed
        self._at = 0
        self._text: list[str] = []
        self._starts: list[int] = []
        self._ends: list[int] = []

    def keep(self, end: int) -> None:
        """Take over everything up to `end`."""
        if end > self._at:
            self._text.append(self._from.text[self._at : end])
            self._starts += self._from.starts[self._at : end]
            self._ends += self._from.ends[self._at : end]
            self._at = end

    def replace(self, end: int, by: str) -> None:
        """Write `by` for everything up to `end`; each of its characters has the whole extent."""
        if by:
            self._text.append(by)
            self._starts += [self._from.starts[self._at]] * len(by)
            self._ends += [self._from.ends[end - 1]] * len(by)
        elif self._ends:
            self._ends[-1] = self._from.ends[end - 1]
        self._at = end

    def skip(self, end: int) -> None:
        """Leave out everything up to `end`."""
        self._at = end

    def done(self) -> _Placed:
        """Return the joined text."""
        self.keep(len(self._from.text))
        return _Placed("".join(self._text), self._starts, self._ends)


def _unescaped(placed: _Placed) -> _Placed:
    builder = _Builder(placed)
    for match in _ENTITY.finditer(placed.text):
        entity = match.group()
        char = html.unescape(entity)
        if char != entity:
            # `&lt3` is `<3`: what follows a known name without semicolon is itself.
            same = 0
            while same < len(char) - 1 and char[-1 - same] == entity[-1 - same]:
                same += 1
            builder.keep(match.start())
            builder.replace(match.end() - same, char[: len(char) - same])
    return builder.done()


def _composed(placed: _Placed) -> _Placed:
    """Return the text in NFKC."""
    text = placed.text
    whole = unicodedata.normalize("NFKC", text)
    if whole == text or text.translate(_FORMS) == whole:
        return placed._replace(text=whole)
    builder = _Builder(placed)
    for start, end in _clusters(text):
        form = unicodedata.normalize("NFKC", text[start:end])
        if form != text[start:end]:
            builder.keep(start)
            builder.replace(end, form)
    return builder.done()


def _clusters(text: str) -> list[tuple[int, int]]:
    """Return [start, end) of each character with what may join it."""
    starts = [place for place, char in enumerate(text) if not place or not _joins(char)]
    return list(zip(starts, [*starts[1:], len(text)], strict=True))


def _joins(char: str) -> bool:
    """Tell whether NFKC may join this to what stands before: marks, Hangul vowels and finals, half-width voicing."""
    if unicodedata.category(char)[0] == "M":
        return True
    return "\u1160" <= char <= "\u11ff" or "\uff9e" <= char <= "\uffdc"


def _dropped(placed: _Placed) -> _Placed:
    builder = _Builder(placed)
    for match in INVISIBLE.finditer(placed.text):
        builder.keep(match.start())
        builder.replace(match.end(), "")
    return builder.done()


def _replaced(placed: _Placed, pattern: re.Pattern[str], *, by: str) -> _Placed:
    builder = _Builder(placed)
    for match in pattern.finditer(placed.text):
        builder.keep(match.start())
        builder.replace(match.end(), by)
    return builder.done()


def _shortened(placed: _Placed) -> _Placed:
    """Return the text with runs cut to three characters, of which the third has the extent of all that were cut."""
    builder = _Builder(placed)
    for match in LONG_RUN.finditer(placed.text):
        builder.keep(match.start() + 2)
        builder.replace(match.end(), match.group(1))
    return builder.done()


def _collapsed(placed: _Placed) -> _Placed:
    """Return the text without white space at its ends, and a single space for any inside."""
    size = len(placed.text)
    builder = _Builder(placed)
    for match in _SPACE.finditer(placed.text):
        is_end = match.start() == 0 or match.end() == size
        if is_end or match.group() != " ":
            builder.keep(match.start())
            if is_end:
                builder.skip(match.end())
            else:
                builder.replace(match.end(), " ")
    return builder.done()
