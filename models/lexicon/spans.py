"""Name the words that carry a text's emotion.

In: a text, its normalised line, and what each of its pieces adds to each emotion's logit. Out: up to three `Span`s of
the text as it came, strongest first. Pure once started; imports contracts, numpy and models.

The network estimates, in the same pass, how far log P(label) would fall without each piece (`EngineOutput.shares`,
learnt from taking words out: models/training/attributing.py). Two more are asked what the word says by itself: the
network, of each piece alone, and the lexicon.

    alone(word)   = most that one of its pieces says alone, max(0, log(P(label | piece) x labels))
    fall(word)    = sum of its pieces' shares + ALONE x alone(word)
    lexicon(word) = its evidence for the label (log-odds) over the sum of all, or over `FULL_EVIDENCE` where less
    score         = (fall(word) / sum of all positive falls + LEXICON x lexicon) / (1 + LEXICON)

How often deleting the first span moves P(label) more than deleting other words stands in models/README.md; on 494
development texts, single words: the estimate .92 in English and .85 in Chinese, pieces alone .90 and .83, both .94 and
.88, exact shares of the logit .72 and .71, the best word, found by trying all, 1.00 and .99.

A word that the lexicon knows to speak for the label forms one unit with what negates or strengthens it (`not bad`, or
不太好); any other takes the negator and degree right before it with it. Function words count half, and are never a
second span.
"""

from collections.abc import Sequence
from typing import NamedTuple

from contracts.scores import Span
from models.lexicon.aligning import align
from models.lexicon.alone import Table
from models.lexicon.chinese import Divider
from models.lexicon.function_words import FUNCTION_WORDS
from models.lexicon.matching import Lexicon, Match, lowered
from models.lexicon.modifiers import Part, modifiers
from models.lexicon.pieces import by_word
from models.lexicon.words import split_words
from models.protocols import FloatArray, TextInput

NEUTRAL = "neutral"
MOST_SPANS = 3
# How much the lexicon counts against the shares, and the evidence (log-odds) from which on it says all that it may.
LEXICON, FULL_EVIDENCE = 0.2, 2.0
# How much what a piece says alone counts against its share.
ALONE = 0.25
VALENCE_EVIDENCE = 0.5
FUNCTION_WORD = 0.5
LEAST_SCORE = 0.06
MOST_MODIFIERS = 2
WEIGHT_DIGITS = 4
DICTIONARY_COUNT = 20
LONGEST_FUNCTION_WORD = max(map(len, FUNCTION_WORDS))
_is_positive = (0.0).__lt__
SIGN = {"joy": 1, "optimism": 1, "anger": -1, "disgust": -1, "fear": -1, "sadness": -1}
_BEFORE = frozenset({Part.NEGATOR, Part.SOFT_NEGATOR, Part.NEAR_NEGATOR, Part.DEGREE})


class Evidence(NamedTuple):
    """Hold what the network says of one text, piece by piece.

    `pieces` are their ids, `offsets` each one's [start, end) in the line; a piece that stands for no character of it
    has (0, 0). `shares` float32 [pieces, labels] as in `EngineOutput.shares`, `probabilities` [labels], `best` the
    chosen label.
    """

    pieces: Sequence[int]
    offsets: Sequence[tuple[int, int]]
    shares: FloatArray
    probabilities: Sequence[float] | FloatArray
    best: int


class _Unit(NamedTuple):
    """Hold some neighbouring words: [`first`, `last`) are their numbers, `score` what they say for the label."""

    first: int
    last: int
    score: float


class SpanFinder:
    """Find the spans of texts for one head of emotions.

    `token_limit` is what `clean_text` was given. `alone` [vocabulary, labels] is what `models.lexicon.alone` says of
    each piece; without it spans are worse.
    """

    def __init__(
        self,
        lexicon: Lexicon,
        labels: Sequence[str],
        *,
        token_limit: int,
        alone: Table | None = None,
    ) -> None:
        self.version = lexicon.version
        self._lexicon = lexicon
        self._labels = labels
        self._token_limit = token_limit
        self._alone = alone
        self._parts = 1 + LEXICON
        self._before = {word for word, modifier in modifiers().items() if modifier.part in _BEFORE}
        self.divider = Divider({})

    def start(self) -> None:
        """Read the dictionary of Chinese words (0.3 s, 20 MB); without it, Chinese falls into characters."""
        self.divider = Divider.load(least_count=DICTIONARY_COUNT)

    def find(self, item: TextInput, line: str, *, evidence: Evidence) -> tuple[Span, ...]:
        """Return the spans that speak for the chosen label; none for `neutral`, and none where nothing does.

        The caller leaves out texts whose emotion abstains. `line` is what `clean_text` made of `item`.
        """
        label = self._labels[evidence.best]
        if label == NEUTRAL or not line:
            return ()
        words = split_words(line, self.divider)
        units = self.units(line, words, evidence=evidence)
        if not units:
            return ()
        alignment = align(item, line, token_limit=self._token_limit)
        if alignment is None:
            return ()
        spans = []
        for first, last, score in units:
            place = alignment.raw(words[first][0], words[last - 1][1])
            if place is not None:
                weight = round(min(1.0, score), WEIGHT_DIGITS)
                spans.append(Span(place[0], place[1], label, weight, place[2]))
        return tuple(spans)

    def units(
        self, line: str, words: Sequence[tuple[int, int]], *, evidence: Evidence
    ) -> list[_Unit]:
        """Return up to three groups of neighbouring words, strongest first, none sharing a word with another."""
        if len(words) == 1:
            return [_Unit(0, 1, 1.0)]
        plain = lowered(line)
        shares = self._scores(plain, words, evidence=evidence)
        units = self._known(plain, words, shares=shares, label=self._labels[evidence.best])
        taken = {word for unit in units for word in range(unit.first, unit.last)}
        strongest = sorted(range(len(words)), key=shares.__getitem__, reverse=True)
        for number in strongest[: 2 * MOST_SPANS]:
            if shares[number] < LEAST_SCORE:
                break
            if number not in taken:
                first = self._begin(plain, words, number=number, taken=taken)
                score = shares[number] if first == number else sum(shares[first : number + 1])
                units.append(_Unit(first, number + 1, max(score, shares[number])))
        units.sort(key=lambda unit: (-unit.score, unit.first))
        chosen: list[_Unit] = []
        for unit in units:
            if unit.score < LEAST_SCORE or len(chosen) == MOST_SPANS:
                break
            if chosen and _is_idle(plain, words[unit.first : unit.last]):
                continue
            if all(unit.last <= other.first or other.last <= unit.first for other in chosen):
                chosen.append(unit)
        return chosen

    def _scores(
        self, plain: str, words: Sequence[tuple[int, int]], *, evidence: Evidence
    ) -> list[float]:
        """Return each word's score but for the lexicon's part; below zero where it speaks against the label."""
        shares, best = evidence.shares, evidence.best
        values = shares[:, best].tolist()
        alone = [] if self._alone is None else self._alone[evidence.pieces, best].tolist()
        sums, most = by_word(words, evidence.offsets, values=values, alone=alone)
        for number, (start, end) in enumerate(words):
            if end - start <= LONGEST_FUNCTION_WORD and plain[start:end] in FUNCTION_WORDS:
                most[number] *= FUNCTION_WORD
                if sums[number] > 0:
                    sums[number] *= FUNCTION_WORD
        falls = [value + ALONE * says for value, says in zip(sums, most, strict=True)]
        whole = sum(filter(_is_positive, falls)) * self._parts
        return [fall / whole for fall in falls] if whole > 0 else [0.0] * len(falls)

    def _known(
        self,
        plain: str,
        words: Sequence[tuple[int, int]],
        *,
        shares: Sequence[float],
        label: str,
    ) -> list[_Unit]:
        """Return the units of words that the lexicon knows to speak for `label`."""
        telling = [
            (match, says)
            for match in self._lexicon.find_lowered(plain)
            if (says := evidence_for(match, label)) > 0
        ]
        whole = max(FULL_EVIDENCE, sum(says for _, says in telling)) * self._parts / LEXICON
        units: list[_Unit] = []
        at = 0
        for match, says in telling:
            while at < len(words) and words[at][1] <= match.first:
                at += 1
            last = at
            while last < len(words) and words[last][0] < match.last:
                last += 1
            if last > at:
                units.append(_Unit(at, last, sum(shares[at:last]) + says / whole))
                at = last
        return units

    def _begin(
        self, plain: str, words: Sequence[tuple[int, int]], *, number: int, taken: set[int]
    ) -> int:
        """Return the number of the first of the negator and degree words right before a word, or its own."""
        first = number
        while first and number - first < MOST_MODIFIERS and first - 1 not in taken:
            (start, end), (after, last) = words[first - 1], words[first]
            if plain[start:end] not in self._before or after - end > 1:
                break
            if plain[end:after].strip() or (
                first == number and plain[after:last] in FUNCTION_WORDS
            ):
                break
            first -= 1
        return first


def _is_idle(plain: str, words: Sequence[tuple[int, int]]) -> bool:
    return all(plain[start:end] in FUNCTION_WORDS for start, end in words)


def evidence_for(match: Match, label: str) -> float:
    """Return how much a match speaks for an emotion: its log-odds, and a half of its valence.

    Nothing where its valence is the opposite of the emotion's: `not bad` speaks for no anger.
    """
    valence = SIGN.get(label, 0) * match.valence
    if valence < 0:
        return 0.0
    return max(0.0, match.weights.get(label, 0.0)) + VALENCE_EVIDENCE * valence
