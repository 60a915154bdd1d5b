"""Say how far the answers of one engine are those of another, head by head.

In: scores of the same texts by a reference and by an engine, files with labels. Out: an `EngineAgreement`. Pure;
imports contracts, msgspec, numpy, models.protocols, models.evaluation and a limit of models.engines.certificate.

    agreement = texts with the same label / texts; differences are of calibrated probabilities, over texts and labels
    F1 change = macro-F1 of the engine - macro-F1 of the reference, each among the classes of a file, mean over files

Agreement has two readings: over all texts, and over those on which the reference does not abstain; each has a list of
its own of heads below 99.5 %. Vectors are compared as they are served, int8.
"""

from collections.abc import Sequence
from statistics import mean
from typing import NamedTuple

import msgspec
import numpy as np

from contracts.scores import HeadScore
from models.engines.certificate import LEAST_AGREEMENT
from models.evaluation.figures import Numbers, Positions, macro_f1
from models.evaluation.tasks import Question
from models.protocols import TextScores

DIGITS = 5


class LabelledPart(NamedTuple):
    """Hold where the rows of one labelled file stand among the texts, and the true class of each."""

    name: str
    question: Question
    first: int
    true: Positions


class FileF1(msgspec.Struct, frozen=True):
    """Hold the macro-F1 of an engine and of the reference on the `n` rows of one file, both 0...1."""

    file: str
    n: int
    f1: float
    reference_f1: float


class HeadAgreement(msgspec.Struct, frozen=True):
    """Hold how one head agrees. `answered` is the share of texts on which the reference does not abstain.

    `answered_agreement` is None where it abstains on all. `f1` and `f1_change` are means over `files`, None without
    labelled ones.
    """

    agreement: float
    answered: float
    answered_agreement: float | None
    largest_difference: float
    mean_difference: float
    f1: float | None
    f1_change: float | None
    files: tuple[FileF1, ...]


class EngineAgreement(msgspec.Struct, frozen=True):
    """Hold how one engine agrees, head by head, and the cosine of its vectors to the reference's."""

    engine: str
    heads: dict[str, HeadAgreement]
    mean_cosine: float
    least_cosine: float
    texts_per_second: float


class Comparison(msgspec.Struct, frozen=True):
    """Hold what was compared on which texts, and why an engine is not among them.

    The last two name as `engine/head` what has another label than the reference in more than 0.5 % of all texts, and of
    those that the reference does not abstain on.
    """

    model_name: str
    model_version: str
    reference: str
    texts: int
    files: dict[str, int]
    engines: list[EngineAgreement]
    not_run: dict[str, str]
    below_99_5: list[str]
    answered_below_99_5: list[str]


def agreement_of(
    engine: str,
    reference: Sequence[TextScores],
    *,
    found: Sequence[TextScores],
    parts: Sequence[LabelledPart],
    seconds: float,
) -> EngineAgreement:
    """Return how far `found`, which took `seconds`, is what the reference says of the same texts, in the same order."""
    cosines = _cosines(reference, found)
    return EngineAgreement(
        engine=engine,
        heads={
            head: head_agreement(
                [score.heads[head] for score in reference],
                [score.heads[head] for score in found],
                parts=[part for part in parts if part.question.head == head],
            )
            for head in reference[0].heads
        },
        mean_cosine=_rounded(cosines.mean()),
        least_cosine=_rounded(cosines.min()),
        texts_per_second=round(len(found) / max(seconds, 1e-9), 1),
    )


def below(engines: Sequence[EngineAgreement], *, answered: bool = False) -> list[str]:
    """Return as `engine/head` which heads agree in less than 99.5 %: of all texts, or of the answered ones."""
    return [
        f"{each.engine}/{head}"
        for each in engines
        for head, found in each.heads.items()
        if is_below(found.answered_agreement if answered else found.agreement)
    ]


def is_below(agreement: float | None) -> bool:
    """Return whether an agreement is below 99.5 %; None, of no texts, is not.

    >>> is_below(0.9949), is_below(0.995), is_below(None)
    (True, False, False)
    """
    return agreement is not None and agreement < LEAST_AGREEMENT


def head_agreement(
    reference: Sequence[HeadScore], found: Sequence[HeadScore], *, parts: Sequence[LabelledPart]
) -> HeadAgreement:
    """Return how far two engines' answers of one head are the same.

    >>> sure = HeadScore("joy", 0.9, False, {"joy": 0.9, "fear": 0.1})
    >>> torn = HeadScore("joy", 0.51, True, {"joy": 0.51, "fear": 0.49})
    >>> other = HeadScore("fear", 0.52, True, {"joy": 0.48, "fear": 0.52})
    >>> both = head_agreement([sure, torn], [sure, other], parts=[])
    >>> both.agreement, both.answered, both.answered_agreement, both.largest_difference
    (0.5, 0.5, 1.0, 0.03)
    """
    same = np.array([a.label == b.label for a, b in zip(reference, found, strict=True)])
    answered = np.array([not score.abstained for score in reference])
    differences = np.abs(_probabilities(reference) - _probabilities(found))
    files = tuple(_file_f1(part, reference, found=found) for part in parts)
    return HeadAgreement(
        agreement=_rounded(same.mean()),
        answered=_rounded(answered.mean()),
        answered_agreement=_rounded(same[answered].mean()) if answered.any() else None,
        largest_difference=_rounded(differences.max()),
        mean_difference=_rounded(differences.mean()),
        f1=_rounded(mean(each.f1 for each in files)) if files else None,
        f1_change=_rounded(mean(each.f1 - each.reference_f1 for each in files)) if files else None,
        files=files,
    )


def _file_f1(
    part: LabelledPart, reference: Sequence[HeadScore], *, found: Sequence[HeadScore]
) -> FileF1:
    end = part.first + len(part.true)
    ours, theirs = (
        macro_f1(part.true, _guesses(scores[part.first : end], part.question))
        for scores in (found, reference)
    )
    return FileF1(part.name, len(part.true), _rounded(ours), _rounded(theirs))


def _guesses(scores: Sequence[HeadScore], question: Question) -> Positions:
    """Return the class with the largest sum of its labels' probabilities, row by row."""
    at = {label: place for place, label in enumerate(question.labels)}
    chances = _probabilities(scores, question.labels)
    sums = [chances[:, [at[label] for label in each.ours]].sum(1) for each in question.sets.classes]
    guesses: Positions = np.stack(sums, axis=1).argmax(1)
    return guesses


def _probabilities(scores: Sequence[HeadScore], labels: Sequence[str] = ()) -> Numbers:
    """Return the calibrated probabilities [rows, labels], labels in the first score's order unless they are given."""
    names = list(labels) or list(scores[0].probabilities or {})
    return np.array(
        [[(score.probabilities or {}).get(name, 0.0) for name in names] for score in scores]
    )


def _cosines(reference: Sequence[TextScores], found: Sequence[TextScores]) -> Numbers:
    """Return the cosine of each text's two vectors, of texts where both have one; 1 where none has."""
    pairs = [(a.vector, b.vector) for a, b in zip(reference, found, strict=True)]
    both = [(a, b) for a, b in pairs if a and b]
    if not both:
        return np.ones(1)
    x, y = (
        np.array([np.frombuffer(pair[side], np.int8) for pair in both], np.float64)
        for side in (0, 1)
    )
    cosines: Numbers = (x * y).sum(1) / (np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1))
    return cosines


def _rounded(value: float) -> float:
    return round(float(value), DIGITS)
