"""Divide Chinese into words.

In: runs of Chinese characters. Out: [start, end) of each word. Imports ahocorasick_rs; jieba's dictionary is read as
data (importing jieba would warn, and write to the temporary folder).

The division is the most probable one by word counts alone (unigram model, best path), as in jieba without its guesses
for unknown words: the sum of log(count / total) over the words, an unknown character counting as a word seen once. All
words of a run are found in one pass; 40 characters take about 12 µs.
"""

import functools
import importlib.metadata
import math
import re
from pathlib import Path
from typing import Self

import ahocorasick_rs

HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")
CACHED_RUNS = 4096
NEVER = -math.inf


class Divider:
    """Divide runs of Chinese by a table of words and how often each was seen."""

    def __init__(self, counts: dict[str, int]) -> None:
        log_total = math.log(sum(counts.values()) or 1)
        self._unknown = -log_total
        self._scores = [math.log(count) - log_total for count in counts.values()]
        self._automaton = ahocorasick_rs.AhoCorasick(
            counts, implementation=ahocorasick_rs.Implementation.ContiguousNFA
        )
        # Short runs come again: 哈哈哈, 转发微博.
        self.divide = functools.lru_cache(CACHED_RUNS)(self._divide)

    @classmethod
    def load(cls, *, least_count: int = 1) -> Self:
        """Read jieba's dictionary; `least_count` leaves out rarer words of several characters."""
        path = Path(str(importlib.metadata.distribution("jieba").locate_file("jieba/dict.txt")))
        counts = {}
        for line in path.read_text(encoding="utf-8").splitlines():
            word, count, *_ = line.split(" ")
            if (int(count) >= least_count or len(word) == 1) and HAN.fullmatch(word):
                counts[word] = max(1, int(count))
        return cls(counts)

    def _divide(self, run: str) -> tuple[tuple[int, int], ...]:
        """Return the words of a run of Chinese characters as [start, end), in order."""
        best = [0.0, *[NEVER] * len(run)]
        begins = list(range(-1, len(run)))
        # Words come in the order of their ends, so that what is before a word is known when it comes.
        for number, start, end in self._automaton.find_matches_as_indexes(run, overlapping=True):
            if best[start] == NEVER:
                self._fill(best, start)
            score = best[start] + self._scores[number]
            if score > best[end]:
                best[end], begins[end] = score, start
        words, end = [], len(run)
        while end:
            words.append((begins[end], end))
            end = begins[end]
        return tuple(reversed(words))

    def _fill(self, best: list[float], place: int) -> None:
        """Go on over characters that no word holds, up to `place`."""
        known = place
        while best[known] == NEVER:
            known -= 1
        for at in range(known, place):
            best[at + 1] = best[at] + self._unknown
