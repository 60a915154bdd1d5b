"""Choose the texts on which engines are compared, from several files, each of which may have labels of a task.

In: records by file, a scorer that names its heads and labels. Out: `ComparisonTexts`. Pure; imports numpy, contracts,
models.protocols and models.evaluation.

Each file gives as many texts as the others, as long as it has them, from all of its parts.

    >>> fair_shares([374, 2000, 10_000], limit=3_000)
    [374, 1313, 1313]
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from contracts.errors import InvalidInput
from models.evaluation.agreement import LabelledPart
from models.evaluation.parity_texts import labelled_texts
from models.evaluation.rows import Fields, Rows, label_field, read_labelled
from models.evaluation.tasks import Question, Renaming, ask
from models.protocols import TextInput, TextScorer


class DataFile(NamedTuple):
    """Hold a file's path, the task that its labels belong to (None: they are not read), and its records."""

    path: Path
    task: str | None
    records: Sequence[Mapping[str, Any]]


class Reading(NamedTuple):
    """Say how labels are read: their field (None: found by itself), and what a file's names of labels stand for."""

    field: str | None = None
    renamed: Renaming = MappingProxyType({})


BY_ITSELF = Reading()


class ComparisonTexts(NamedTuple):
    """Hold the texts, how many of each file, and where labelled ones stand."""

    inputs: list[TextInput]
    files: dict[str, int]
    parts: list[LabelledPart]


class _Choice(NamedTuple):
    """Hold the texts of a file that may be chosen; of labelled ones question, true classes, and names renamed."""

    inputs: list[TextInput]
    question: Question | None
    true: list[int]
    renamed: frozenset[str] = frozenset()


def choose_texts(
    files: Sequence[DataFile], scorer: TextScorer, *, limit: int, reading: Reading = BY_ITSELF
) -> ComparisonTexts:
    """Return at most `limit` texts.

    `reading` holds for every file with a task; some of them may lack a label that it renames. Raises `InvalidInput`
    for a file without texts, a task without a head, or a `reading` that fits no file.
    """
    choices = [_choice(file, scorer, reading=reading) for file in files]
    _check_reading(reading, choices)
    shares = fair_shares([len(choice.inputs) for choice in choices], limit=limit)
    inputs: list[TextInput] = []
    parts = []
    for file, choice, share in zip(files, choices, shares, strict=True):
        rows = [at * len(choice.inputs) // share for at in range(share)]
        if choice.question is not None and share:
            true = np.array([choice.true[row] for row in rows], np.int64)
            parts.append(LabelledPart(_name(file), choice.question, len(inputs), true))
        inputs += [choice.inputs[row] for row in rows]
    counts = {_name(file): share for file, share in zip(files, shares, strict=True)}
    return ComparisonTexts(inputs, counts, parts)


def fair_shares(sizes: Sequence[int], *, limit: int) -> list[int]:
    """Return how many of each to take: `limit` in all where there are as many, the same of each that has so many."""
    shares = [0] * len(sizes)
    left = limit
    for done, at in enumerate(sorted(range(len(sizes)), key=sizes.__getitem__)):
        shares[at] = min(sizes[at], left // (len(sizes) - done))
        left -= shares[at]
    return shares


def _choice(file: DataFile, scorer: TextScorer, *, reading: Reading) -> _Choice:
    try:
        if file.task is None:
            chosen = labelled_texts(file.records, {}, fields={}, count=max(len(file.records), 1))
            return _Choice(chosen.inputs, None, [])
        field = reading.field or label_field(file.records, file.task)
        rows = read_labelled(file.records, Fields(field))
        names = {row.label for row in rows.texts}
        renamed = {name: ours for name, ours in reading.renamed.items() if name in names}
        question = ask(scorer, file.task, rows=rows, renamed=renamed)
    except InvalidInput as error:
        raise InvalidInput(f"{file.path}: {error}") from error
    return _judged(rows, question)._replace(renamed=frozenset(renamed))


def _judged(rows: Rows, question: Question) -> _Choice:
    judged = [row for row in rows.texts if row.label in question.sets.positions]
    true = [question.sets.positions[row.label] for row in judged]
    return _Choice([row.item for row in judged], question, true)


def _check_reading(reading: Reading, choices: Sequence[_Choice]) -> None:
    if reading != BY_ITSELF and all(choice.question is None for choice in choices):
        raise InvalidInput(
            "--field and --map say how labels are read, and no file names a task: expected TASK=FILE or --head TASK"
        )
    if unknown := reading.renamed.keys() - frozenset().union(*(each.renamed for each in choices)):
        names = ", ".join(map(repr, sorted(unknown)))
        raise InvalidInput(f"--map names {names}, which no row of any file has")


def _name(file: DataFile) -> str:
    """Return the last two parts of the path: data sets often call their files alike."""
    return "/".join(file.path.parts[-2:])
