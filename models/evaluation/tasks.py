"""Judge one head of a scorer on a labelled file.

In: a started `TextScorer`, records with a text and a label. Out: an `Evaluation`. Knows no engine; imports contracts,
models.protocols and models.evaluation.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec
import numpy as np

from contracts.errors import InvalidInput
from contracts.scores import HeadScore
from models.evaluation.figures import accuracy, calibration_error, macro_f1, macro_recall
from models.protocols import TextInput, TextScorer

BATCH_TEXTS = 500


class Evaluation(msgspec.Struct, frozen=True):
    """Hold the figures of one head on one file, shares in 0...1.

    `accuracy`, `macro_f1` and `macro_recall` choose among the labels that the file has; `open_accuracy` among all
    of the head. `answered` is the share that does not abstain. `skipped` rows have no label of the head.
    """

    task: str
    model_name: str
    model_version: str
    rows: int
    skipped: int
    accuracy: float
    macro_f1: float
    macro_recall: float
    open_accuracy: float
    answered: float
    answered_accuracy: float
    calibration_error: float


def evaluate(
    scorer: TextScorer,
    task: str,
    *,
    records: Iterable[Mapping[str, Any]],
    field: str,
    mapping: Mapping[str, str],
) -> Evaluation:
    """Score the records' `text` (and `title`, `lang`) and compare with `field`, renamed by `mapping`.

    Raises `InvalidInput` when the scorer has no such head or no row can be judged.
    """
    if task not in scorer.labels:
        raise InvalidInput(
            f"{scorer.model_name} has no head {task!r}; it has {', '.join(scorer.labels) or 'none'}"
        )
    labels = scorer.labels[task]
    texts, true, skipped = _judgeable(records, field=field, mapping=mapping, labels=labels)
    if not texts:
        raise InvalidInput(
            f"no row has a label of {task} in {field!r}: expected one of {', '.join(labels)}"
        )
    answers = [
        answer
        for part in _parts(texts)
        for answer in (s.heads[task] for s in scorer.score_batch(part))
    ]
    return _figures(scorer, task, true=np.array(true), answers=answers, skipped=skipped)


def _judgeable(
    records: Iterable[Mapping[str, Any]],
    *,
    field: str,
    mapping: Mapping[str, str],
    labels: Sequence[str],
) -> tuple[list[TextInput], list[int], int]:
    texts, true, skipped = [], [], 0
    for record in records:
        value = record.get(field)
        name = mapping.get(value, value) if isinstance(value, str) else None
        if name not in labels:
            skipped += 1
            continue
        text, title = str(record.get("text", "")), str(record.get("title") or "")
        texts.append(TextInput(text=text, title=title, lang_hint=record.get("lang")))
        true.append(labels.index(name))
    return texts, true, skipped


def _parts(texts: Sequence[TextInput]) -> Iterable[list[TextInput]]:
    remaining = iter(texts)
    while part := list(islice(remaining, BATCH_TEXTS)):
        yield part


def _figures(
    scorer: TextScorer, task: str, *, true: Any, answers: Sequence[HeadScore], skipped: int
) -> Evaluation:
    labels = scorer.labels[task]
    table = np.array(
        [[(answer.probabilities or {}).get(label, 0.0) for label in labels] for answer in answers]
    )
    known = np.isin(np.arange(len(labels)), true)
    guessed, best = np.where(known, table, -1.0).argmax(1), table.argmax(1)
    is_answered = np.array([not answer.abstained for answer in answers])
    numbers = {
        "accuracy": accuracy(true, guessed),
        "macro_f1": macro_f1(true, guessed),
        "macro_recall": macro_recall(true, guessed),
        "open_accuracy": accuracy(true, best),
        "answered": float(is_answered.mean()),
        "answered_accuracy": accuracy(true[is_answered], best[is_answered]),
        "calibration_error": calibration_error(true == best, table.max(1)),
    }
    rounded = {name: round(value, 4) for name, value in numbers.items()}
    return Evaluation(
        task=task,
        model_name=scorer.model_name,
        model_version=scorer.model_version,
        rows=len(true),
        skipped=skipped,
        **rounded,
    )
