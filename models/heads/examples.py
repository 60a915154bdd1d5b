"""Read a user's labelled texts, and say of every line that cannot be used which it is and why.

In: `.jsonl`, `.jsonl.gz` or, for texts alone, `.txt`. Out: texts with labels, texts out of scope, and counts of what
was left out. Imports contracts, models.evaluation, models.features.text and models.protocols.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from contracts.errors import InvalidInput, SourceInvalid
from contracts.hub_models import LABEL_RULE, is_label, twins_among
from models.evaluation.printable import printable
from models.evaluation.records import read_records
from models.evaluation.rows import label_of
from models.features.text import context_line, normalize_line
from models.protocols import TextInput

ROW_LIMIT = 200_000
LABEL_LIMIT = 1000
SHOWN_NAMES = 20


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

    Raises `SourceInvalid` naming file and line, and `InvalidInput` for fewer than two labels, too many rows, no text
    out of scope where some were promised, and texts that are out of scope and have a label too.
    """
    texts, labels, strange, empty = [], [], [], 0
    strange_label = None if strange_label is None else " ".join(strange_label.split())
    for number, record in _numbered(path):
        text = _text_of(record, path, number=number)
        label = _label_of(record, field, place=f"{path}, line {number}")
        if not _has_text(text):
            empty += 1
        elif label == strange_label:
            strange.append(text)
        else:
            texts.append(text)
            labels.append(label)
    if strange_label is not None and not strange:
        raise InvalidInput(
            f"--out-of-scope-label {strange_label!r}: no row of {path} with a text has it in `{field}`; its labels are"
            f" {_listed(labels)}"
        )
    files = [path]
    if strange_file is not None:
        strange += _strange_texts(strange_file)
        files.append(strange_file)
    _check_labels(path, labels, field=field)
    _check_apart(texts, labels, strange=strange)
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


def _has_text(text: TextInput) -> bool:
    return bool(text.text.strip() or text.title.strip())


def _strange_texts(path: Path) -> list[TextInput]:
    found = [text for text in read_texts(path) if _has_text(text)]
    if not found:
        raise InvalidInput(
            f"--out-of-scope {path} has no text: expected texts that belong to no label"
        )
    return found


def _check_apart(
    texts: Sequence[TextInput], labels: Sequence[str], *, strange: Sequence[TextInput]
) -> None:
    """Refuse texts that are said to have a label and to have none: they would teach both, and judge neither."""
    beyond = set(map(_key, strange))
    both = [at for at, text in enumerate(texts) if beyond and _key(text) in beyond]
    if both:
        text, label = texts[both[0]], labels[both[0]]
        raise InvalidInput(
            f"{len(both):,} of {len(texts):,} texts with a label are out of scope too, first"
            f" {(text.text or text.title)[:80]!r} ({label}): a text has a label or belongs to none"
        )


def _key(text: TextInput) -> tuple[str, str]:
    """Return what tells texts apart before an encoder has read them."""
    return normalize_line(f"{text.title}\n{text.text}"), context_line(text.context)


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
    name, problem = label_of(record.get(field))
    if problem:
        others = ", ".join(map(printable, sorted(set(record) - {"text", field}))) or "none"
        raise SourceInvalid(
            f"{place}: the label `{field}` is {_shown(record.get(field))}, expected one name: words, a whole number,"
            f" true or false (other fields there: {others})"
        )
    label = " ".join(name.split())
    if not is_label(label):
        raise SourceInvalid(
            f"{place}: the label {_shown(label)} is too long or not printable, expected {LABEL_RULE}"
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
    if twins := twins_among(known):
        raise InvalidInput(
            f"{path} has the labels {twins[0]!r} and {twins[1]!r}: queries do not tell capitals from small letters;"
            " write them alike"
        )


def _listed(labels: Sequence[str]) -> str:
    known = sorted(set(labels))
    more = f" and {len(known) - SHOWN_NAMES} more" if len(known) > SHOWN_NAMES else ""
    return (", ".join(known[:SHOWN_NAMES]) or "none") + more
