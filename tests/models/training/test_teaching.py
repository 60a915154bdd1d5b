"""What teachers say: of what it learnt, a teacher says nothing; of the rest all speak."""

from pathlib import Path

import numpy as np
import pytest

from contracts.errors import InvalidInput
from models.training.corpus import NO_LABELS, Columns
from models.training.teaching import fold_of, soft_labels, teaching_of
from tests.models.training.made_corpus import made_corpus
from tests.models.training.tiny import tiny_config

COLUMNS = Columns({"sentiment": ("negative", "neutral", "positive"), "kind": ("x",)})
# Two teachers' answers of every row: one is always sure of negative, one of positive.
SURE = np.log(np.array([[0.9, 0.05, 0.05], [0.05, 0.05, 0.9]], np.float32)).astype(np.float16)


def test_rows_of_a_text_are_of_one_part() -> None:
    corpus = made_corpus([[4]] * 40, text=[*range(40), *range(40)])
    parts = fold_of(corpus, folds=4)
    assert parts[:40].tolist() == parts[40:].tolist()
    assert set(parts) == {0, 1, 2, 3}


def test_the_one_teacher_that_did_not_learn_a_text_speaks_of_it() -> None:
    # Given texts with a label in training, in development, for a helper alone, and none
    corpus = made_corpus(
        [[4]] * 40,
        targets=[[1, 0, 0, 0], [0, 0, 0, 1]],
        head=[0] * 10 + [0] * 10 + [1] * 10 + [NO_LABELS] * 10,
        label_set=[0] * 20 + [1] * 10 + [NO_LABELS] * 10,
        is_dev=[False] * 10 + [True] * 10 + [False] * 20,
    )
    answers = [np.repeat(SURE[at : at + 1], 40, axis=0) for at in (0, 1)]
    soft = soft_labels(answers, corpus, columns=COLUMNS, config=tiny_config())
    # Then of the first ten the teacher of their part speaks, of all others both
    probabilities = np.exp(soft.astype(np.float32))
    unseen = fold_of(corpus, folds=2)[:10]
    assert set(unseen) == {0, 1}
    wanted = np.exp(SURE.astype(np.float32))[unseen]
    assert probabilities[:10] == pytest.approx(wanted, abs=2e-3)
    both = np.repeat([[0.475, 0.05, 0.475]], 30, axis=0)
    assert probabilities[10:] == pytest.approx(both, abs=2e-3)


def test_a_text_learnt_in_one_row_is_learnt_in_all_its_rows() -> None:
    corpus = made_corpus(
        [[4]],
        text=[0, 0],
        targets=[[1, 0, 0, 0], [0, 0, 0, 1]],
        head=[0, 1],
        label_set=[0, 1],
    )
    answers = [np.repeat(SURE[at : at + 1], 2, axis=0) for at in (0, 1)]
    soft = soft_labels(answers, corpus, columns=COLUMNS, config=tiny_config())
    assert soft[0].tolist() == soft[1].tolist()


def test_a_stage_that_is_not_done_is_named(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    with pytest.raises(InvalidInput, match=r"vectors\.npy is missing: run the stage"):
        teaching_of(tmp_path, tiny_config(), teachers=())
