"""How far two engines agree: labels, probabilities, F1 on labelled files, vectors."""

import numpy as np
import pytest

from contracts.scores import HeadScore
from models.evaluation.agreement import LabelledPart, agreement_of, below, head_agreement
from models.evaluation.label_sets import label_sets
from models.evaluation.tasks import Question
from models.protocols import TextScores

LABELS = ("anger", "joy")
SETS = label_sets("emotion", LABELS, names=["anger", "happy"], renamed={})
QUESTION = Question("emotion", "emotion", "emotion", LABELS, SETS)


def score(joy: float, *, abstained: bool = False) -> HeadScore:
    label = "joy" if joy > 0.5 else "anger"
    return HeadScore(label, max(joy, 1 - joy), abstained, {"anger": round(1 - joy, 6), "joy": joy})


def text_scores(joys: list[float], vectors: list[bytes]) -> list[TextScores]:
    return [
        TextScores("en", 1.0, {"emotion": score(joy)}, vector=vector)
        for joy, vector in zip(joys, vectors, strict=True)
    ]


def vector(*numbers: int) -> bytes:
    return np.array(numbers, np.int8).tobytes()


def test_labels_and_probabilities_are_compared_text_by_text() -> None:
    reference = [score(0.9), score(0.2), score(0.55, abstained=True), score(0.6)]
    found = [score(0.8), score(0.2), score(0.45, abstained=True), score(0.6)]
    both = head_agreement(reference, found, parts=[])
    assert (both.agreement, both.answered, both.answered_agreement) == (0.75, 0.75, 1.0)
    assert both.largest_difference == pytest.approx(0.1)
    assert both.mean_difference == pytest.approx(0.05)
    assert (both.f1, both.f1_change, both.files) == (None, None, ())


def test_of_a_head_that_always_abstains_nothing_is_said_where_it_answers() -> None:
    torn = [score(0.55, abstained=True)]
    both = head_agreement(torn, torn, parts=[])
    assert (both.answered, both.answered_agreement) == (0.0, None)


def test_what_agrees_too_seldom_is_named_by_both_readings() -> None:
    # Given four texts, one of which gets another label while the reference abstains on it, and one without
    torn = TextScores("en", 1.0, {"emotion": score(0.55, abstained=True)})
    sure = TextScores("en", 1.0, {"emotion": score(0.9)})
    other = TextScores("en", 1.0, {"emotion": score(0.45)})
    found = [
        agreement_of(name, [sure, torn], found=answers, parts=[], seconds=1.0)
        for name, answers in (("ort", [sure, other]), ("pytorch", [sure, torn]))
    ]
    # Then the engine is below over all texts, and not over the answered ones
    assert below(found) == ["ort/emotion"]
    assert below(found, answered=True) == []
    # When the answered one differs too, it is below by both readings
    poor = agreement_of("ort", [sure, torn], found=[other, torn], parts=[], seconds=1.0)
    assert below([poor], answered=True) == ["ort/emotion"]


def test_f1_is_that_of_each_labelled_file_and_their_mean() -> None:
    # Given one text without a label and two files: the engine errs once, in the second
    reference = [score(0.5), score(0.9), score(0.1), score(0.9), score(0.1)]
    found = [score(0.9), score(0.9), score(0.1), score(0.9), score(0.6)]
    anger, joy = SETS.positions["anger"], SETS.positions["happy"]
    parts = [
        LabelledPart(name, QUESTION, first, np.array([joy, anger]))
        for name, first in (("one", 1), ("two", 3))
    ]
    # When they are compared
    both = head_agreement(reference, found, parts=parts)
    # Then the reference is right everywhere, and the change is the mean of none and of what the error cost
    assert [each.reference_f1 for each in both.files] == [1.0, 1.0]
    assert [each.f1 for each in both.files] == [1.0, pytest.approx(1 / 3, abs=1e-5)]
    assert both.f1 == pytest.approx(2 / 3, abs=1e-5)
    assert both.f1_change == pytest.approx(-1 / 3, abs=1e-5)


def test_vectors_are_compared_where_both_have_one() -> None:
    reference = text_scores([0.9, 0.9, 0.9], [vector(100, 0), vector(100, 0), b""])
    found = text_scores([0.9, 0.9, 0.9], [vector(100, 0), vector(60, 80), b""])
    whole = agreement_of("ort", reference, found=found, parts=[], seconds=1.5)
    assert (whole.engine, whole.texts_per_second) == ("ort", 2.0)
    assert (whole.mean_cosine, whole.least_cosine) == (0.8, 0.6)
    assert whole.heads["emotion"].agreement == 1.0
    bare = text_scores([0.9], [b""])
    assert agreement_of("ort", bare, found=bare, parts=[], seconds=1).least_cosine == 1.0
