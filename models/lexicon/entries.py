"""Read and write the lexicon's files: what a word says of emotions and of good and bad.

In: TSV or CSV files with the columns `word`, `lang`, `label`, `weight`; lines that start with `#` are remarks. Out:
frozen `Entry` records. Imports contracts, models.features.text and models.lexicon.matching.

A word is read as texts are (one width, small letters, straight apostrophes), for only so can it be found in them.
`label` is an emotion, or `valence`, or `none`: a word that says nothing, which takes away what the bundled file says of
it. An emotion's weight is a natural log-odds ratio, so that the weights of a text's words add up; a valence lies in
−1…1.
"""

import csv
import math
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from contracts.errors import InvalidInput
from models.features.text import LINK_PLACEHOLDER, MENTION_PLACEHOLDER, normalize_line

EMOTIONS = ("anger", "disgust", "fear", "joy", "optimism", "sadness", "surprise")
VALENCE = "valence"
NONE = "none"
LABELS = (*EMOTIONS, VALENCE, NONE)
LANGS = ("en", "zh")
COLUMNS = ("word", "lang", "label", "weight")
WEIGHT_LIMIT = 10.0
WORD_CHARACTERS = 64
LINE_CHARACTERS = 1000
PLACEHOLDERS = frozenset({LINK_PLACEHOLDER.strip(), MENTION_PLACEHOLDER.strip()})


class Entry(NamedTuple):
    """Hold one thing that one word says."""

    word: str
    lang: str
    label: str
    weight: float


def read_entries(path: Path) -> list[Entry]:
    """Read a lexicon file, `.csv` by commas, anything else by tabs.

    Raises `InvalidInput` that names the file, the line and what was expected; a file that says nothing is refused, as
    is one that says something of a word twice, or takes a word away and speaks of it.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            entries = _once(_rows(file, path), path)
    except OSError as error:
        raise InvalidInput(
            f"cannot read the lexicon {path}: {error.strerror}; models.lexicon names a TSV or CSV file"
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"lexicon {path} is not UTF-8 (byte {error.start}): save it as UTF-8"
        ) from error

    if not entries:
        raise InvalidInput(
            f"lexicon {path} says nothing: expected a row of {', '.join(COLUMNS)}, and a row for each word below it"
        )
    return entries


def _once(rows: Iterable[tuple[int, Entry]], path: Path) -> list[Entry]:
    """Return the entries; one that says again what another says, or says it away, is refused with both lines."""
    said: dict[tuple[str, str], dict[str, int]] = {}
    entries = []
    for number, entry in rows:
        before = said.setdefault((entry.word, entry.lang), {})
        for label, line in before.items():
            if entry.label == label or NONE in {entry.label, label}:
                raise InvalidInput(
                    f"lexicon {path}, lines {line} and {number}: {entry.word!r} in {entry.lang} has {label} and"
                    f" {entry.label}, expected each label once and {NONE} alone"
                )
        before[entry.label] = number
        entries.append(entry)
    return entries


def _rows(file: Iterable[str], path: Path) -> Iterator[tuple[int, Entry]]:
    separator = "," if path.suffix.lower() == ".csv" else "\t"
    header: list[str] | None = None
    for number, line in enumerate(file, 1):
        if not line.strip() or line.startswith("#"):
            continue
        place = f"lexicon {path}, line {number}"
        if len(line) > LINE_CHARACTERS:
            raise InvalidInput(
                f"{place}: {len(line):,} characters, expected at most {LINE_CHARACTERS:,}"
            )
        cells = [cell.strip() for cell in next(csv.reader([line], delimiter=separator))]
        if header is None:
            header = _header(cells, place)
        else:
            yield number, _entry(header, cells, place=place)


def _header(cells: list[str], place: str) -> list[str]:
    names = [cell.lower() for cell in cells]
    if missing := [name for name in COLUMNS if name not in names]:
        raise InvalidInput(
            f"{place}: the first row lacks {', '.join(missing)}; it must name the columns "
            f"{', '.join(COLUMNS)} (a .csv by commas, any other file by tabs)"
        )
    return names


def _entry(header: list[str], cells: list[str], *, place: str) -> Entry:
    if len(cells) != len(header):
        raise InvalidInput(f"{place}: {len(cells)} cells, expected {len(header)}: {cells!r}")
    row = dict(zip(header, cells, strict=True))
    word, lang, label = _read_word(row["word"]), row["lang"].lower(), row["label"].lower()
    if PLACEHOLDERS & set(word.split()):
        raise InvalidInput(
            f"{place}: the word {row['word'][:WORD_CHARACTERS]!r} is read as {word[:WORD_CHARACTERS]!r}: links and"
            " handles are told apart in no text"
        )
    if not word or len(word) > WORD_CHARACTERS:
        raise InvalidInput(
            f"{place}: the word {word[:WORD_CHARACTERS]!r} has {len(word)} characters, "
            f"expected 1 to {WORD_CHARACTERS}"
        )
    for what, value, allowed in (("lang", lang, LANGS), ("label", label, LABELS)):
        if value not in allowed:
            raise InvalidInput(f"{place}: {what} {value!r}, expected one of {', '.join(allowed)}")
    return Entry(word, lang, label, _weight(row["weight"], label, place=place))


def _read_word(word: str) -> str:
    # It imports this module.
    from models.lexicon.matching import lowered

    return lowered(normalize_line(word))


def _weight(text: str, label: str, *, place: str) -> float:
    limit = 1.0 if label == VALENCE else WEIGHT_LIMIT
    try:
        weight = float(text or 0) if label == NONE else float(text)
    except ValueError:
        weight = math.nan
    if not abs(weight) <= limit:
        raise InvalidInput(
            f"{place}: weight {text!r} of {label}, expected a number from {-limit:g} to {limit:g}"
        )
    return weight


def write_entries(entries: Iterable[Entry], path: Path, *, remarks: Iterable[str]) -> None:
    """Write entries in order of language, word and label, after the remarks; the same entries give the same bytes."""
    lines = [*(f"# {remark}".rstrip() for remark in remarks), "\t".join(COLUMNS)]
    lines += [
        f"{word}\t{lang}\t{label}\t{weight:.2f}"
        for word, lang, label, weight in sorted(entries, key=lambda e: (e.lang, e.word, e.label))
    ]
    try:
        path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    except OSError as error:
        raise InvalidInput(f"cannot write {path}: {error.strerror}") from error


def check_place(path: Path) -> None:
    """Raise `InvalidInput` unless a lexicon can be written to `path`: better before it is counted than after."""
    place = path if path.exists() else path.parent
    if not path.parent.is_dir() or path.is_dir() or not os.access(place, os.W_OK):
        raise InvalidInput(
            f"cannot write {path}: expected a file, in a folder that is there, which can be written to"
        )


def extended(bundled: Iterable[Entry], own: Iterable[Entry]) -> list[Entry]:
    """Return the bundled entries with a user's: a word of theirs replaces all that was said of it in that language."""
    theirs = list(own)
    replaced = {(entry.word, entry.lang) for entry in theirs}
    return [entry for entry in bundled if (entry.word, entry.lang) not in replaced] + theirs
