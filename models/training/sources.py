"""Read labelled rows from public data sets, in our own labels, with no development text among the training texts.

In: a folder of `<set>/<split>.jsonl.gz` files and a `TrainingConfig`. Out: `LabelledRow`s and plain texts, normalised.
Imports contracts, models.features and the standard library; never torch.
"""

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from models.evaluation.records import read_records
from models.features.text import clean_text
from models.protocols import TextInput
from models.training.config import LikenessTexts, SourceConfig, TrainingConfig, VocabularyConfig


class LabelledRow(msgspec.Struct, frozen=True):
    """Hold one text with the positions of its true labels and of all labels that its source tells apart."""

    text: str
    head: str
    lang: str
    source: str
    targets: tuple[int, ...]
    known: tuple[int, ...]
    weight: float
    is_dev: bool


def read_rows(config: TrainingConfig, data: Path) -> list[LabelledRow]:
    """Return every labelled row: no training row has the text of a development row, and none stands twice in a head."""
    rows = [row for source in config.sources for row in _rows_of(config, source, data=data)]
    dev_texts = {row.text for row in rows if row.is_dev}
    seen: set[tuple[str, str, bool]] = set()
    kept = []
    for row in rows:
        key = (row.head, row.text, row.is_dev)
        if key in seen or not row.text or (not row.is_dev and row.text in dev_texts):
            continue
        seen.add(key)
        kept.append(row)
    return kept


def _rows_of(config: TrainingConfig, source: SourceConfig, *, data: Path) -> Iterator[LabelledRow]:
    labels = config.labels[source.head]
    to_position = {theirs: labels.index(ours) for theirs, ours in config.label_map(source).items()}
    known = (
        tuple(sorted(set(to_position.values())))
        if source.tells == "mapped"
        else tuple(range(len(labels)))
    )
    for record in read_records(data / source.file):
        value = record.get(source.field)
        names = value if isinstance(value, list) else [value]
        targets = tuple(sorted({to_position[name] for name in names if name in to_position}))
        if not targets or any(name not in to_position for name in names):
            continue
        text = text_of(record, config.vocabulary)
        is_dev = source.role == "dev" or hash_share(text) < source.dev_share
        yield LabelledRow(
            text, source.head, source.lang, source.file, targets, known, source.weight, is_dev
        )


def likeness_texts(config: TrainingConfig, data: Path) -> list[str]:
    """Return the distinct texts for the teacher, each file by its share, in a seeded order."""
    chooser = random.Random(config.seed)
    chosen: dict[str, None] = {}
    for part in config.likeness_texts:
        chosen.update(dict.fromkeys(_sample(part, config, data=data, chooser=chooser)))
    texts = list(chosen)
    chooser.shuffle(texts)
    return texts


def _sample(
    part: LikenessTexts, config: TrainingConfig, *, data: Path, chooser: random.Random
) -> list[str]:
    texts = [text_of(record, config.vocabulary) for record in read_records(data / part.file)]
    distinct = list(dict.fromkeys(text for text in texts if text))
    return chooser.sample(distinct, min(len(distinct), round(part.share * config.teacher.texts)))


def text_of(record: dict[str, Any], vocabulary: VocabularyConfig) -> str:
    """Return a record's title and text as the product itself would read them."""
    item = TextInput(text=str(record.get("text", "")), title=str(record.get("title") or ""))
    return clean_text(item, token_limit=vocabulary.token_limit, lowercase=vocabulary.lowercase).text


def hash_share(text: str) -> float:
    """Return a number in 0...1 that depends on the text alone, so that a split never moves."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest()) / 2**32
