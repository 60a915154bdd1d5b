"""Find a lexicon's words in a text, with what negates and what strengthens them.

In: entries, and one text. Out: matches with positions, emotion weights and a valence. Imports ahocorasick_rs and
models.lexicon.

All words of both languages, and the function words around them, are sought in one pass, the longest at each place. A
word in Latin letters or digits counts only between word edges. Then, from left to right: a negator reaches the next
emotion word within three words (English) or over a few function words (Chinese, `FILLERS`), if no punctuation and no
`but` stands between; a degree word must stand right before, or in Chinese right after (开心极了). Two negators cancel.
Emoji and oaths are never denied.

    factor = degree                              no negator
           = -0.6 x degree before the negator    one negator   (很不好, not good)
           = -0.4                                a soft one    (不太好, not very good)
           = +0.6                                two           (不是不喜欢)

This multiplies the valence: `not good` is less bad than `bad` (shifted, not flipped; Taboada et al., 2011). An
emotion's weight is multiplied where nothing denies it; else it turns into what `DENIED` says, the more the stronger the
denial.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import NamedTuple, Self

import ahocorasick_rs

from models.lexicon.entries import EMOTIONS, NONE, VALENCE, Entry, extended, read_entries
from models.lexicon.modifiers import FILLERS, JOINERS, UNDENIABLE, Modifier, Part, modifiers

BUNDLED = "emotion.tsv"
# Raised whenever the rules of finding, denying or strengthening change.
REVISION = 1
DENIAL, SOFT_DENIAL, DOUBLE_DENIAL = -0.6, -0.4, 0.6
LEAST_DEGREE, MOST_DEGREE = 0.3, 2.0
REACH_WORDS, NEAR_WORDS, REACH_HAN = 3, 1, 6
# What becomes of an emotion's weight when its word is denied: log(lift of the label in texts with the denied word) /
# log(lift in texts with the word), counted in the texts of sources.toml, rounded, both languages together. Who is `not
# happy` is sad or angry; who says `don't hate` is often angry all the same; `not afraid` is hopeful.
DENIED: dict[str, dict[str, float]] = {
    "joy": {"joy": -0.1, "sadness": 0.55, "anger": 0.2},
    "optimism": {"optimism": 0.3, "sadness": 0.25},
    "sadness": {"sadness": 0.3, "optimism": 0.4},
    "fear": {"fear": 0.25, "optimism": 0.6},
    "disgust": {"disgust": 0.6},
    "anger": {"anger": 0.5},
    "surprise": {"surprise": 0.5},
}
_CLAUSE_END = re.compile(r"[,.!?;:\n()\"…~。，！？；：（）“”]|//")
_PRONOUN = re.compile(r"\b(?:i|i'm|you|he|she|it|it's|we|they|this|that)\b")
_FILLED = re.compile(f" ?(?:{'|'.join(sorted(FILLERS, key=len, reverse=True))})* ?")
_APOSTROPHES = str.maketrans("’‘＇", "'''")
# Plain numbers: an enumeration's members are slow to compare and this runs for every text.
NO_PART, NEAR_NEGATOR, SOFT_NEGATOR = 99, int(Part.NEAR_NEGATOR), int(Part.SOFT_NEGATOR)
DEGREE, BREAK = int(Part.DEGREE), int(Part.BREAK)
AFTER = frozenset({int(Part.AFTER_DEGREE), int(Part.AFTER_NEGATOR)})
DEGREES = frozenset({DEGREE, int(Part.AFTER_DEGREE)})
# From here on stand the scripts of East Asia.
EAST = "\u2e80"


class Match(NamedTuple):
    """Hold one emotion word of a text.

    The word stands at [`start`, `end`); [`first`, `last`) also holds its negators and degree words. `weights` (emotion
    → log-odds) and `valence` (−1…1) are those of the word times `factor`; a negative weight speaks against an emotion.
    """

    start: int
    end: int
    first: int
    last: int
    factor: float
    weights: dict[str, float]
    valence: float

    @property
    def is_negated(self) -> bool:
        """Tell whether the word is denied."""
        return self.factor < 0


class Sense(NamedTuple):
    """Hold what one word says: a weight for each emotion (log-odds), and a valence in −1…1."""

    weights: dict[str, float]
    valence: float


class _Hit(NamedTuple):
    """Hold one known word at a place: an emotion word where it has a sense, a function word where it has a part."""

    start: int
    end: int
    sense: Sense | None
    part: int
    degree: float


class Lexicon:
    """Hold the senses of words and find them in texts; `version` is a digest of all that decides what is found."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        known = sorted(entries)
        self.senses = senses_of(known)
        self.version = hashlib.sha256(repr((known, REVISION)).encode()).hexdigest()[:16]
        parts = modifiers()
        words = sorted(self.senses.keys() | parts.keys())
        # By the automaton's number: whether it must begin and end at a word's edge, then what a hit holds.
        self._words = [
            (_is_latin(word[0]), _is_latin(word[-1]), *_reading(word, self.senses, parts=parts))
            for word in words
        ]
        self._automaton = ahocorasick_rs.AhoCorasick(
            words,
            matchkind=ahocorasick_rs.MatchKind.LeftmostLongest,
            implementation=ahocorasick_rs.Implementation.ContiguousNFA,
        )

    @classmethod
    def load(cls, bundled: Path | None = None, user_file: Path | None = None) -> Self:
        """Read the lexicon that ships (or `bundled`) and a user's own file. Raises `InvalidInput` for a faulty one."""
        folder = Path(str(resources.files("models.bundled"))) / "lexicon"
        entries = read_entries(bundled or folder / BUNDLED)
        return cls(extended(entries, read_entries(user_file)) if user_file else entries)

    def __len__(self) -> int:
        return len(self.senses)

    def find(self, text: str) -> list[Match]:
        """Return the emotion words of `text` in order of place; positions are those of `text`."""
        return self.find_lowered(lowered(text))

    def find_lowered(self, plain: str) -> list[Match]:
        """Return the emotion words of a text that `lowered` made."""
        hits = self._scan(plain)
        return _weighed(plain, hits) if hits else []

    def _scan(self, plain: str) -> list[_Hit]:
        """Return every known word; one in Latin letters must not go on at either end."""
        hits = []
        size = len(plain)
        for number, start, end in self._automaton.find_matches_as_indexes(plain):
            opens, closes, sense, part, degree = self._words[number]
            if opens and start and _is_latin(plain[start - 1]):
                continue
            if closes and end < size and _is_latin(plain[end]):
                continue
            hits.append(_Hit(start, end, sense, part, degree))
        return hits


def _reading(
    word: str, senses: Mapping[str, Sense], *, parts: Mapping[str, Modifier]
) -> tuple[Sense | None, int, float]:
    """Return a word's sense, part and degree; a function word other than a degree has no sense."""
    sense, modifier = senses.get(word), parts.get(word)
    if modifier is None:
        return sense, NO_PART, 1.0
    if modifier.part is Part.NOTHING and sense is not None:
        return sense, NO_PART, 1.0
    return sense if modifier.part is Part.DEGREE else None, int(modifier.part), modifier.factor


def senses_of(entries: Iterable[Entry]) -> dict[str, Sense]:
    """Join the entries of each word; what it says in both languages is averaged, and `none` leaves it empty-handed."""
    weights: dict[str, dict[tuple[str, str], float]] = {}
    for word, lang, label, weight in entries:
        labels = weights.setdefault(word, {})
        if label != NONE:
            labels[label, lang] = weight
    return {word: _sense(labels) for word, labels in weights.items()}


def _sense(labels: dict[tuple[str, str], float]) -> Sense:
    langs = len({lang for _, lang in labels}) or 1
    sums: dict[str, float] = {}
    for (label, _), weight in labels.items():
        sums[label] = sums.get(label, 0.0) + weight / langs
    valence = sums.pop(VALENCE, 0.0)
    return Sense(sums, valence)


def lowered(text: str) -> str:
    """Return `text` in lower case and with straight apostrophes, as many characters as before."""
    low = text.lower()
    if len(low) != len(text):
        low = "".join(char if len(char.lower()) > 1 else char.lower() for char in text)
    return low if low.isascii() else low.translate(_APOSTROPHES)


def _is_latin(char: str) -> bool:
    return char.isalnum() and char < EAST


def _weighed(plain: str, hits: Sequence[_Hit]) -> list[Match]:
    """Walk from left to right with the negators and degrees that are still open."""
    matches: list[Match] = []
    pending: list[_Hit] = []
    for place, hit in enumerate(hits):
        if hit.sense is not None and not (
            hit.part == DEGREE and _strengthens_next(plain, hits, place=place)
        ):
            pending = _reaching(plain, pending, hit=hit, before=matches) if pending else pending
            tail = _tail(plain, hits, place=place)
            if not (pending and _is_question(plain, pending[-1], hit=hit)):
                matches.append(_match(pending, hit, tail=tail))
        elif hit.part == BREAK:
            pending = []
        elif hit.part <= DEGREE:
            pending = [*pending, hit]
    return [match for match in matches if match.weights or match.valence]


def _strengthens_next(plain: str, hits: Sequence[_Hit], *, place: int) -> bool:
    """Tell whether a word that is also a degree (好, terribly) stands right before the word that it strengthens."""
    if place + 1 == len(hits):
        return False
    after = hits[place + 1]
    return after.sense is not None and plain[hits[place].end : after.start] in {"", " "}


def _reaching(
    plain: str, pending: Sequence[_Hit], *, hit: _Hit, before: Sequence[Match]
) -> list[_Hit]:
    """Return which open modifiers reach `hit`, nearest last."""
    kept: list[_Hit] = []
    edge = hit.start
    for modifier in reversed(pending):
        if _CLAUSE_END.search(plain, modifier.end, hit.start):
            break
        if modifier.part == DEGREE:
            reaches = not plain[modifier.end : edge].strip(" 地的得")
        else:
            reaches = _reaches(plain, modifier, edge=edge, hit=hit, before=before)
        if reaches:
            kept.append(modifier)
            edge = modifier.start
    return kept[::-1]


def _reaches(plain: str, negator: _Hit, *, edge: int, hit: _Hit, before: Sequence[Match]) -> bool:
    """Tell whether a negator reaches `hit`, whose modifiers known so far begin at `edge`."""
    word = plain[hit.start : hit.end]
    if word in UNDENIABLE or word[0] == "[" or not any(map(str.isalpha, word)):
        return False
    gap = plain[negator.end : edge]
    if before and before[-1].start >= negator.end:
        # It already denies the word before, unless the two are joined: `not happy or excited`.
        if plain[before[-1].last : hit.start] not in JOINERS:
            return False
        gap = plain[negator.end : before[-1].start]
    if plain[negator.start] >= EAST:
        return len(gap) <= REACH_HAN and _FILLED.fullmatch(gap) is not None
    words = len(gap.split())
    if negator.part == NEAR_NEGATOR:
        return words <= NEAR_WORDS and not _PRONOUN.search(gap)
    return words <= REACH_WORDS


def _tail(plain: str, hits: Sequence[_Hit], *, place: int) -> list[_Hit]:
    """Return what stands right after a word and belongs to it: 极了, 不起来."""
    tail: list[_Hit] = []
    end = hits[place].end
    for after in hits[place + 1 : place + 3]:
        if after.part not in AFTER or plain[end : after.start].strip(" "):
            break
        tail.append(after)
        end = after.end
    return tail


def _is_question(plain: str, negator: _Hit, *, hit: _Hit) -> bool:
    """Tell whether 不 asks rather than denies, as in 开不开心: the character before it begins the word after it."""
    return (
        negator.start > 0
        and negator.end == hit.start
        and plain[negator.start : negator.end] in {"不", "没"}
        and plain[negator.start - 1] == plain[hit.start]
    )


def _match(pending: Sequence[_Hit], hit: _Hit, *, tail: Sequence[_Hit]) -> Match:
    weights, valence = hit.sense or Sense({}, 0.0)
    if not pending and not tail:
        return Match(hit.start, hit.end, hit.start, hit.end, 1.0, weights, valence)
    factor = _factor([*pending, *tail])
    first = pending[0].start if pending else hit.start
    last = tail[-1].end if tail else hit.end
    valence = max(-1.0, min(1.0, valence * factor))
    return Match(hit.start, hit.end, first, last, factor, _scaled(weights, factor), valence)


def _factor(modifiers_around: Sequence[_Hit]) -> float:
    """Return what the modifiers around a word multiply it by; the formula stands above."""
    degree, inner, negators, soft = 1.0, 1.0, 0, False
    for hit in modifiers_around:
        if hit.part in DEGREES:
            inner, degree = (
                (inner * hit.degree, degree) if negators else (inner, degree * hit.degree)
            )
        else:
            negators += 1
            soft = soft or hit.part == SOFT_NEGATOR
    if not negators:
        return max(LEAST_DEGREE, min(MOST_DEGREE, degree))
    if negators % 2 == 0:
        return DOUBLE_DENIAL
    return max(-1.0, (SOFT_DENIAL if soft or inner > 1 else DENIAL) * degree)


def _scaled(weights: dict[str, float], factor: float) -> dict[str, float]:
    if factor >= 0:
        return {emotion: weight * factor for emotion, weight in weights.items()}
    strength = factor / DENIAL
    denied: dict[str, float] = {}
    for emotion, weight in weights.items():
        for other, part in DENIED[emotion].items():
            kept = 1 + strength * (part - 1) if other == emotion else strength * part
            denied[other] = denied.get(other, 0.0) + kept * weight
    return denied


def total(matches: Iterable[Match]) -> tuple[dict[str, float], float]:
    """Return the sums of the matches' emotion weights and valences.

    >>> lexicon = Lexicon([Entry("good", "en", "joy", 1.0), Entry("good", "en", "valence", 0.5)])
    >>> total(lexicon.find("not good"))
    ({'anger': 0.2, 'joy': -0.1, 'sadness': 0.55}, -0.3)
    """
    sums: dict[str, float] = {}
    valence = 0.0
    for match in matches:
        valence += match.valence
        for emotion, weight in match.weights.items():
            sums[emotion] = sums.get(emotion, 0.0) + weight
    return {emotion: round(sums[emotion], 6) for emotion in EMOTIONS if emotion in sums}, valence
