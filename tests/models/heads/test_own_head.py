"""What every `TextHead` keeps, kept by a user's head: order, length, any text, the same answer alone or not."""

import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from contracts.errors import ModelInvalid
from models.heads.head import OwnHead
from models.protocols import HeadInputs, TextHead
from tests.models.heads.making import LABELS, LINES, WIDTH, inputs_of, make_head


@pytest.fixture
def head(tmp_path: Path) -> Iterator[OwnHead]:
    head = OwnHead(make_head(tmp_path))
    head.start()
    yield head
    head.close()


def test_it_is_a_text_head_with_a_name_labels_and_a_version(head: OwnHead) -> None:
    assert isinstance(head, TextHead)
    assert head.name == "support-intents"
    assert head.labels == LABELS
    assert len(head.version) == 16


def test_one_answer_for_each_text_in_order_whatever_stands_beside_it(head: OwnHead) -> None:
    together = head.score_batch(inputs_of(LINES))
    backwards = head.score_batch(inputs_of(LINES[::-1]))[::-1]
    alone = [head.score_batch(inputs_of([line]))[0] for line in LINES]
    for one, two, three in zip(together, backwards, alone, strict=True):
        assert one.label == two.label == three.label
        assert one.abstained == two.abstained == three.abstained
        assert one.probabilities is not None
        assert three.probabilities is not None
        for label, probability in one.probabilities.items():
            assert probability == pytest.approx(three.probabilities[label], abs=1e-5)


def test_no_texts_have_no_answers(head: OwnHead) -> None:
    assert head.score_batch(inputs_of([])) == []


def test_probabilities_cover_every_label_and_add_up(head: OwnHead) -> None:
    for score in head.score_batch(inputs_of(LINES)):
        assert score.probabilities is not None
        assert tuple(score.probabilities) == LABELS
        assert math.isclose(sum(score.probabilities.values()), 1, abs_tol=1e-4)
        assert score.probability == score.probabilities[score.label]
        assert score.probability == max(score.probabilities.values())


def test_an_empty_text_abstains(head: OwnHead) -> None:
    assert [s.abstained for s in head.score_batch(inputs_of(["", "  "]))] == [True, True]


def test_it_abstains_in_a_language_that_it_was_not_taught(head: OwnHead) -> None:
    given = inputs_of(["my card is gone"] * 3)
    asked = HeadInputs(
        given.inputs, given.lines, ["en", "zh", "other"], given.pooled, given.embedding
    )
    assert [score.abstained for score in head.score_batch(asked)] == [False, True, False]


@pytest.mark.parametrize(("limit", "abstains"), [(0.0, True), (1.0, False)])
def test_it_abstains_above_its_limit_of_entropy(
    tmp_path: Path, limit: float, abstains: bool
) -> None:
    head = OwnHead(make_head(tmp_path, entropy_limit=limit))
    head.start()
    assert head.score_batch(inputs_of(["my card is gone"]))[0].abstained is abstains


def test_before_start_and_after_close_it_says_so(tmp_path: Path) -> None:
    head = OwnHead(make_head(tmp_path))
    with pytest.raises(ModelInvalid, match=r"asked before start\(\)"):
        head.score_batch(inputs_of(["x"]))
    head.start()
    head.close()
    head.close()
    with pytest.raises(ModelInvalid, match=r"or after close\(\)"):
        head.score_batch(inputs_of(["x"]))


def test_vectors_that_do_not_fit_are_refused(head: OwnHead) -> None:
    def batch(vectors: np.ndarray) -> HeadInputs:
        given = inputs_of(["x"])
        return HeadInputs(given.inputs, given.lines, given.langs, vectors, given.embedding)

    with pytest.raises(
        ModelInvalid, match=r"width 6, the encoder gave \(1, 5\): fit the head again"
    ):
        head.score_batch(batch(np.zeros((1, WIDTH - 1), np.float32)))
    with pytest.raises(ModelInvalid, match="not finite"):
        head.score_batch(batch(np.full((1, WIDTH), np.nan, np.float32)))


def test_serving_needs_neither_torch_nor_scikit_learn() -> None:
    script = (
        "import sys, models.heads.head, models.heads.shelf, models.registry\n"
        "print(*sorted({'torch', 'transformers', 'sklearn', 'scipy'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []
