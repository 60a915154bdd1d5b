"""Judge one head of a scorer on labelled texts.

In: a started `TextScorer` and `Rows`. Out: an `Evaluation`. Knows no engine; imports contracts, models.protocols and
models.evaluation.

The head answers among the classes of the file alone: a class's share is the sum of the head's probabilities of its
labels, over the sum of all classes, and the guess is the class with the largest share.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from contracts.errors import InvalidInput
from contracts.scores import HeadScore
from models.evaluation.figures import Numbers, Positions, accuracy, calibration_error, macro_f1
from models.evaluation.label_names import HEAD_OF_TASK, NAMES, plain_name
from models.evaluation.label_sets import LabelSets, label_sets
from models.evaluation.printable import printable
from models.evaluation.report import Evaluation, LanguageSummary, Mistake, OutOfScope
from models.evaluation.rows import LabelledText, Rows
from models.evaluation.summary import normalised, rounded, summarise
from models.protocols import TextScorer, TextScores

BATCH_TEXTS = 500
Renaming = Mapping[str, tuple[str, ...]]
# Names for texts that no label fits; a head with an own label for them is judged on it instead.
OUT_OF_SCOPE = frozenset({"oos", "ood", "out_of_scope", "out_of_domain"})


class Question(NamedTuple):
    """Hold what a file asks of a head: whose names are read (`table`), the head's labels, the classes."""

    task: str
    head: str
    table: str
    labels: tuple[str, ...]
    sets: LabelSets


class Judgement(NamedTuple):
    """Hold the judged rows: texts, true classes, each class's share [rows, classes], answers and languages."""

    texts: list[LabelledText]
    true: Positions
    shares: Numbers
    answers: list[HeadScore]
    langs: list[str]


def head_of(scorer: TextScorer, task: str, *, head: str | None = None) -> str:
    """Return the head that answers `task`: `head` where it is given, else that of the task's name.

    Raises `InvalidInput` when the scorer has none of that name.
    """
    if head is None and task not in scorer.labels:
        head = HEAD_OF_TASK.get(task)
    name = head or task
    if name not in scorer.labels:
        raise InvalidInput(
            f"{scorer.model_name} has no head {name!r}; it has {', '.join(scorer.labels) or 'none'}"
            + ("" if head else ": name one with --head")
        )
    return name


def ask(
    scorer: TextScorer, task: str, *, rows: Rows, renamed: Renaming, head: str | None = None
) -> Question:
    """Return what the file asks: its labels by the task's table of names, or the head's where the task has none.

    Raises `InvalidInput` when there is no such head, or fewer than two classes can be told apart.
    """
    chosen = head_of(scorer, task, head=head)
    labels = scorer.labels[chosen]
    known = (kind for kind in (task, chosen) if HEAD_OF_TASK.get(kind, kind) in NAMES)
    table = next(known, chosen)
    outside = _out_of_scope_names(rows, labels)
    names = [row.label for row in rows.texts if row.label not in outside]
    sets = label_sets(table, labels, names=names, renamed=renamed)
    if len(sets.classes) < 2:
        counts = Counter(names).most_common(20)
        found = ", ".join(f"{printable(name)} ({count})" for name, count in counts)
        one = f"one class alone, {printable(sets.classes[0].name)}," if sets.classes else "no class"
        raise InvalidInput(
            f"the file has {one} of head {chosen}: its labels are {found or 'none'}; the head's are "
            f"{', '.join(labels)}; say which is which with --map THEIRS=OURS"
        )
    return Question(task, chosen, table, labels, sets)


def positions_for(question: Question, rows: Rows, *, renamed: Renaming) -> dict[str, int]:
    """Return the class asked for of each label in another file, one to train a yardstick on.

    A label is that of the same name, else the class that holds all that it stands for in its own file.
    """
    names = {row.label for row in rows.texts}
    mine = {name: ours for name, ours in renamed.items() if name in names}
    own = label_sets(question.table, question.labels, names=names, renamed=mine)
    found = {
        name: position
        for name, at in own.positions.items()
        for position, each in enumerate(question.sets.classes)
        if set(own.classes[at].ours) <= set(each.ours)
    }
    return found | {name: at for name, at in question.sets.positions.items() if name in names}


def evaluate(scorer: TextScorer, question: Question, *, rows: Rows) -> tuple[Evaluation, Judgement]:
    """Score the rows that have a class and those out of scope; return the figures, and what they were made from."""
    task, head, _, labels, sets = question
    outside = _out_of_scope_names(rows, labels)
    judged = [row for row in rows.texts if row.label in sets.positions]
    beyond = [row for row in rows.texts if row.label in outside]
    begin = time.perf_counter()
    scores = _scored(scorer, [*judged, *beyond])
    seconds = time.perf_counter() - begin
    inside, others = scores[: len(judged)], scores[len(judged) :]
    judgement = _judgement(judged, inside, head=head, sets=sets)
    figures = summarise(
        judgement.true, judgement.shares, names=[each.name for each in sets.classes]
    )
    answered, answered_accuracy, open_accuracy = _answering(judgement, sets)
    left_out = Counter(row.label for row in rows.texts if row.label in sets.left_out)
    reasons = rows.skipped.copy()
    for label, count in left_out.items():
        reasons[sets.left_out[label]] += count
    evaluation = Evaluation(
        **{name: getattr(figures, name) for name in figures.__struct_fields__},
        task=task,
        head=head,
        model_name=scorer.model_name,
        model_version=scorer.model_version,
        engine=scorer.engine,
        skipped=reasons.total(),
        skipped_by_reason=dict(reasons.most_common()),
        unmapped=dict(left_out.most_common()),
        answered=answered,
        answered_accuracy=answered_accuracy,
        open_accuracy=open_accuracy,
        classes=sets.classes,
        per_language=_by_language(judgement),
        texts_per_second=round(len(scores) / max(seconds, 1e-9), 1),
        out_of_scope=_beyond([answer.heads[head] for answer in others], judgement),
    )
    return evaluation, judgement


def mistakes(judgement: Judgement, sets: LabelSets, *, limit: int) -> tuple[Mistake, ...]:
    """Return the `limit` wrong guesses with the largest shares, the surest first."""
    guessed, confidence = judgement.shares.argmax(1), judgement.shares.max(1)
    wrong = np.flatnonzero(guessed != judgement.true)
    surest = wrong[np.argsort(-confidence[wrong], kind="stable")[:limit]]
    return tuple(
        Mistake(
            text=judgement.texts[at].item.text or judgement.texts[at].item.title,
            true=sets.classes[judgement.true[at]].name,
            guessed=sets.classes[guessed[at]].name,
            confidence=rounded(confidence[at]),
        )
        for at in surest
    )


def _out_of_scope_names(rows: Rows, labels: Sequence[str]) -> set[str]:
    own = {plain_name(label) for label in labels}
    names = {row.label for row in rows.texts}
    return {name for name in names if plain_name(name) in OUT_OF_SCOPE - own}


def _scored(scorer: TextScorer, rows: Sequence[LabelledText]) -> list[TextScores]:
    items = [row.item for row in rows]
    parts = (items[at : at + BATCH_TEXTS] for at in range(0, len(items), BATCH_TEXTS))
    return [answer for part in parts for answer in scorer.score_batch(part)]


def _judgement(
    rows: list[LabelledText], scores: Sequence[TextScores], *, head: str, sets: LabelSets
) -> Judgement:
    answers = [score.heads[head] for score in scores]
    sums = np.array([_sums(answer, sets) for answer in answers], np.float64)
    langs = [
        row.lang.replace("_", "-").split("-")[0].lower() if row.lang else score.lang
        for row, score in zip(rows, scores, strict=True)
    ]
    true = np.array([sets.positions[row.label] for row in rows], np.int64)
    return Judgement(rows, true, normalised(sums), answers, langs)


def _sums(answer: HeadScore, sets: LabelSets) -> list[float]:
    chances = answer.probabilities or {answer.label: answer.probability}
    return [sum(chances.get(label, 0.0) for label in each.ours) for each in sets.classes]


def _is_answered(answers: Sequence[HeadScore]) -> npt.NDArray[np.bool_]:
    return np.array([not answer.abstained for answer in answers], np.bool_)


def _answering(judgement: Judgement, sets: LabelSets) -> tuple[float, float, float]:
    guessed, answered = judgement.shares.argmax(1), _is_answered(judgement.answers)
    meant = [
        answer.label in sets.classes[true].ours
        for answer, true in zip(judgement.answers, judgement.true, strict=True)
    ]
    right = accuracy(judgement.true[answered], guessed[answered])
    return rounded(answered.mean()), rounded(right), rounded(float(np.mean(meant)))


def _beyond(answers: Sequence[HeadScore], judgement: Judgement) -> OutOfScope | None:
    if not answers:
        return None
    is_right = (judgement.shares.argmax(1) == judgement.true) & _is_answered(judgement.answers)
    abstained = rounded(1 - float(_is_answered(answers).mean()))
    return OutOfScope(len(answers), abstained, rounded(float(is_right.mean())))


def _by_language(judgement: Judgement) -> dict[str, LanguageSummary]:
    counts = Counter(judgement.langs)
    if len(counts) < 2:
        return {}
    langs, answered = np.array(judgement.langs), _is_answered(judgement.answers)
    guessed, confidence = judgement.shares.argmax(1), judgement.shares.max(1)
    summaries = {}
    for lang, count in counts.most_common():
        at = np.flatnonzero(langs == lang)
        true, guess = judgement.true[at], guessed[at]
        summaries[lang] = LanguageSummary(
            n=count,
            accuracy=rounded(accuracy(true, guess)),
            macro_f1=rounded(macro_f1(true, guess)),
            ece=rounded(calibration_error(true == guess, confidence[at])),
            answered=rounded(float(answered[at].mean())),
        )
    return summaries
