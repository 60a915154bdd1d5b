"""Figures of development rows, as the sources' annotators told them apart."""

from pathlib import Path

import numpy as np
import pytest

from contracts.errors import InvalidInput
from models.training.measuring import (
    judged,
    mean_macro_f1,
    rarest_f1,
    read_scores,
    scores_table,
    write_scores,
)
from tests.models.training.made_corpus import made_corpus


def test_sets_that_do_not_overlap_are_classes_of_the_whole_set() -> None:
    # Given a source that tells a from "b or c"
    corpus = made_corpus([[4]] * 3, targets=[[1, 0, 0, 0], [0, 1, 1, 0]], known=[[1, 1, 1, 0]] * 2)
    logits = np.log(
        np.array([[0.4, 0.3, 0.3, 9.0], [0.7, 0.2, 0.1, 9.0], [0.4, 0.59, 0.01, 9.0]], np.float32)
    )
    true, guessed = judged(logits, np.array([0, 0, 1]), corpus=corpus)
    # Then b and c are added, though a alone is likelier, and the unknown column counts for nothing
    assert true.tolist() == [0, 0, 1]
    assert guessed.tolist() == [1, 0, 1]


def test_where_sets_overlap_rows_with_one_label_are_judged() -> None:
    corpus = made_corpus(
        [[4]] * 3, targets=[[1, 0, 0], [1, 1, 0], [0, 1, 0]], known=[[1, 1, 0]] * 3
    )
    logits = np.array([[1, 2, 9], [5, 0, 9], [0, 1, 9]], np.float32)
    true, guessed = judged(logits, np.array([0, 1, 2]), corpus=corpus)
    assert true.tolist() == [0, 1]
    assert guessed.tolist() == [1, 1]


def test_the_rarest_class_is_told_by_its_true_rows() -> None:
    true, guessed = np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 0])
    assert rarest_f1(true, guessed) == pytest.approx(2 * 1 / (2 + 2))


def test_the_mean_is_over_the_sources_of_the_named_heads() -> None:
    scores = {
        "sentiment/a/x": {"macro_f1": 0.5},
        "sentiment/b/y": {"macro_f1": 0.7},
        "senti/c/z": {"macro_f1": 0.1},
    }
    assert mean_macro_f1(scores, ["sentiment"]) == pytest.approx(0.6)
    assert mean_macro_f1(scores, ["harm"]) == 0.0


def test_a_table_of_scores_names_each_source() -> None:
    scores = {
        "sentiment/a/x": {"rows": 1500, "accuracy": 0.8125, "macro_f1": 0.5},
        "irony/b": {"rows": 20, "accuracy": 1.0, "macro_f1": 0.25},
    }
    assert scores_table(scores).splitlines() == [
        "head/source       rows  accuracy  macro-F1",
        "sentiment/a/x    1,500      81.2      50.0",
        "irony/b             20     100.0      25.0",
    ]


def test_scores_are_read_as_they_were_written(tmp_path: Path) -> None:
    scores = {"sentiment/a/x": {"rows": 3, "macro_f1": 0.5}}
    write_scores(tmp_path / "scores.json", scores)
    assert read_scores(tmp_path / "scores.json") == scores
    (tmp_path / "scores.json").write_bytes(b'{"sentiment/a/x": {"ro')
    with pytest.raises(InvalidInput, match=r"scores\.json is damaged"):
        read_scores(tmp_path / "scores.json")
