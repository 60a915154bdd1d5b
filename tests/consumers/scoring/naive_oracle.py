"""Weigh one query on one text in the plainest way: no automaton, no doors, no formula, no tables of scores.

It shares with the product what folding means (`words.fold`, tested on its own), the tree, and which words Chinese has
with which counts. All else is written a second time, from the documents.
"""

import functools
import math
from collections.abc import Iterator, Mapping

from consumers.scoring.chinese import MARGIN, NUMERALS, ORDINAL, SUFFIXES, Lexicon
from consumers.scoring.chinese_words import SOUND_NAMES
from consumers.scoring.query.tree import And, Field, Node, Not, Or, Term
from consumers.scoring.views import HeadView, MatchInput
from consumers.scoring.words import BARRIER, KIND, Kind, fold

Truth = bool | None
Words = list[tuple[int, int, float]]
LONGEST_WORD = 16
GROUPS = (And, Or)
SOLID = (Kind.WORD, Kind.HAN, Kind.FREE)


class NaiveChinese:
    """Divide Chinese by trying everything; remembers what it has tried."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self.best = functools.cache(self._best)
        self.stands = functools.cache(self._stands)

    def _best(self, text: str, without: str = "") -> tuple[float, tuple[str, ...]]:
        """Return the best score of a text and its words."""
        if not text:
            return 0.0, ()
        options = []
        for end in range(1, min(len(text), LONGEST_WORD) + 1):
            score = self._lexicon.score(text[:end])
            if score is not None and text[:end] != without:
                rest, words = self.best(text[end:], without)
                options.append((score + rest, (text[:end], *words)))
        return max(options, key=lambda option: option[0])

    def _words(self, run: str, without: str) -> Iterator[tuple[int, int, float]]:
        """Yield every word of a run with the score of the best division that has it."""
        for first in range(len(run)):
            before = self.best(run[:first], without)[0]
            for last in range(first + 1, min(len(run), first + LONGEST_WORD) + 1):
                score = self._lexicon.score(run[first:last])
                if score is not None and run[first:last] != without:
                    yield first, last, before + score + self.best(run[last:], without)[0]

    def _falls_apart(self, word: str, place: int) -> bool:
        words = self.best(word, word)[1] if len(word) > 3 else ()
        sizes = {sum(map(len, words[:count])) for count in range(1, len(words))}
        return place in sizes and 2 <= place <= len(word) - 2

    def _stands(self, run: str, start: int, end: int, *, is_open: bool) -> bool:
        if in_number(run, start) or (not is_open and in_number(run, end)):
            return False
        if self._is_there(run, start, end, is_open=is_open):
            return True
        has_suffix = not is_open and end - start == 2 and run[end : end + 1] in SUFFIXES
        return has_suffix and self._is_there(run, start, end + 1, is_open=False)

    def _is_there(
        self, run: str, start: int, end: int, *, is_open: bool, without: str = ""
    ) -> bool:
        """Tell whether [start, end) is a word of a run; where it is open, whether a word begins at `start`."""
        middle = self.best(run[start:], without)[0]
        if not is_open:
            middle = self._lexicon.term_score(run[start:end]) + self.best(run[end:], without)[0]
        whole = self.best(run[:start], without)[0] + middle
        words = list(self._words(run, without))
        longer = [] if is_open else self._longer(words, start, end, whole=whole)
        for _, first, last in longer:
            if not self._gives_up(run[first:last], run[start:end]):
                return False
        if longer:
            score, first, last = max(longer, key=lambda found: found[0])
            if score - self._straddle(run, words, start=first, end=last) > MARGIN:
                word = run[first:last]
                begin, stop = start - first, end - first
                return self._is_there(word, begin, stop, is_open=False, without=word)
        last = len(run) if is_open else end
        return whole - self._straddle(run, words, start=start, end=last) > MARGIN

    def _longer(
        self, words: Words, start: int, end: int, *, whole: float
    ) -> list[tuple[float, int, int]]:
        return [
            (score, first, last)
            for first, last, score in words
            if first <= start and end <= last and last - first > end - start and score > whole
        ]

    def _straddle(self, run: str, words: Words, *, start: int, end: int) -> float:
        best = -math.inf
        for first, last, score in words:
            if first <= start and end <= last:
                continue
            crossed = [edge for edge in {start, end} if first < edge < last]
            if any(not self._falls_apart(run[first:last], edge - first) for edge in crossed):
                best = max(best, score)
        return best

    def _gives_up(self, word: str, term: str) -> bool:
        if len(term) == 1 or word in SOUND_NAMES:
            return False
        return term in self._lexicon or min(map(len, self.best(term)[1])) > 1


def in_number(run: str, edge: int) -> bool:
    if not 0 < edge < len(run) or not set(run[edge - 1 : edge + 1]) <= NUMERALS:
        return False
    head = run[: edge - 1].rstrip("".join(NUMERALS))
    return not (len(head) == edge - 1 and head[-1:] and head[-1] in ORDINAL)


class NaiveTerm:
    """Look for one term by trying every place of a text."""

    def __init__(self, text: str, *, is_open: bool, chinese: NaiveChinese) -> None:
        self._chinese = chinese
        self._is_open = is_open
        plain = fold(text).plain
        first = plain.lstrip()[:2]
        self._is_tag = plain[:1] in {"#", "@"} and len(first) > 1 and KIND[first[1]] in SOLID
        self.pieces: list[tuple[str, str]] = []
        between = ""
        for char in plain:
            if KIND[char] is Kind.GAP:
                between += char
            elif self.pieces and not between and KIND[self.pieces[-1][1][-1]] is KIND[char]:
                gap, piece = self.pieces[-1]
                self.pieces[-1] = (gap, piece + char)
            else:
                self.pieces.append((between, char))
                between = ""

    def stands_in(self, plain: str) -> bool:
        """Tell whether the term stands anywhere."""
        for _, piece in self.pieces:
            if piece not in plain:
                return False
        return any(self._stands_at(plain, at) for at in range(len(plain)))

    def _stands_at(self, plain: str, at: int) -> bool:
        begin, before = at, ""
        for index, (written, piece) in enumerate(self.pieces):
            if index:
                gap = at
                while plain[at : at + 1] in {" ", "_"}:
                    at += 1
                if not self._may_part(before, piece, written=written, gap=plain[gap:at]):
                    return False
            if not plain.startswith(piece, at):
                return False
            is_unit = index and len(piece) == 1 and KIND[before[-1]] is Kind.WORD
            is_last = index == len(self.pieces) - 1
            if not is_unit and not self._is_word(plain, at, piece=piece, is_last=is_last):
                return False
            at, before = at + len(piece), piece
        return self._has_edges(plain, begin, end=at)

    def _may_part(self, before: str, after: str, *, written: str, gap: str) -> bool:
        kinds = {KIND[before[-1]], KIND[after[0]]}
        if self._is_tag and "_" in written:
            return set(gap) == {"_"}
        if kinds == {Kind.WORD}:
            return gap != ""
        return gap == "" if not written and (self._is_tag or Kind.SYMBOL in kinds) else True

    def _is_word(self, plain: str, at: int, *, piece: str, is_last: bool) -> bool:
        if self._is_tag or KIND[piece[0]] is not Kind.HAN:
            return True
        first, last = at, at + len(piece)
        while first and KIND[plain[first - 1]] is Kind.HAN:
            first -= 1
        while last < len(plain) and KIND[plain[last]] is Kind.HAN:
            last += 1
        is_open = self._is_open and is_last
        start, end = at - first, at - first + len(piece)
        return self._chinese.stands(plain[first:last], start, end, is_open=is_open)

    def _has_edges(self, plain: str, start: int, *, end: int) -> bool:
        left = KIND[plain[start - 1]] if start else Kind.GAP
        right = KIND[plain[end]] if end < len(plain) else Kind.GAP
        if self._is_tag:
            after = self._is_open or not (right in SOLID or plain[end : end + 1] == "_")
            return left is not Kind.WORD and after
        left_ok = not (left is Kind.WORD and KIND[plain[start]] is Kind.WORD)
        right_ok = not (right is Kind.WORD and KIND[plain[end - 1]] is Kind.WORD)
        return left_ok and (self._is_open or right_ok)


class NaiveQuery:
    """Weigh a tree on one event, clause by clause."""

    def __init__(self, tree: Node, chinese: NaiveChinese) -> None:
        self._tree = tree
        self._chinese = chinese
        self._terms: dict[int, NaiveTerm] = {}
        self._prepare(tree)

    def matches(
        self,
        event: MatchInput,
        scores: Mapping[str, HeadView],
        *,
        plain: str,
        lang: str | None = None,
    ) -> bool:
        """Tell whether the query is true of an event whose `plain_of` is `plain`."""

        def truth(node: Node) -> Truth:
            if isinstance(node, GROUPS):
                parts = [truth(child) for child in node.children]
                decides = isinstance(node, Or)
                return decides if decides in parts else (None if None in parts else not decides)
            if isinstance(node, Not):
                inner = truth(node.child)
                return None if inner is None else not inner
            if isinstance(node, Field):
                return field_truth(node, event, scores=scores, lang=lang)
            return self._terms[id(node)].stands_in(plain)

        return truth(self._tree) is True

    def _prepare(self, node: Node) -> None:
        if isinstance(node, GROUPS):
            for child in node.children:
                self._prepare(child)
        elif isinstance(node, Not):
            self._prepare(node.child)
        elif not isinstance(node, Field):
            is_open = isinstance(node, Term) and node.is_prefix
            self._terms[id(node)] = NaiveTerm(node.text, is_open=is_open, chinese=self._chinese)


def matches(
    tree: Node,
    event: MatchInput,
    *,
    scores: Mapping[str, HeadView] | None = None,
    lang: str | None = None,
) -> bool:
    """Tell whether one query is true of one event."""
    query = NaiveQuery(tree, _chinese())
    return query.matches(event, scores or {}, plain=plain_of(event), lang=lang)


@functools.cache
def _chinese() -> NaiveChinese:
    return NaiveChinese(Lexicon.load())


def plain_of(event: MatchInput) -> str:
    plain = fold(event.text).plain
    return f"{fold(event.title).plain}{BARRIER}{plain}" if event.title else plain


def field_truth(
    field: Field, event: MatchInput, *, scores: Mapping[str, HeadView], lang: str | None
) -> Truth:
    match field.name:
        case "source":
            return event.source.casefold() == field.value
        case "kind":
            return event.kind == field.value
        case "author" if field.value.startswith("@"):
            names = {(event.author_key or "").casefold()}
            return {"@" + (event.author_name or "").casefold().lstrip("@"), *names} >= {field.value}
        case "author":
            return (event.author_key or "").casefold() == field.value
        case "is":
            return event.is_repost if field.value == "repost" else event.is_reply
        case "has":
            return event.has_media
        case "lang":
            tag = (event.lang or lang or "").casefold()
            return f"{tag}-".startswith(f"{field.value}-") if tag else None
        case name:
            head = scores.get(name)
            if head is None or head.abstained:
                return None
            return head.label.casefold() == field.value
