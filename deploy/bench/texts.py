"""Texts to measure with: all different, in both languages, from files or from the written crisis.

In: files of JSON lines with `text` or `title`, or nothing. Out: texts in one order always. Pure but for the files.
"""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import count, islice
from pathlib import Path

from contracts.errors import InvalidInput
from models.evaluation.parity_texts import labelled_texts
from models.evaluation.records import read_records
from models.features.text import clean_text
from models.protocols import TextInput
from producers.sources.scenario.scenario import Scenario

PIECES = 126
# The written crises have more, but ever slower: new ones of 50,000 take half a minute.
WRITTEN = 12_000
# The same texts on every day.
START = datetime(2026, 1, 5, tzinfo=UTC)


def distinct_texts(needed: int, *, files: Sequence[Path] = ()) -> list[str]:
    """Return `needed` different texts, normalised as models read them; raises InvalidInput where files have fewer."""
    lines = _lines(_of_files(files) if files else _of_scenarios())
    texts = list(islice(lines, needed if files else min(needed, WRITTEN)))
    if files and len(texts) < needed:
        names = ", ".join(map(str, files))
        raise InvalidInput(
            f"{names}: {len(texts):,} different texts; expected {needed:,}, or fewer records"
        )
    random.Random(7).shuffle(texts)
    return as_many(texts, needed)


def as_many(texts: Sequence[str], needed: int) -> list[str]:
    """Return `needed` texts: all of `texts`, then all again with the number of the round before each.

    Raises InvalidInput where there is none to begin with.

    >>> as_many(["a", "b"], 5)
    ['a', 'b', '2: a', '2: b', '3: a']
    """
    if not texts:
        raise InvalidInput(f"no texts; expected one at least, to make {needed:,} of")
    again = (text if turn == 1 else f"{turn}: {text}" for turn in count(1) for text in texts)
    return list(islice(again, needed))


def with_repeats(texts: Sequence[str], share: float) -> list[str]:
    """Return as many texts, a `share` of which were there before."""
    dice = random.Random(11)
    found: list[str] = []
    new = iter(texts)
    for _ in texts:
        found.append(dice.choice(found) if found and dice.random() < share else next(new))
    return found


def _lines(inputs: Iterator[TextInput]) -> Iterator[str]:
    """Yield what models read of the inputs, each line once."""
    seen = {""}
    for item in inputs:
        line = clean_text(item, token_limit=PIECES).text
        if line not in seen:
            seen.add(line)
            yield line


def _of_files(files: Sequence[Path]) -> Iterator[TextInput]:
    """Yield the texts of every file; a row without one is passed over, a file without any raises InvalidInput."""
    for path in files:
        records = list(read_records(path))
        try:
            yield from labelled_texts(records, {}, fields={}, count=max(1, len(records))).inputs
        except InvalidInput as error:
            raise InvalidInput(f"{path}: {error}") from error


def _of_scenarios() -> Iterator[TextInput]:
    for seed in count(1):
        for event in Scenario(seed, start=START, quiet_days=1).events():
            yield TextInput(text=event.text)
