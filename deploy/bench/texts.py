"""Texts to measure with: all different, in both languages, from a file or from the written crisis.

In: a file of JSON lines with `text`, or nothing. Out: texts in one order always. Pure but for the file.
"""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from contracts.errors import InvalidInput
from models.evaluation.records import read_records
from models.features.text import clean_text
from models.protocols import TextInput
from producers.sources.scenario.scenario import Scenario

PIECES = 126
# The same texts on every day.
START = datetime(2026, 1, 5, tzinfo=UTC)


def distinct_texts(needed: int, *, files: Sequence[Path] = ()) -> list[str]:
    """Return `needed` different texts, normalised as models read them; raises InvalidInput where files have fewer."""
    source = _of_files(files) if files else _of_scenarios()
    found: dict[str, None] = {}
    for text in source:
        line = clean_text(TextInput(text=text), token_limit=PIECES).text
        if line:
            found[line] = None
        if len(found) == needed:
            break
    if len(found) < needed:
        names = ", ".join(map(str, files))
        raise InvalidInput(f"{names}: {len(found):,} different texts; expected {needed:,}")
    texts = list(found)
    random.Random(7).shuffle(texts)
    return texts


def with_repeats(texts: Sequence[str], share: float) -> list[str]:
    """Return as many texts, a `share` of which were there before."""
    dice = random.Random(11)
    found: list[str] = []
    new = iter(texts)
    for _ in texts:
        found.append(dice.choice(found) if found and dice.random() < share else next(new))
    return found


def _of_files(files: Sequence[Path]) -> Iterator[str]:
    return (str(record["text"]) for path in files for record in read_records(path))


def _of_scenarios() -> Iterator[str]:
    for seed in count(1):
        for event in Scenario(seed, start=START, quiet_days=1).events():
            yield event.text
