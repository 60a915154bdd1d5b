"""Count in which labelled texts a word stands, as the lexicon's reader itself would find it.

In: the data's folder and `sources.toml`. Out: for each source, how many texts of each label hold each word. Imports
contracts, msgspec, numpy and models; reads files.

Candidates are all words of the texts: English words, emoji and emoticons; Chinese words by `Divider`, and the
bracketed signs of Weibo ([泪]). They are then counted by `Lexicon.find`: a word that is denied (`not happy`) is not
counted, and a text counts a word once.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from contracts.errors import InvalidInput
from models.evaluation.records import read_records
from models.features.text import normalize_line
from models.lexicon.chinese import HAN, Divider
from models.lexicon.entries import VALENCE, WORD_CHARACTERS, Entry
from models.lexicon.matching import Lexicon, lowered
from models.lexicon.modifiers import Part, modifiers

SOURCES = Path(__file__).with_name("sources.toml")
TEXT_CHARACTERS = 1000
EMOJI = re.compile(
    "(?:[\u2600-\u27bf\u2b50\u2b55\U0001f300-\U0001f5ff\U0001f600-\U0001f64f\U0001f680-\U0001f6ff\U0001f900-\U0001faff])"
)
EMOTICON = re.compile(r"(?<!\S)(?:[:;=]-?[)(dp/|]|<3|xd|:'\(|t_t|\^_\^)(?!\S)")
BRACKETED = re.compile(r"\[[^\[\]\s]{1,6}\]")
ENGLISH_WORD = re.compile(r"(?<![@\w])[a-z]+(?:'[a-z]+)?(?!\w)")
# What `normalize_line` writes for a link or a handle.
PLACEHOLDERS = frozenset({"http", "user"})
# Turns of speech of two words that say other than their parts; their weights are counted like any word's.
TURNS = (
    "can't wait,cant wait,thank you,thank god,looking forward,look forward,fed up,let down,well done,good luck,no way,"
    "oh no,oh my god,the hell,the fuck,so what,no problem,no worries,miss you,sick of,tired of,afraid of,piss off,"
    "pissed off,shut up,not bad,can't believe,cant believe,at least,good job,nice job,cheer up,come on,screw you,"
    "give up,never give up,break down,my bad,too bad,as hell,can't stand,freak out,freaked out,grow up,cry for"
).split(",")
# Degree words that also say something alone.
TELLING_DEGREES = frozenset(
    "好 爆 terribly awfully fucking fuckin freaking damn bloody ridiculously unbelievably".split()
)


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold one labelled file: its language, what it is about, and the map of its labels to ours."""

    file: str
    lang: str
    group: str
    labels: dict[str, str]
    field: str = "label"

    @property
    def is_valence(self) -> bool:
        """Tell whether the source says good or bad instead of an emotion."""
        return "positive" in self.labels.values()


class SourceTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold the sources, and the files whose texts must not be counted."""

    judged: tuple[str, ...]
    sources: tuple[Source, ...]


class Text(NamedTuple):
    """Hold one labelled text: its line, its labels."""

    line: str
    labels: frozenset[str]


class SourceCounts(NamedTuple):
    """Hold one source's counts of texts [words, labels]: `counts` with the label, `others` without it."""

    source: Source
    labels: tuple[str, ...]
    counts: npt.NDArray[np.float64]
    others: npt.NDArray[np.float64]


def read_table(path: Path = SOURCES) -> SourceTable:
    """Read the table of sources. Raises `InvalidInput` when it is not one."""
    try:
        return msgspec.toml.decode(path.read_bytes(), type=SourceTable)
    except (OSError, msgspec.DecodeError) as error:
        raise InvalidInput(f"{path}: {error}; expected `judged` and [[sources]]") from error


def read_texts(table: SourceTable, data: Path) -> Iterator[tuple[Source, list[Text]]]:
    """Yield each source with its distinct texts, without those that stand in a judged file."""
    judged = {line_of(record) for file in table.judged for record in read_records(data / file)}
    for source in table.sources:
        texts: dict[str, set[str]] = {}
        for record in read_records(data / source.file):
            value = record.get(source.field)
            names = value if isinstance(value, list) else [value]
            labels = {source.labels[name] for name in names if name in source.labels}
            line = line_of(record)
            if labels and line and line not in judged:
                texts.setdefault(line, set()).update(labels)
        yield source, [Text(line, frozenset(labels)) for line, labels in texts.items()]


def line_of(record: Mapping[str, Any]) -> str:
    """Return a record's text as the lexicon reads it, without the spaces that some sets put between Chinese words."""
    line = normalize_line(str(record.get("text", ""))[:TEXT_CHARACTERS])
    return re.sub(r"(?<=[\u3400-\u9fff]) (?=[\u3400-\u9fff])", "", line)


def words_of(line: str, lang: str, *, divider: Divider) -> set[str]:
    """Return the candidates in a lower-case line."""
    words = {*EMOJI.findall(line), *EMOTICON.findall(line), *BRACKETED.findall(line)}
    if lang == "en":
        return words | set(ENGLISH_WORD.findall(line)) | {turn for turn in TURNS if turn in line}
    for run in HAN.finditer(line):
        text = run.group()
        words.update(text[start:end] for start, end in divider.divide(text))
    return words


def candidates(texts: Iterable[str], lang: str, *, divider: Divider, least: int) -> list[str]:
    """Return the words that stand in at least `least` texts and are no function words."""
    counts: Counter[str] = Counter()
    for line in texts:
        counts.update(words_of(lowered(line), lang, divider=divider))
    parts = modifiers()
    kept = [
        word
        for word, count in counts.items()
        if count >= least
        and len(word) <= WORD_CHARACTERS
        and word not in PLACEHOLDERS
        and (word not in parts or parts[word].part is Part.NOTHING or word in TELLING_DEGREES)
    ]
    return sorted(kept)


def count_source(
    source: Source, texts: Iterable[Text], *, words: list[str], divider: Divider
) -> SourceCounts:
    """Count in how many texts of each label each word stands, undenied, between word edges."""
    lexicon = Lexicon([Entry(word, source.lang, VALENCE, 1.0) for word in words])
    number = {word: at for at, word in enumerate(words)}
    labels = tuple(sorted(set(source.labels.values())))
    counts = np.zeros((len(words), len(labels)))
    totals = np.zeros(len(words))
    for line, known in texts:
        plain = lowered(line)
        edges = word_edges(plain, divider)
        rows = list(
            {
                number[plain[match.start : match.end]]
                for match in lexicon.find(plain)
                if not match.is_negated and stands(plain, (match.start, match.end), edges=edges)
            }
        )
        totals[rows] += 1
        for label in known:
            counts[rows, labels.index(label)] += 1
    return SourceCounts(source, labels, counts, totals[:, None] - counts)


def word_edges(plain: str, divider: Divider) -> set[int]:
    """Return every place at which a Chinese word begins or ends."""
    edges: set[int] = set()
    for run in HAN.finditer(plain):
        offset = run.start()
        edges.add(offset)
        edges.update(offset + end for _, end in divider.divide(run.group()))
    return edges


def stands(plain: str, place: tuple[int, int], *, edges: set[int]) -> bool:
    """Tell whether a Chinese match has word edges at both ends; any other word has them by its match."""
    start, end = place
    return not HAN.match(plain[start]) or (start in edges and end in edges)
