"""Turn a term or a phrase into a pattern, and find where it stands in a text as words.

In: what a user wrote between spaces or quotation marks. Out: a `Pattern`, its places in a `Reading`.
Imports consumers.scoring alone.

A term is folded and cut into pieces of one kind (see `words.Kind`). Between two pieces of the same term may stand:

    two words of letters            at least one space or punctuation mark (`covid-19` finds `COVID 19`)
    letters and Chinese             nothing, or spaces and punctuation (`iPhone15手机` finds `iPhone15 手机`)
    two Chinese words               the same (`"苹果 手机"` finds `苹果手机` and `苹果，手机`)
    a symbol and what it touches    nothing (`C++`, `#apple`, `15%`)

and never a word, a symbol, or the border of title and text. Within a piece nothing may stand between. A piece of
letters begins and ends where a word does (`apple` is not in `pineapple`); a Chinese one is judged by its surroundings
(`consumers.scoring.chinese`). A term that begins with `#` or `@` is one whole hashtag or account. A trailing `*`
leaves the end of the last piece open.
"""

import functools
import itertools
import re
from collections.abc import Iterator

import msgspec

from consumers.scoring.reading import Reading
from consumers.scoring.words import KIND, Kind, fold

_SOLID = {Kind.WORD, Kind.HAN, Kind.FREE}


class Pattern(msgspec.Struct, frozen=True, cache_hash=True):
    """Hold a folded term: its `pieces`, the `gaps` before each (regular expressions), and whether the end is open.

    `anchor` is the longest piece, which the automaton looks for. `is_word` says that the pattern is one whole word of
    letters, `is_chinese` that finding it may need a division into words. Equal patterns find the same places.
    """

    anchor: str
    pieces: tuple[str, ...]
    gaps: tuple[str, ...]
    is_open: bool
    is_tag: bool
    is_word: bool
    is_chinese: bool


@functools.lru_cache(65_536)
def make_pattern(term: str, *, is_open: bool = False) -> Pattern | None:
    """Return the pattern of a term or phrase, or None where it holds neither letter, digit nor symbol."""
    plain = fold(term).plain
    pieces: list[str] = []
    gaps: list[str] = []
    is_tag = plain[:1] in {"#", "@"} and len(plain) > 1 and KIND[plain[1]] in _SOLID
    between = ""
    for kind, chars in itertools.groupby(plain, KIND.__getitem__):
        if kind is Kind.GAP:
            between = "".join(chars)
            continue
        gaps.append(_gap(pieces[-1], kind, between=between, is_tag=is_tag) if pieces else "")
        pieces.append("".join(chars))
        between = ""
    if not pieces:
        return None
    kinds = {KIND[piece[0]] for piece in pieces}
    return Pattern(
        anchor=max(pieces, key=len),
        pieces=tuple(pieces),
        gaps=tuple(gaps),
        is_open=is_open,
        is_tag=is_tag,
        is_word=len(pieces) == 1 and kinds == {Kind.WORD} and not is_open,
        is_chinese=Kind.HAN in kinds and not is_tag,
    )


def _gap(before: str, kind: Kind, *, between: str, is_tag: bool) -> str:
    """Return what may stand between a piece and the next, as a regular expression on plain text."""
    last = KIND[before[-1]]
    if is_tag and "_" in between:
        return "_+"
    if last is kind is Kind.WORD:
        return "[ _]+"
    if not between and (is_tag or Kind.SYMBOL in {last, kind}):
        return ""
    return "[ _]*"


def find_places(pattern: Pattern, reading: Reading, *, limit: int) -> list[tuple[int, int]]:
    """Return the first spans of the plain text where a pattern stands as words, at most `limit`."""
    found: list[tuple[int, int]] = []
    for spans in literal_places(pattern, reading.plain):
        start, end = spans[0][0], spans[-1][1]
        if _has_edges(pattern, reading.plain, start=start, end=end) and (
            not pattern.is_chinese or _are_chinese_words(pattern, spans, reading=reading)
        ):
            found.append((start, end))
            if len(found) == limit:
                break
    return found


def literal_places(pattern: Pattern, plain: str) -> Iterator[list[tuple[int, int]]]:
    """Yield the spans of the pieces wherever their characters stand, words or not."""
    if len(pattern.pieces) == 1:
        (piece,) = pattern.pieces
        at = plain.find(piece)
        while at >= 0:
            yield [(at, at + len(piece))]
            at = plain.find(piece, at + 1)
        return
    expression = _expression(pattern)
    found = expression.search(plain)
    while found:
        yield [found.span(group) for group in range(1, len(pattern.pieces) + 1)]
        found = expression.search(plain, found.start() + 1)


@functools.lru_cache(maxsize=65_536)
def _expression(pattern: Pattern) -> re.Pattern[str]:
    pairs = zip(pattern.gaps, pattern.pieces, strict=True)
    return re.compile("".join(f"{gap}({re.escape(piece)})" for gap, piece in pairs))


def _has_edges(pattern: Pattern, plain: str, *, start: int, end: int) -> bool:
    """Tell whether a place begins and ends where words of letters, hashtags and accounts do."""
    before = KIND[plain[start - 1]] if start else Kind.GAP
    after = KIND[plain[end]] if end < len(plain) else Kind.GAP
    if pattern.is_tag:
        ends = pattern.is_open or (after not in _SOLID and plain[end : end + 1] != "_")
        return before is not Kind.WORD and ends
    begins = before is not Kind.WORD or KIND[plain[start]] is not Kind.WORD
    ends = pattern.is_open or after is not Kind.WORD or KIND[plain[end - 1]] is not Kind.WORD
    return begins and ends


def _are_chinese_words(pattern: Pattern, spans: list[tuple[int, int]], *, reading: Reading) -> bool:
    for index, (start, end) in enumerate(spans):
        if KIND[reading.plain[start]] is not Kind.HAN or _is_unit(pattern, index):
            continue
        is_open = pattern.is_open and index == len(spans) - 1
        if not (reading.is_word_start(start) if is_open else reading.is_word(start, end)):
            return False
    return True


def _is_unit(pattern: Pattern, index: int) -> bool:
    """Tell whether a piece is one character after letters or digits: 3月 stands in 3月份, T恤 in T恤衫."""
    if index == 0 or len(pattern.pieces[index]) > 1:
        return False
    return KIND[pattern.pieces[index - 1][-1]] is Kind.WORD
