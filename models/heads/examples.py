"""Read a user's labelled texts, and say of every line that cannot be used which it is and why.

In: `.jsonl`, `.jsonl.gz` or, for texts alone, `.txt`. Out: texts with labels, texts out of scope, and counts of what
was left out. Imports contracts, models.evaluation.records and models.protocols.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from contracts.errors import InvalidInput, SourceInvalid
from models.evaluation.records import read_records
from models.protocols import TextInput

ROW_LIMIT = 200_000
LABEL_LIMIT = 1000
LABEL_CHARACTERS = 100


class Examples(NamedTuple):
    """Hold what a file teaches: `texts` with `labels`, `strange` ones out of scope; `empty` rows had no text."""

    texts: list[TextInput]
    labels: list[str]
    strange: list[TextInput]
    empty: int
    sha256: str


class Distinct(NamedTuple):
    """Hold the examples that are left when each line stands once: their `positions` and `labels`.

    `repeated` rows say again what another says; `conflicting` ones give a line another label than most of its rows do
    (in a tie, than its first). `first_conflict` names one such line with its labels.
    """

    positions: list[int]
    labels: list[str]
    repeated: int
    conflicting: int
    first_conflict: str


def read_examples(
    path: Path, *, field: str, strange_label: str | None = None, strange_file: Path | None = None
) -> Examples:
    """Read labelled texts; rows labelled `strange_label`, and all of `strange_file`, are out of scope.

    Raises `SourceInvalid` naming file and line, and `InvalidInput` for fewer than two labels or too many rows.
    """
    texts, labels, strange, empty = [], [], [], 0
    for number, record in _numbered(path):
        text = _text_of(record, path, number=number)
        label = _label_of(record, field, place=f"{path}, line {number}")
        if not (text.text.strip() or text.title.strip()):
            empty += 1
        elif label == strange_label:
            strange.append(text)
        else:
            texts.append(text)
            labels.append(label)
    files = [path]
    if strange_file is not None:
        strange += [text for text in read_texts(strange_file) if text.text.strip()]
        files.append(strange_file)
    _check_labels(path, labels, field=field)
    return Examples(texts, labels, strange, empty, digest_of(files))


def read_texts(path: Path) -> Iterator[TextInput]:
    """Yield the texts of a file of JSON lines, or the lines of a `.txt` file. Raises `SourceInvalid`."""
    if path.suffix == ".txt":
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise SourceInvalid(f"cannot read {path} as UTF-8 lines: {error}") from error
        yield from (TextInput(text=line) for line in lines)
        return
    for number, record in _numbered(path):
        yield _text_of(record, path, number=number)


def distinct(lines: Sequence[str], labels: Sequence[str]) -> Distinct:
    """Return the examples without repetitions; `lines` are the texts as they are read, after normalisation.

    >>> distinct(["hi", "hi", "hi", "bye"], ["a", "b", "b", "a"])[:4]
    ([0, 3], ['b', 'a'], 1, 1)
    """
    held: dict[str, tuple[int, Counter[str]]] = {}
    for at, (line, label) in enumerate(zip(lines, labels, strict=True)):
        held.setdefault(line, (at, Counter()))[1][label] += 1
    chosen = [(at, counts.most_common(1)[0]) for at, counts in held.values()]
    disputed = [(line, counts) for line, (_, counts) in held.items() if len(counts) > 1]
    lost = sum(counts.total() - counts.most_common(1)[0][1] for _, counts in disputed)
    first = f"{disputed[0][0][:80]!r} is {' and '.join(disputed[0][1])}" if disputed else ""
    return Distinct(
        [at for at, _ in chosen],
        [label for _, (label, _) in chosen],
        repeated=len(lines) - len(held) - lost,
        conflicting=lost,
        first_conflict=first,
    )


def keys_of(lines: Sequence[str], texts: Sequence[TextInput]) -> list[str]:
    """Return what tells examples apart: each one's normalised line, and what came before it where that is known."""
    return [
        f"{line} (after: {text.context})" if text.context else line
        for line, text in zip(lines, texts, strict=True)
    ]


def digest_of(files: Sequence[Path]) -> str:
    """Return the SHA-256 of files, one after the other, as hex digits."""
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as opened:
            digest.update(hashlib.file_digest(opened, "sha256").digest())
    return digest.hexdigest()


def _numbered(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, record in enumerate(read_records(path), start=1):
        if number > ROW_LIMIT:
            raise InvalidInput(
                f"{path} has more than {ROW_LIMIT:,} rows, which would not fit in memory; give a sample of them"
            )
        yield number, record


def _text_of(record: dict[str, Any], path: Path, *, number: int) -> TextInput:
    words = {name: record.get(name) or "" for name in ("title", "context")}
    words["text"], lang = record.get("text"), record.get("lang")
    for name, value in words.items():
        if not isinstance(value, str):
            raise SourceInvalid(
                f"{path}, line {number}: `{name}` is {_shown(value)}, expected a string"
            )
    return TextInput(**words, lang_hint=lang if isinstance(lang, str) else None)


def _label_of(record: dict[str, Any], field: str, *, place: str) -> str:
    value = record.get(field)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.strip():
        others = ", ".join(sorted(set(record) - {"text"})) or "none"
        raise SourceInvalid(
            f"{place}: the label `{field}` is {_shown(value)}, expected words (other fields there: {others})"
        )
    label = " ".join(value.split())
    if len(label) > LABEL_CHARACTERS or not label.isprintable():
        raise SourceInvalid(
            f"{place}: the label {_shown(label)} is too long or not printable, expected at most"
            f" {LABEL_CHARACTERS} characters"
        )
    return label


def _shown(value: Any) -> str:
    return "missing" if value is None else repr(value)[:60]


def _check_labels(path: Path, labels: Sequence[str], *, field: str) -> None:
    known = sorted(set(labels))
    if len(known) < 2:
        raise InvalidInput(
            f"{path} has {len(labels)} texts of {'one label' if known else 'no label'} in `{field}`"
            f"{' (' + known[0] + ')' if known else ''}: a head chooses between two labels or more"
        )
    if len(known) > LABEL_LIMIT:
        raise InvalidInput(
            f"{path} has {len(known):,} labels in `{field}`, more than {LABEL_LIMIT:,}: is it the field of labels?"
        )
    folded: dict[str, str] = {}
    for label in known:
        twin = folded.setdefault(label.casefold(), label)
        if twin != label:
            raise InvalidInput(
                f"{path} has the labels {twin!r} and {label!r}: queries do not tell capitals from small letters;"
                " write them alike"
            )
