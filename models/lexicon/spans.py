"""Name the words that carry a text's emotion.

In: a text, its normalised line, and what each of its pieces adds to each emotion's logit. Out: up to three `Span`s of
the text as it came, strongest first. Pure once started; imports contracts, numpy and models.

The share of a piece in log P(label) is its share in the label's logit less its mean share over all labels, weighted by
their probabilities: the gradient of log P, exact since the head is linear over the mean of the pieces' vectors.

    share(word) = sum of its pieces' shares / sum of all words' positive ones
    score       = share + LEXICON x (the lexicon's evidence for the label / all such evidence)

A word that the lexicon knows to speak for the label forms one unit with what negates or strengthens it (`not bad`, or
不太好); any other takes the negator and degree right before it with it. Function words count half.
"""

from collections.abc import Sequence
from typing import NamedTuple

from contracts.scores import Span
from models.lexicon.aligning import align
from models.lexicon.chinese import Divider
from models.lexicon.function_words import FUNCTION_WORDS
from models.lexicon.matching import Lexicon, Match, lowered
from models.lexicon.modifiers import Part, modifiers
from models.lexicon.words import split_words
from models.protocols import FloatArray, TextInput

NEUTRAL = "neutral"
MOST_SPANS = 3
# How much the lexicon says against the shares, and the evidence (log-odds) from which on it says all that it may.
LEXICON, FULL_EVIDENCE = 0.2, 2.0
VALENCE_EVIDENCE = 0.5
FUNCTION_WORD = 0.5
LEAST_SHARE = 0.08
MOST_MODIFIERS = 2
WEIGHT_DIGITS = 4
DICTIONARY_COUNT = 20
SIGN = {"joy": 1, "optimism": 1, "anger": -1, "disgust": -1, "fear": -1, "sadness": -1}
_BEFORE = frozenset({Part.NEGATOR, Part.SOFT_NEGATOR, Part.NEAR_NEGATOR, Part.DEGREE})


class Evidence(NamedTuple):
    """Hold what the network says of one text.

    `offsets` gives each piece's [start, end) in the line; pieces that stand for no character have (0, 0). `shares`
    float32 [pieces, labels] as in `EngineOutput.shares`, `probabilities` [labels], `best` the position of the chosen
    label.
    """

    offsets: Sequence[tuple[int, int]]
    shares: FloatArray
    probabilities: Sequence[float]
    best: int


class _Unit(NamedTuple):
    """Hold some neighbouring words: [`first`, `last`) are their numbers, `score` what they say for the label."""

    first: int
    last: int
    score: float


class SpanFinder:
    """Find the spans of texts for one head of emotions."""

    def __init__(
        self,
        lexicon: Lexicon,
        labels: Sequence[str],
        *,
        token_limit: int,
        lowercase: bool = False,
    ) -> None:
        self._lexicon = lexicon
        self._labels = labels
        self._token_limit = token_limit
        self._lowercase = lowercase
        self._divider = Divider({})
        self._before = {word for word, modifier in modifiers().items() if modifier.part in _BEFORE}

    def start(self) -> None:
        """Read the dictionary of Chinese words (0.3 s, 20 MB); without it, Chinese falls into characters."""
        self._divider = Divider.load(least_count=DICTIONARY_COUNT)

    def find(self, item: TextInput, line: str, *, evidence: Evidence) -> tuple[Span, ...]:
        """Return the spans that speak for the chosen label; none for `neutral`, and none where nothing does.

        The caller leaves out texts whose emotion abstains. `line` is what `clean_text` made of `item`.
        """
        label = self._labels[evidence.best]
        if label == NEUTRAL or not line:
            return ()
        words = split_words(line, self._divider)
        units = self.units(line, words, evidence=evidence)
        if not units:
            return ()
        alignment = align(item, line, token_limit=self._token_limit, lowercase=self._lowercase)
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
        """Return up to three groups of neighbouring words, strongest first, none with a word of another."""
        plain = lowered(line)
        shares = self._shares(plain, words, evidence=evidence)
        units = self._known(plain, words, shares=shares, label=self._labels[evidence.best])
        taken = {word for unit in units for word in range(unit.first, unit.last)}
        strongest = sorted(
            (-share, number)
            for number, share in enumerate(shares)
            if share >= LEAST_SHARE and number not in taken
        )
        units += [
            self._with_modifiers(plain, words, number=number, shares=shares, taken=taken)
            for _, number in strongest[: MOST_SPANS + MOST_MODIFIERS]
        ]
        units.sort(key=lambda unit: (-unit.score, unit.first))
        chosen: list[_Unit] = []
        for unit in units:
            if unit.score < LEAST_SHARE or len(chosen) == MOST_SPANS:
                break
            if all(unit.last <= other.first or other.last <= unit.first for other in chosen):
                chosen.append(unit)
        return chosen

    def _shares(
        self, plain: str, words: Sequence[tuple[int, int]], *, evidence: Evidence
    ) -> list[float]:
        """Return each word's part of all that speaks for the label; negative where it speaks against."""
        shares = evidence.shares
        values = shares[:, evidence.best] - shares @ evidence.probabilities
        sums = shares_by_word(words, evidence.offsets, values=values.tolist())
        weighed = [
            value * FUNCTION_WORD if value > 0 and plain[start:end] in FUNCTION_WORDS else value
            for value, (start, end) in zip(sums, words, strict=True)
        ]
        whole = sum(value for value in weighed if value > 0)
        scale = 1 / (whole * (1 + LEXICON)) if whole > 0 else 0.0
        return [value * scale for value in weighed]

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
            for match in self._lexicon.find(plain)
            if (says := evidence_for(match, label)) > 0
        ]
        whole = max(FULL_EVIDENCE, sum(says for _, says in telling)) * (1 + LEXICON) / LEXICON
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

    def _with_modifiers(
        self,
        plain: str,
        words: Sequence[tuple[int, int]],
        *,
        number: int,
        shares: Sequence[float],
        taken: set[int],
    ) -> _Unit:
        """Return a word with the negator and degree words right before it."""
        first = number
        word = plain[words[number][0] : words[number][1]]
        if word not in FUNCTION_WORDS:
            while (
                first
                and number - first < MOST_MODIFIERS
                and first - 1 not in taken
                and plain[words[first - 1][0] : words[first - 1][1]] in self._before
                and plain[words[first - 1][1] : words[first][0]] in {"", " "}
            ):
                first -= 1
        return _Unit(first, number + 1, max(shares[number], sum(shares[first : number + 1])))


def evidence_for(match: Match, label: str) -> float:
    """Return how much a match speaks for an emotion: its log-odds, and a half of its valence where that agrees."""
    valence = SIGN.get(label, 0) * match.valence
    return max(0.0, match.weights.get(label, 0.0)) + VALENCE_EVIDENCE * max(0.0, valence)


def shares_by_word(
    words: Sequence[tuple[int, int]],
    offsets: Sequence[tuple[int, int]],
    *,
    values: Sequence[float],
) -> list[float]:
    """Return the sum of the pieces' values by word; a piece over several words is parted by their characters in it.

    >>> shares_by_word([(0, 2), (3, 5)], [(0, 2), (2, 4), (4, 5)], values=[1.0, 2.0, 4.0])
    [1.0, 6.0]
    """
    sums = [0.0] * len(words)
    if not words:
        return sums
    at, final = 0, len(words) - 1
    first, last = words[0]
    for (start, end), value in zip(offsets, values, strict=True):
        while last <= start and at < final:
            at += 1
            first, last = words[at]
        if first >= end or last <= start:
            continue
        if last >= end or at == final or words[at + 1][0] >= end:
            sums[at] += value
        else:
            _part(sums, words[at:], place=(start, end), at=at, value=value)
    return sums


def _part(
    sums: list[float],
    words: Sequence[tuple[int, int]],
    *,
    place: tuple[int, int],
    at: int,
    value: float,
) -> None:
    """Part a piece's value among the words that it lies over, by characters; they begin at number `at`."""
    sizes = []
    for first, last in words:
        if first >= place[1]:
            break
        sizes.append(min(place[1], last) - max(place[0], first))
    for number, size in enumerate(sizes, at):
        sums[number] += value * size / sum(sizes)
