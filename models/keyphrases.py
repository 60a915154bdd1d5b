"""Name the words and phrases that set some texts apart from the usual ones, in English and Chinese.

In: texts of a window, and counts of what was said before. Out: phrases with how many texts hold them and their
log-odds. Pure once loaded; imports models.features.text and models.lexicon for words, and must not import torch.

A phrase is one to three neighbouring words, punctuation between them ends it; it neither begins nor ends with a
function word, but may begin with a negator. A text counts a phrase once. With y of n texts of the window and b of m of
the background:

    log-odds  d = ln[(y + a) / (n + A − y − a)] − ln[(b + a) / (m + A − b − a)]
    deviation s = √(1 / (y + a) + 1 / (b + a))
    prior     a = A · (y + b) / (n + m),  A = 20 texts

Phrases are ordered by d / s: neither the rare nor the common win by chance. Reference: Monroe, Colaresi and Quinn,
"Fightin' words: lexical feature selection and evaluation for identifying the content of political conflict", 2008,
equations 15 to 22; over texts here, not over words, so that one long text says no more than a short one.

>>> window, background = PhraseCounts(), PhraseCounts()
>>> window.add([{"battery", "fire", "battery fire"}] * 6 + [{"battery"}] * 2 + [{"camera"}] * 2)
>>> background.add([{"battery"}] * 20 + [{"camera"}] * 80)
>>> distinctive(window, background)
(Distinct(text='battery fire', texts=6, weight=3.52),)
"""

import math
from collections.abc import Collection, Iterable
from typing import NamedTuple, Self

import msgspec

from models.features.text import normalize_line
from models.lexicon.chinese import HAN, Divider
from models.lexicon.function_words import FUNCTION_WORDS
from models.lexicon.words import split_words

MOST_WORDS = 3
MOST_CHARACTERS = 40
READ_CHARACTERS = 1000
DICTIONARY_COUNT = 20
PRIOR_TEXTS = 20.0
# So many texts at least hold it, so large a share of them; so far are its log-odds from none, in deviations and at all.
LEAST_TEXTS = 2
LEAST_SHARE = 0.03
LEAST_DEVIATIONS = 1.8
LEAST_LOG_ODDS = 1.0
# A phrase stands for a word inside it where so many of the word's texts hold the phrase.
STANDS_FOR = 0.6
LEAST_COUNT = 0.05
# The share of texts without a phrase is taken to be at least this.
LEAST_OTHERS = 1e-9
# What networks write by themselves, forms of function words, and words that say little of any subject.
UNTELLING = FUNCTION_WORDS | frozenset(
    (
        "amp don't doesn't didn't isn't wasn't won't can't cannot couldn't wouldn't shouldn't please anyone someone "
        "everyone see know think want need keep come came went gone people thing things really much many way lot back "
        "转发 微博 转发微博 网页 链接 小时 有没有 有人 知道"
    ).split()
)
# Alone they say nothing; before another word they turn it round.
NEGATORS = frozenset("not no never 不 没 没有".split())
_GAPS = ("", " ")


class Phrasing:
    """Find the phrases of texts."""

    def __init__(self, divider: Divider) -> None:
        self._divider = divider

    @classmethod
    def load(cls) -> Self:
        """Read the dictionary of Chinese words: half a second, 50 MB."""
        return cls(Divider.load(least_count=DICTIONARY_COUNT))

    def phrases(self, text: str) -> frozenset[str]:
        """Return the phrases of a text in lower case, those of Chinese without spaces.

        >>> sorted(
        ...     Phrasing(Divider({"电池": 9, "着火": 9})).phrases("RT @bob: on Fire! 电池着火了")
        ... )
        ['fire', '电池', '电池着火', '着火']
        """
        line = normalize_line(text[:READ_CHARACTERS]).lower()
        words = _whole(line, split_words(line, self._divider))
        found = set()
        for first, (start, _) in enumerate(words):
            for last in range(first, min(first + MOST_WORDS, len(words))):
                if last > first and line[words[last - 1][1] : words[last][0]] not in _GAPS:
                    break
                if _is_telling(line[slice(*words[first])], line[slice(*words[last])]):
                    found.add(line[start : words[last][1]])
        return frozenset(phrase for phrase in found if _is_written(phrase))


class PhraseCounts(msgspec.Struct, array_like=True):
    """Count in how many texts each phrase stands; of a bounded number of phrases, those of most texts.

    `floor` is about what a phrase that was left out had at most; such a one is taken to have half of it. The order of
    texts within one `add` changes nothing.
    """

    limit: int = 300
    texts: float = 0.0
    counts: dict[str, float] = {}
    floor: float = 0.0

    def add(self, texts: Iterable[Collection[str]]) -> None:
        """Count texts, each given as the phrases that it holds."""
        for phrases in texts:
            self.texts += 1.0
            for phrase in phrases:
                self.counts[phrase] = self.counts.get(phrase, 0.0) + 1.0
        if len(self.counts) > self.limit:
            ranked = sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))
            self.counts = dict(ranked[: self.limit])
            self.floor = max(self.floor, ranked[self.limit][1])

    def decay(self, share: float) -> None:
        """Let everything counted so far weigh `share` of what it did."""
        self.texts *= share
        self.floor *= share
        kept = ((phrase, count * share) for phrase, count in self.counts.items())
        self.counts = {phrase: count for phrase, count in kept if count >= LEAST_COUNT}


class Distinct(NamedTuple):
    """Hold a phrase, how many texts of the window hold it, and its log-odds against the background."""

    text: str
    texts: int
    weight: float


def distinctive(
    window: PhraseCounts, background: PhraseCounts, *, most: int = 8
) -> tuple[Distinct, ...]:
    """Return the phrases that set the window apart, the surest first; none without a background.

    Of equals the longer come first. A phrase within another, or around another, that was chosen before it is left out.
    """
    if not background.texts:
        return ()
    scored = []
    least = max(LEAST_TEXTS, LEAST_SHARE * window.texts)
    for phrase, count in window.counts.items():
        weight, deviations = log_odds(
            (count, window.texts),
            (background.counts.get(phrase, background.floor / 2), background.texts),
        )
        is_apart = weight >= LEAST_LOG_ODDS and deviations >= LEAST_DEVIATIONS
        if count >= least and is_apart:
            found = Distinct(phrase, round(count), round(weight, 2))
            scored.append((-deviations, -len(phrase.encode()), found))
    ranked = [found for *_, found in sorted(scored)]
    return tuple(_without_parts(ranked, most))


def log_odds(window: tuple[float, float], background: tuple[float, float]) -> tuple[float, float]:
    """Return the log-odds of a phrase, and those in standard deviations; each side is (texts with it, all texts).

    >>> weight, deviations = log_odds((6, 10), (0, 100))
    >>> round(weight, 2), round(deviations, 2)
    (3.52, 3.42)
    """
    (y, n), (b, m) = window, background
    prior = PRIOR_TEXTS * (y + b) / (n + m)
    here = _log_odds(y + prior, of=n + PRIOR_TEXTS)
    there = _log_odds(b + prior, of=m + PRIOR_TEXTS)
    deviation = math.sqrt(1 / (y + prior) + 1 / (b + prior))
    return here - there, (here - there) / deviation


def _log_odds(count: float, *, of: float) -> float:
    """Return ln(count / the others), finite also for what every text holds, such as the name that a watch asks for."""
    return math.log(count / max(of - count, LEAST_OTHERS * of))


def _without_parts(ranked: list[Distinct], most: int) -> list[Distinct]:
    """Return the first that do not hold one another; a word that mostly stands in a phrase gives way to it."""
    chosen: list[Distinct] = []
    for found in ranked:
        if len(chosen) == most:
            break
        if any(_holds(c.text, found.text) or _holds(found.text, c.text) for c in chosen):
            continue
        longer = [r for r in ranked if r is not found and _holds(r.text, found.text)]
        if not any(r.texts >= STANDS_FOR * found.texts for r in longer):
            chosen.append(found)
    return chosen


def _holds(whole: str, part: str) -> bool:
    """Tell whether a phrase holds another, at edges of words where those are written with spaces."""
    if HAN.search(part):
        return part in whole
    return f" {part} " in f" {whole} "


def _whole(line: str, spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the spans of words; neighbouring single characters of Chinese are one word that no dictionary has.

    Without the sign of a hashtag, and without emoji and signs in brackets.
    """
    words: list[tuple[int, int]] = []
    is_open = False
    for start, end in spans:
        bare = start + (line[start] == "#")
        if not line[bare : bare + 1].isalnum():
            continue
        is_single = end - bare == 1 and line[bare] not in UNTELLING and bool(HAN.match(line[bare]))
        if is_single and is_open and words[-1][1] == bare:
            words[-1] = (words[-1][0], end)
        else:
            words.append((bare, end))
        is_open = is_single
    return words


def _is_telling(first: str, last: str) -> bool:
    """Tell whether the words at both ends of a phrase say something."""
    if last in UNTELLING or last in NEGATORS:
        return False
    return first in NEGATORS or first not in UNTELLING


def _is_written(phrase: str) -> bool:
    return 1 < len(phrase) <= MOST_CHARACTERS and any(char.isalpha() for char in phrase)
