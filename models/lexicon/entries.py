"""Read and write the lexicon's files: what a word says of emotions and of good and bad.

In: TSV or CSV files with the columns `word`, `lang`, `label`, `weight`; lines that start with `#` are remarks. Out:
frozen `Entry` records. Imports contracts and the standard library alone.

`label` is an emotion, or `valence`, or `none`: a word that says nothing, which takes away what the bundled file says of
it. An emotion's weight is a natural log-odds ratio, so that the weights of a text's words add up; a valence lies in
−1…1.
"""

import csv
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from contracts.errors import InvalidInput

EMOTIONS = ("anger", "disgust", "fear", "joy", "optimism", "sadness", "surprise")
VALENCE = "valence"
NONE = "none"
LABELS = (*EMOTIONS, VALENCE, NONE)
LANGS = ("en", "zh")
COLUMNS = ("word", "lang", "label", "weight")
WEIGHT_LIMIT = 10.0
WORD_CHARACTERS = 64


class Entry(NamedTuple):
    """Hold one thing that one word says."""

    word: str
    lang: str
    label: str
    weight: float


def read_entries(path: Path) -> list[Entry]:
    """Read a lexicon file, `.csv` by commas, anything else by tabs.

    Raises `InvalidInput` that names the file, the line and what was expected.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(_rows(file, path))
    except OSError as error:
        raise InvalidInput(
            f"cannot read the lexicon {path}: {error.strerror}; models.lexicon names a TSV or CSV file"
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"lexicon {path} is not UTF-8 (byte {error.start}): save it as UTF-8"
        ) from error


def _rows(file: Iterable[str], path: Path) -> Iterator[Entry]:
    separator = "," if path.suffix.lower() == ".csv" else "\t"
    header: list[str] | None = None
    for number, line in enumerate(file, 1):
        if not line.strip() or line.startswith("#"):
            continue
        cells = [cell.strip() for cell in next(csv.reader([line], delimiter=separator))]
        if header is None:
            header = _header(cells, f"lexicon {path}, line {number}")
        else:
            yield _entry(header, cells, place=f"lexicon {path}, line {number}")


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
    word, lang, label = row["word"].lower(), row["lang"].lower(), row["label"].lower()
    if not word or len(word) > WORD_CHARACTERS:
        raise InvalidInput(
            f"{place}: the word {word[:WORD_CHARACTERS]!r} has {len(word)} characters, "
            f"expected 1 to {WORD_CHARACTERS}"
        )
    for what, value, allowed in (("lang", lang, LANGS), ("label", label, LABELS)):
        if value not in allowed:
            raise InvalidInput(f"{place}: {what} {value!r}, expected one of {', '.join(allowed)}")
    return Entry(word, lang, label, _weight(row["weight"], label, place=place))


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
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def extended(bundled: Iterable[Entry], own: Iterable[Entry]) -> list[Entry]:
    """Return the bundled entries with a user's: a word of theirs replaces all that was said of it in that language."""
    theirs = list(own)
    replaced = {(entry.word, entry.lang) for entry in theirs}
    return [entry for entry in bundled if (entry.word, entry.lang) not in replaced] + theirs
