"""Read labelled rows from public data sets, in our own labels, with no development text among the training texts.

In: a folder of `<set>/<split>.jsonl.gz` files and a `TrainingConfig`. Out: `LabelledRow`s and plain texts, normalised.
Imports contracts, models.features and the standard library; never torch.
"""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from contracts.errors import RecordMisfit, SourceInvalid
from contracts.moments import parse_moment
from models.evaluation.records import read_records
from models.features.text import clean_text, context_line
from models.protocols import TextInput
from models.training.config import SourceConfig, TextsConfig, TrainingConfig, VocabularyConfig

LEAST_CHARACTERS = 4


class LabelledRow(msgspec.Struct, frozen=True):
    """Hold one text with its labels, by name: those of which any may be true, and all that its source tells apart."""

    text: str
    context: str
    head: str
    lang: str
    source: str
    targets: tuple[str, ...]
    known: tuple[str, ...]
    weight: float
    is_dev: bool


class PlainText(NamedTuple):
    """Hold one text without labels."""

    text: str
    lang: str


def read_rows(config: TrainingConfig, data: Path) -> list[LabelledRow]:
    """Return every labelled row: no training row has the text of a development row of its head.

    A text stands once in a head, unless a context tells two apart. A development text of any head stays out of every
    head's training, except short turns of dialogues, which say nothing without their context.
    """
    rows = [row for source in config.sources for row in _rows_of(config, source, data=data)]
    dev_texts = {row.text for row in rows if row.is_dev and not row.context}
    seen: set[tuple[str, str, str, bool]] = set()
    kept = []
    for row in rows:
        key = (row.head, row.text, row.context, row.is_dev)
        if key in seen or not row.text or (not row.is_dev and row.text in dev_texts):
            continue
        seen.add(key)
        kept.append(row)
    return kept


def _rows_of(config: TrainingConfig, source: SourceConfig, *, data: Path) -> Iterator[LabelledRow]:
    labels = config.heads[source.head].labels
    ours = _raw_labels(source, data) if not labels else config.label_map(source)
    mapped = dict.fromkeys(label for group in ours.values() for label in group)
    known = tuple(labels) if source.tells == "all" else tuple(mapped)
    before: list[str] = []
    dialogue = None
    for record in read_records(data / source.file):
        if any(record.get(key) != value for key, value in source.only.items()):
            continue
        if source.dialogue and record.get(source.dialogue) != dialogue:
            dialogue, before = record.get(source.dialogue), []
        text = text_of(record, config.vocabulary, field=source.text)
        context = context_line(" \n".join(before)) if source.dialogue else ""
        before.append(text)
        targets = targets_of(record.get(source.field), ours)
        if targets:
            is_dev = _is_dev(source, record, text=text)
            yield LabelledRow(
                text, context, source.head, source.lang, source.file, targets, known,
                source.weight, is_dev,
            )  # fmt: skip


def targets_of(value: object, ours: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return our labels of which any may be true; empty where one of the record's labels has none in ours."""
    names: list[Any] = value if isinstance(value, list) else [value]
    if not names or any(name not in ours for name in names):
        return ()
    return tuple(dict.fromkeys(label for name in names for label in ours[name]))


def _is_dev(source: SourceConfig, record: Mapping[str, Any], *, text: str) -> bool:
    if source.dev_from:
        return _moment_of(source, record) >= parse_moment(source.dev_from)
    if source.dev_dialogues:
        return hash_share(str(record.get(source.dialogue))) < source.dev_dialogues
    return source.role == "dev" or hash_share(text) < source.dev_share


def _moment_of(source: SourceConfig, record: Mapping[str, Any]) -> datetime:
    try:
        return parse_moment(record.get(source.time))
    except RecordMisfit as error:
        raise SourceInvalid(
            f"{source.file} is split by time, and its field {source.time!r} holds {error}"
        ) from error


def _raw_labels(source: SourceConfig, data: Path) -> dict[str, tuple[str, ...]]:
    """Return {label: (SET/label,)} of all that a file holds, in order of the alphabet."""
    found: set[str] = set()
    for record in read_records(data / source.file):
        value: Any = record.get(source.field)
        found.update(value if isinstance(value, list) else [value])
    return {name: (f"{source.file.split('/')[0]}/{name}",) for name in sorted(found)}


def plain_texts(config: TrainingConfig, data: Path, *, known: set[str]) -> list[PlainText]:
    """Return the distinct texts of the unlabelled files that are not among `known`."""
    chosen: dict[str, str] = {}
    for part in config.texts:
        for text in _texts_of(part, config, data=data):
            if len(text) >= LEAST_CHARACTERS and text not in known:
                chosen.setdefault(text, part.lang)
    return [PlainText(text, lang) for text, lang in chosen.items()]


def _texts_of(part: TextsConfig, config: TrainingConfig, *, data: Path) -> Iterator[str]:
    for record in read_records(data / part.file):
        value = record.get(part.field) or record.get("title") or ""
        items = value if isinstance(value, list) else [value]
        for item in items:
            # A comment may come with its time: [seconds, text].
            raw = item[-1] if isinstance(item, list) else item
            yield _clean(str(raw), config.vocabulary)


def text_of(record: Mapping[str, Any], vocabulary: VocabularyConfig, *, field: str) -> str:
    """Return a record's title and text as the product itself would read them."""
    return _clean(str(record.get(field, "")), vocabulary, title=str(record.get("title") or ""))


def _clean(text: str, vocabulary: VocabularyConfig, *, title: str = "") -> str:
    return clean_text(TextInput(text=text, title=title), token_limit=vocabulary.token_limit).text


def hash_share(text: str) -> float:
    """Return a number in 0...1 that depends on the text alone, so that a split never moves."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest()) / 2**32
