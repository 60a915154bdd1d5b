"""A certificate says what was compared, and refuses by numbers: 99.5 % of labels, half a point of macro-F1."""

from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest

from contracts.errors import InvalidInput
from contracts.scores import HeadScore, Span
from models.engines.certificate import (
    Certificate,
    HeadParity,
    Parity,
    compare,
    misfits,
    objections,
    unjudged,
)
from models.protocols import TextScores

NOW = datetime(2026, 11, 27, tzinfo=UTC)
VECTOR = np.array([127, 0, 3], np.int8).tobytes()
GOOD = Parity(1_000, {"emotion": HeadParity(0.996, 0.01)}, 0.9996, 1.0)


def score(label: str, chance: float = 0.75, *, vector: bytes = VECTOR, at: int = 0) -> TextScores:
    """Return one text's scores of the head `irony`, with its strongest span at a place."""
    other = "none" if label == "irony" else "irony"
    answer = HeadScore(label, chance, False, {label: chance, other: 1 - chance})
    span = Span(start=at, end=at + 2, label="joy", weight=0.5)
    return TextScores("en", 1.0, {"irony": answer}, vector=vector, emotion_spans=(span,))


def test_equal_answers_agree_in_everything() -> None:
    scores = [score("irony"), score("none")]
    parity = compare(scores, scores)
    assert parity == Parity(2, {"irony": HeadParity(1.0, 0.0)}, 1.0, 1.0)


def test_agreement_counts_labels_and_the_difference_is_the_largest() -> None:
    # Given four texts, one of which gets another label
    reference = [score("irony", 0.75), score("irony", 0.51), score("none"), score("none", 0.9)]
    engine = [score("irony", 0.73), score("none", 0.53), score("none"), score("none", 0.9)]
    # Then 3 of 4 agree, and the largest difference is 0.51 - 0.47
    found = compare(reference, engine).heads["irony"]
    assert found.agreement == 0.75
    assert found.largest_difference == pytest.approx(0.04)
    assert (found.labelled, found.reference_f1, found.engine_f1) == (0, None, None)


def test_macro_f1_is_of_the_texts_that_have_a_label() -> None:
    # Given three labelled texts of four: the reference has all right, the engine takes one irony for none
    reference = [score("irony"), score("irony"), score("none"), score("none")]
    engine = [score("irony"), score("none"), score("none"), score("irony")]
    truth = {"irony": ["irony", "irony", "none", None]}
    # When they are compared
    found = compare(reference, engine, truth=truth).heads["irony"]
    # Then the engine's macro-F1 is the mean of 2/3 (irony: 1 hit, 1 missed) and 2/3 (none: 1 hit, 1 too many)
    assert found.labelled == 3
    assert found.reference_f1 == 1.0
    assert found.engine_f1 == pytest.approx(2 / 3, abs=1e-6)


def test_without_labels_it_says_that_macro_f1_was_not_judged() -> None:
    # Given a comparison of two heads, one of which has labels
    judged = HeadParity(1.0, 0.0, labelled=400, reference_f1=0.6, engine_f1=0.6)
    heads = {"emotion": judged, "irony": HeadParity(1.0, 0.0)}
    # Then nothing speaks against it, and words say of which head macro-F1 was not judged
    assert objections(Parity(400, heads, 1.0, 1.0)) == ()
    found = unjudged(Parity(400, heads, 1.0, 1.0))
    assert found == "macro-F1 was not judged of irony: no text had a label of it"
    assert unjudged(Parity(400, {"emotion": judged}, 1.0, 1.0)) == ""


def test_the_worst_vector_and_the_spans_are_told() -> None:
    # Given a vector turned by a right angle, and a span at another place
    reference = [score("irony"), score("irony", at=4)]
    turned = np.array([0, 127, 0], np.int8).tobytes()
    engine = [score("irony", vector=turned), score("irony", at=6)]
    # Then both show
    parity = compare(reference, engine)
    assert parity.least_cosine == 0.0
    assert parity.spans == 0.5


def test_a_vector_that_one_side_lacks_is_as_bad_as_can_be() -> None:
    assert compare([score("irony")], [score("irony", vector=b"")]).least_cosine == -1.0
    nothing = [score("irony", vector=b"")]
    assert compare(nothing, nothing).least_cosine == 1.0


@pytest.mark.parametrize("engine", [[], [score("none")] * 2])
def test_other_numbers_of_texts_are_not_compared(engine: list[TextScores]) -> None:
    with pytest.raises(InvalidInput, match=rf"1 and {len(engine)} scores cannot be compared"):
        compare([score("none")], engine)


def test_a_head_that_the_engine_lacks_is_named() -> None:
    silent = msgspec.structs.replace(score("none"), heads={})
    with pytest.raises(InvalidInput, match="no answer of the head irony"):
        compare([score("none")], [silent])


@pytest.mark.parametrize(
    ("same", "allowed"), [(1_000, True), (995, True), (994, False), (0, False)]
)
def test_a_head_may_differ_in_five_of_a_thousand_texts(same: int, allowed: bool) -> None:
    parity = Parity(1_000, {"emotion": HeadParity(same / 1_000, 0.1)}, 1.0, 1.0)
    assert (objections(parity) == ()) is allowed


@pytest.mark.parametrize(
    ("engine", "allowed"),
    [(0.6, True), (0.595, True), (0.605, True), (0.5949, False), (0.61, False)],
)
def test_macro_f1_may_move_by_half_a_point(engine: float, allowed: bool) -> None:
    head = HeadParity(1.0, 0.0, labelled=500, reference_f1=0.6, engine_f1=engine)
    found = objections(Parity(1_000, {"topic": head}, 1.0, 1.0))
    assert (found == ()) is allowed
    assert all("topic has a macro-F1 of" in words for words in found)


def test_each_objection_names_the_figure_and_the_limit() -> None:
    heads = {"emotion": HeadParity(0.9912, 0.2), "irony": HeadParity(float("nan"), 0.0)}
    found = objections(Parity(399, heads, 0.98, 0.9))
    assert found == (
        "399 texts were compared, expected 400 at least",
        "emotion agrees in 99.12 % of 399 texts, expected 99.5 % at least",
        "irony agrees in nan % of 399 texts, expected 99.5 % at least",
        "a vector has the cosine 0.9800 to the reference's, expected 0.99 at least",
        "the strongest emotion span is the same in 90.00 % of the texts that have one, expected 97 % at least",
    )


def test_a_certificate_is_for_one_plan_on_one_gpu() -> None:
    made = Certificate("name", "ab" * 32, "GPU A", "float32", "texts", GOOD, NOW, {}, "")
    right = {"plan": "name", "plan_sha256": "ab" * 32, "gpu": "GPU A"}
    assert misfits(made, **right) == ()
    assert misfits(made, **right | {"gpu": "GPU B"}) == ("it was made on GPU A, this is GPU B",)
    (words,) = misfits(made, **right | {"plan_sha256": "cd" * 32})
    assert words.startswith("it is for the plan name of sha256 abababababababab")
    poor = msgspec.structs.replace(made, parity=msgspec.structs.replace(GOOD, least_cosine=0.5))
    assert "cosine 0.5000" in misfits(poor, **right)[0]


def test_a_certificate_survives_its_file() -> None:
    made = Certificate("name", "ab" * 32, "GPU A", "float32", "texts", GOOD, NOW, {"a": "1"}, "")
    assert msgspec.json.decode(msgspec.json.encode(made), type=Certificate) == made
