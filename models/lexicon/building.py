"""Build the lexicon: log-odds ratios of words with an informative Dirichlet prior, joined over independent sources.

In: the data's folder. Out: entries. Imports numpy and models.lexicon.

For a word w, a label i against all other texts j of one source (Monroe, Colaresi and Quinn, Fightin' Words, 2008):

    delta = log((y_i + a_i) / (n_i + A_i - y_i - a_i)) - log((y_j + a_j) / (n_j + A_j - y_j - a_j))
    variance = 1 / (y_i + a_i) + 1 / (y_j + a_j)

y counts the texts that hold w, n the sum of y over all words, A = `PRIOR` x n, a = A x the word's share in all texts.
(With one A for both sides, as in the paper, a word that a source never saw would lean to the smaller side.) Sources are
joined by their inverse variances (fixed effect): delta = sum(delta_s / v_s) / sum(1 / v_s), its variance 1 / sum(1 /
v_s), z = delta / sqrt(variance). A word is an entry of an emotion where

    z >= LEAST_Z, delta >= LEAST_DELTA                   it says enough, and surely
    valence of the same sign, where the emotion has one  what anger's texts are about (a phone, an airport) is no anger
    at least two groups of sources agree, by emotion or by valence, each with delta_s >= SUPPORT_DELTA, z_s >= SUPPORT_Z
    and SUPPORT_TEXTS texts                                  a topic of one data set is no emotion

Its weight is delta less one standard error. A valence is tanh(delta / 2) of positive against negative texts:
P(positive) - P(negative) of a text with this word alone. A Chinese word must stand between word edges in `PURITY` of
the places where its characters stand, since the reader does not divide: 高兴 in 提高兴趣.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.lexicon.chinese import Divider
from models.lexicon.counting import (
    SourceCounts,
    SourceTable,
    candidates,
    count_source,
    read_texts,
    stands,
    word_edges,
)
from models.lexicon.entries import EMOTIONS, LANGS, VALENCE, Entry
from models.lexicon.matching import Lexicon, lowered

PRIOR = 0.1
LEAST_TEXTS = {"en": 8, "zh": 5}
LEAST_Z, LEAST_DELTA, LEAST_WEIGHT = 2.58, math.log(2), 0.5
SUPPORT_Z, SUPPORT_DELTA, SUPPORT_TEXTS = 1.0, math.log(1.5), 2
VALENCE_Z, VALENCE_DELTA, VALENCE_GROUPS = 4.0, 0.4, 2
CONTRARY_Z = 2.0
PURITY, PURITY_PLACES = 0.75, 5
SIGN = {"joy": 1, "optimism": 1, "anger": -1, "disgust": -1, "fear": -1, "sadness": -1}
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


class Joined(NamedTuple):
    """Hold what all sources say of each word for one label: delta, its standard error, and which groups agree.

    `above` and `below` give, by group, whether it says the same by itself: much above zero, or much below.
    """

    delta: Floats
    error: Floats
    above: dict[str, Flags]
    below: dict[str, Flags]

    @property
    def z(self) -> Floats:
        """Return delta in standard errors."""
        return self.delta / self.error

    def signed(self, sign: int) -> "Joined":
        """Return the same seen from the other end where `sign` is -1."""
        return self if sign > 0 else Joined(-self.delta, self.error, self.below, self.above)


def build(table: SourceTable, data: Path) -> list[Entry]:
    """Return the entries of every language that has sources of emotions and of valence."""
    divider = Divider.load()
    by_source = list(read_texts(table, data))
    entries: list[Entry] = []
    for lang in LANGS:
        own = [(source, texts) for source, texts in by_source if source.lang == lang]
        if not any(source.is_valence for source, _ in own):
            continue
        lines = dict.fromkeys(text.line for _, texts in own for text in texts)
        words = candidates(lines, lang, divider=divider, least=LEAST_TEXTS[lang])
        tables = [
            count_source(source, texts, words=words, divider=divider) for source, texts in own
        ]
        found = chosen(words, tables, lang=lang)
        entries += pure(found, lines, divider=divider) if lang == "zh" else found
    return entries


def chosen(words: Sequence[str], tables: Sequence[SourceCounts], *, lang: str) -> list[Entry]:
    """Return the entries that pass every test named above."""
    valence = join([table for table in tables if table.source.is_valence], "positive")
    entries = []
    for emotion in EMOTIONS:
        having = [t for t in tables if not t.source.is_valence and emotion in t.labels]
        if not having:
            continue
        joined = join(having, emotion)
        weights = joined.delta - joined.error
        passes = (joined.z >= LEAST_Z) & (joined.delta >= LEAST_DELTA) & (weights >= LEAST_WEIGHT)
        if emotion in SIGN:
            sign = SIGN[emotion]
            passes &= sign * valence.z >= CONTRARY_Z
            passes &= groups_agreeing(joined, valence.signed(sign)) >= 2
        else:
            passes &= groups_agreeing(joined) >= 2
        entries += [
            Entry(words[at], lang, emotion, round(float(weights[at]), 2))
            for at in np.flatnonzero(passes).tolist()
        ]
    return entries + valences(words, valence, lang=lang)


def valences(words: Sequence[str], joined: Joined, *, lang: str) -> list[Entry]:
    """Return the entries of good and bad."""
    sure = (np.abs(joined.z) >= VALENCE_Z) & (np.abs(joined.delta) >= VALENCE_DELTA)
    sure &= (
        np.where(joined.delta > 0, groups_agreeing(joined), groups_agreeing(joined.signed(-1)))
        >= VALENCE_GROUPS
    )
    return [
        Entry(words[at], lang, VALENCE, round(math.tanh(joined.delta[at] / 2), 2))
        for at in np.flatnonzero(sure).tolist()
    ]


def groups_agreeing(*joined: Joined) -> npt.NDArray[np.int64]:
    """Return how many groups say that a word is above zero, each counted once; one must be among the first's."""
    flags: dict[str, Flags] = {}
    for part in joined:
        for group, above in part.above.items():
            flags[group] = flags[group] | above if group in flags else above
    own = np.any(list(joined[0].above.values()), axis=0)
    counts: npt.NDArray[np.int64] = np.sum(list(flags.values()), axis=0)
    return np.where(own, counts, 0)


def join(tables: Sequence[SourceCounts], label: str) -> Joined:
    """Join the sources by their inverse variances, and see which groups agree."""
    seen = np.sum([table.counts.sum(1) for table in tables], axis=0) + 0.5
    share = seen / seen.sum()
    parts = [log_odds(table, label, share=share) for table in tables]
    certainty = np.sum([1 / variance for _, variance in parts], axis=0)
    delta = np.sum([part / variance for part, variance in parts], axis=0) / certainty
    above: dict[str, Flags] = {}
    below: dict[str, Flags] = {}
    for table, (part, variance) in zip(tables, parts, strict=True):
        column = table.labels.index(label)
        z = part / np.sqrt(variance)
        for flags, sign, counts in ((above, 1, table.counts), (below, -1, table.others)):
            agrees = (sign * part >= SUPPORT_DELTA) & (sign * z >= SUPPORT_Z)
            agrees &= counts[:, column] >= SUPPORT_TEXTS
            group = table.source.group
            flags[group] = flags[group] | agrees if group in flags else agrees
    return Joined(delta, 1 / np.sqrt(certainty), above, below)


def log_odds(table: SourceCounts, label: str, *, share: Floats) -> tuple[Floats, Floats]:
    """Return delta and its variance of each word for `label` in one source; `share` is each word's share of all."""
    column = table.labels.index(label)
    odds, variance = [], np.zeros(len(share))
    for counts in (table.counts[:, column], table.others[:, column]):
        size = counts.sum()
        prior = PRIOR * size * share
        odds.append(np.log((counts + prior) / (size + PRIOR * size - counts - prior)))
        variance += 1 / (counts + prior)
    return odds[0] - odds[1], variance


def pure(entries: Sequence[Entry], lines: Iterable[str], *, divider: Divider) -> list[Entry]:
    """Return the entries without Chinese words whose characters often stand across the edges of other words."""
    lexicon = Lexicon(entries)
    places: Counter[str] = Counter()
    standing: Counter[str] = Counter()
    for line in lines:
        plain = lowered(line)
        edges = word_edges(plain, divider)
        for match in lexicon.find(plain):
            word = plain[match.start : match.end]
            places[word] += 1
            standing[word] += stands(plain, (match.start, match.end), edges=edges)
    return [
        entry
        for entry in entries
        if places[entry.word] < PURITY_PLACES or standing[entry.word] >= PURITY * places[entry.word]
    ]


def remarks(table: SourceTable) -> list[str]:
    """Return what a lexicon file says of its making: no time, so that equal data give equal bytes."""
    lines = [
        "Emotion words of English and Chinese, counted by `hubbub models lexicon build`. Do not edit: give your",
        "own words in a file of these columns and name it in the setting models.lexicon.",
        "",
        "An emotion's weight is a log-odds ratio with an informative Dirichlet prior (Monroe, Colaresi and Quinn,",
        "2008) against the texts of other labels, joined over sources by inverse variance, less one standard error.",
        f"Valence is P(positive) - P(negative). A word is here where z >= {LEAST_Z} ({VALENCE_Z} for valence) and two",
        "independent sources agree.",
        "",
    ]
    files: dict[str, list[str]] = {}
    for source in table.sources:
        files.setdefault(source.file, []).append("valence" if source.is_valence else "emotion")
    return lines + [f"{file}: {', '.join(kinds)}" for file, kinds in sorted(files.items())]
