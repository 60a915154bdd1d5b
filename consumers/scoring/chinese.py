"""Decide whether characters that stand in a Chinese text stand there as a word.

In: a run of Chinese characters (folded) and the place of a term in it. Out: yes or no, and the likeliest division.
Imports ahocorasick_rs and consumers.scoring alone. jieba's dictionary is read as data: importing jieba would warn, and
write to the temporary folder.

Chinese puts no spaces between words: in 手机会爆炸吗 (will the phone explode) stand the characters of 机会 (chance),
but across the edge of two words. A run is divided into words of the dictionary; a division's score is the sum of its
words' log-probabilities (unigram model). For a term at [a, b) three scores are compared:

    whole      the best division with edges at a and b (what lies between may be one word or several)
    straddle   the best division in which a word straddles a or b and does not contain the term
    longer     the best division in which one longer word contains the term

    the term is there  <=>  whole - straddle > MARGIN, where longer <= whole

Where longer > whole, the term is a part of the longer word: if nothing straddles that one, what lies inside it is
judged by itself, by the same rule. A longer word gives up its part (长江 in 长江大桥) unless it is a name written by
sound (印度 in 印度尼西亚), the term is one character (马 in 马上), or the term is neither a known word nor made of
known words (周杰 in 周杰伦). A dictionary word of four characters or more does not straddle an edge at which it falls
into two words itself (北京大学 and 大学图书馆). An edge inside a number written in characters is none (万科 in
十万科研人员). A term of two is also there where it stands with one of the `SUFFIXES` (高考 in 高考生, though 考生 is a
word too).

A single character that is a word of its own weighs the heavier the rarer it is, as in the rule of morphemic freedom of
MMSEG (Tsai 1996): in 只有努力的人才能成功 it decides for 人 + 才能 against 人才 + 能.

A term that no dictionary knows, such as a name, counts as a word seen `TERM_COUNT` times. Terms never become words for
one another: what matches a watch depends on that watch and the text alone.

Measured: 199 of the 200 cases in tests/consumers/scoring/chinese_cases.jsonl, against which the rule was made; of 98
later ones, written before it had seen them, 95. What it cannot see is grammar (中将 in 三年中将增长) and how long an
unknown name is (王芳 in 王芳芳).
"""

import functools
import importlib.metadata
import math
import re
from array import array
from collections.abc import Iterable
from operator import itemgetter
from pathlib import Path
from typing import Self

import ahocorasick_rs

from consumers.scoring.chinese_words import RECENT_WORDS, SOUND_NAMES
from consumers.scoring.words import HAN_RANGES, fold

MARGIN = 0.5
TERM_COUNT = 5
RECENT_COUNT = 50
TERMS_KEPT = 65_536
RARITY = 0.75
USUAL = -6.0
# What makes a word of three from one of two; a set, so that the empty text after the last character is not in it.
SUFFIXES = frozenset("生业票费场")
NUMERALS = frozenset("〇零一二三四五六七八九十百千万亿两廿卅")
# After these a numeral is an ordinal of its own: 周一, 星期三, 第一.
ORDINAL = frozenset("第周期拜")
NEVER = -math.inf
_ALL_HAN = re.compile(f"[{HAN_RANGES}]+")


class Lexicon:
    """Hold what is known of Chinese words: `counts` gives each with how often it was seen in a large text."""

    def __init__(self, counts: Iterable[tuple[str, int]]) -> None:
        summed: dict[str, int] = {}
        for word, count in counts:
            summed[word] = summed.get(word, 0) + count
        self._log_total = math.log(sum(summed.values()))
        # By the automaton's number; packed, since each text touches other corners of it. A dictionary of so many words
        # beside it would take 50 MB.
        self._packed = array("d", (self._score(word, count) for word, count in summed.items()))
        self._automaton = ahocorasick_rs.AhoCorasick(
            summed, implementation=ahocorasick_rs.Implementation.ContiguousNFA
        )
        # Watches' terms come again with every text.
        self.term_score = functools.lru_cache(TERMS_KEPT)(self._term_score)

    @classmethod
    def load(cls) -> Self:
        """Read jieba's dictionary (349,000 words, about a second) and add the words that it lacks."""
        return cls(dictionary())

    def __contains__(self, word: str) -> bool:
        return self._known(word) is not None

    def score(self, word: str) -> float | None:
        """Return the score of a known word or of any single character, else None."""
        known = self._known(word)
        return self._score(word, 1) if known is None and len(word) == 1 else known

    def _known(self, word: str) -> float | None:
        """Return the score of a known word."""
        hits = self._automaton.find_matches_as_indexes(word, overlapping=True)
        whole = (number for number, start, end in hits if end - start == len(word))
        number = next(whole, None)
        return None if number is None else self._packed[number]

    def words_in(self, text: str) -> list[tuple[int, int, float]]:
        """Return (start, end, score) of every word anywhere in a text of Chinese characters, in order of their ends."""
        scores = self._packed
        hits = self._automaton.find_matches_as_indexes(text, overlapping=True)
        found = [(start, end, scores[number]) for number, start, end in hits]
        known = {start for _, start, end in hits if end - start == 1}
        if len(known) < len(text):
            unknown = (place for place in range(len(text)) if place not in known)
            found += [(place, place + 1, self._score("?", 1)) for place in unknown]
            found.sort(key=itemgetter(1))
        return found

    def gives_up(self, word: str, term: str) -> bool:
        """Tell whether a longer word may leave a term inside it a word of its own."""
        if len(term) == 1 or word in SOUND_NAMES:
            return False
        return term in self or all(end - start > 1 for start, end in Run(term, self).division)

    def falls_apart_at(self, word: str, place: int) -> bool:
        """Tell whether a long word is a row of words with an edge at `place`, at least two characters from its ends."""
        if len(word) < 4 or not 2 <= place <= len(word) - 2:
            return False
        return any(start == place for start, _ in Run(word, self, is_divided=True).division)

    def _term_score(self, term: str) -> float:
        """Return the score of a term between its edges: as one word, or as the words that it is made of."""
        known = self._known(term)
        as_word = max(NEVER if known is None else known, self._score(term, TERM_COUNT))
        return max(as_word, Run(term, self).score)

    def _score(self, word: str, count: int) -> float:
        score = math.log(max(count, 1)) - self._log_total
        return score + RARITY * (score - USUAL) if len(word) == 1 else score


def dictionary() -> Iterable[tuple[str, int]]:
    """Yield the words of jieba's dictionary, folded, and those that it lacks, with how often each was seen."""
    path = Path(str(importlib.metadata.distribution("jieba").locate_file("jieba/dict.txt")))
    lines = (line.split(" ") for line in path.read_text(encoding="utf-8").splitlines())
    counts = {word: int(count) for word, count, *_ in lines if _ALL_HAN.fullmatch(word)}
    for word in RECENT_WORDS:
        counts[word] = max(RECENT_COUNT, counts.get(word, 0))
    folded = fold(" ".join(counts)).plain.split(" ")
    return zip(folded, counts.values(), strict=True)


class Run:
    """Hold one unbroken run of Chinese characters and its divisions; `is_divided` leaves out the run as one word."""

    def __init__(self, text: str, lexicon: Lexicon, *, is_divided: bool = False) -> None:
        self.text = text
        self._lexicon = lexicon
        size = len(text)
        self._words = lexicon.words_in(text)
        if is_divided:
            self._words = [word for word in self._words if word[1] - word[0] < size]
        # The best score of what lies before each place, and after it; words come in order of their ends.
        self._before = before = [0.0, *[NEVER] * size]
        for start, end, score in self._words:
            if before[start] + score > before[end]:
                before[end] = before[start] + score
        self._after = after = [*[NEVER] * size, 0.0]
        for start, end, score in reversed(self._words):
            if after[end] + score > after[start]:
                after[start] = after[end] + score
        self._across = self._find_across()

    @property
    def score(self) -> float:
        """Return the score of the most probable division."""
        return self._before[-1]

    @functools.cached_property
    def division(self) -> tuple[tuple[int, int], ...]:
        """Return the most probable division as [start, end) of each word."""
        before = self._before
        best = {
            end: start for start, end, score in self._words if before[start] + score == before[end]
        }
        spans: list[tuple[int, int]] = []
        end = len(self.text)
        while end:
            spans.append((best[end], end))
            end = best[end]
        return tuple(reversed(spans))

    def holds(self, start: int, end: int) -> bool:
        """Tell whether the characters at [start, end) stand there as a word, by the rule of this module."""
        if self._is_in_number(start) or self._is_in_number(end):
            return False
        if self._stands(start, end):
            return True
        return (
            end - start == 2
            and self.text[end : end + 1] in SUFFIXES
            and self._stands(start, end + 1)
        )

    def begins(self, start: int) -> bool:
        """Tell whether a word begins at `start`, wherever it ends."""
        if self._is_in_number(start):
            return False
        whole = self._before[start] + self._after[start]
        return whole - self._straddle(start, len(self.text)) > MARGIN

    def _stands(self, start: int, end: int) -> bool:
        term = self.text[start:end]
        whole = self._before[start] + self._lexicon.term_score(term) + self._after[end]
        longer = self._longer(start, end, whole=whole)
        if not all(
            self._lexicon.gives_up(self.text[first:last], term) for first, last, _ in longer
        ):
            return False
        if longer:
            first, last, score = max(longer, key=lambda found: found[2])
            if score - self._straddle(first, last) > MARGIN:
                inside = Run(self.text[first:last], self._lexicon, is_divided=True)
                return inside._stands(start - first, end - first)
        return whole - self._straddle(start, end) > MARGIN

    def _straddle(self, start: int, end: int) -> float:
        """Return the best score of a division with a word across `start` or `end` that does not contain both."""
        best = NEVER
        for edge in (start, end):
            for first, last, score in self._across[edge]:
                if score > best and not (first <= start and end <= last):
                    word = self.text[first:last]
                    if not self._lexicon.falls_apart_at(word, edge - first):
                        best = score
        return best

    def _longer(self, start: int, end: int, *, whole: float) -> list[tuple[int, int, float]]:
        """Return the words that contain more than [start, end) and whose best division scores above `whole`."""
        return [
            (first, last, score)
            for first, last, score in (*self._across[start], *self._across[end])
            if score > whole and first <= start and end <= last
        ]

    def _find_across(self) -> list[list[tuple[int, int, float]]]:
        """Return for each place the words across it, each with the score of the best division that has it."""
        before, after = self._before, self._after
        across: list[list[tuple[int, int, float]]] = [[] for _ in before]
        for first, last, score in self._words:
            if last - first > 1:
                found = (first, last, before[first] + score + after[last])
                for place in range(first + 1, last):
                    across[place].append(found)
        return across

    def _is_in_number(self, edge: int) -> bool:
        text = self.text
        if not 0 < edge < len(text) or text[edge] not in NUMERALS or text[edge - 1] not in NUMERALS:
            return False
        first = edge - 1
        while first and text[first - 1] in NUMERALS:
            first -= 1
        return not (first == edge - 1 and first and text[first - 1] in ORDINAL)
