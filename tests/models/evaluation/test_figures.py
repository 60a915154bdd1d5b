"""Figures: checked by hand on small cases, and against scikit-learn on large ones."""

from typing import Any

import numpy as np
import pytest

from models.evaluation.figures import (
    Numbers,
    accuracy,
    calibration_error,
    class_figures,
    confusion,
    macro_f1,
    macro_recall,
    most_confident,
    ranking_area,
)

TRUE = np.array([0, 0, 0, 1, 2])
GUESSED = np.array([0, 0, 1, 1, 0])


def random_case(rows: int = 800, classes: int = 5, seed: int = 3) -> tuple[Any, Any, Numbers]:
    """Return true classes, guesses and shares with many ties; the guesses are better than chance."""
    rng = np.random.default_rng(seed)
    true = rng.choice(classes, rows, p=np.arange(1, classes + 1) / np.arange(1, classes + 1).sum())
    raw = rng.integers(1, 6, (rows, classes)) + 3 * np.eye(classes)[true]
    shares = raw / raw.sum(1, keepdims=True)
    return true, shares.argmax(1), shares


def test_accuracy_is_the_share_of_equals() -> None:
    assert accuracy(TRUE, GUESSED) == 0.6
    assert accuracy(TRUE[:0], GUESSED[:0]) == 0.0


def test_macro_f1_is_the_mean_over_true_labels() -> None:
    # F1: 4/6 for label 0, 2/3 for label 1, 0 for label 2
    assert macro_f1(TRUE, GUESSED) == pytest.approx((4 / 6 + 2 / 3 + 0) / 3)


def test_macro_recall_is_the_mean_over_true_labels() -> None:
    assert macro_recall(TRUE, GUESSED) == pytest.approx((2 / 3 + 1 + 0) / 3)


def test_a_confusion_counts_true_against_guessed() -> None:
    assert confusion(TRUE, GUESSED, classes=4).tolist() == [
        [2, 1, 0, 0],
        [0, 1, 0, 0],
        [1, 0, 0, 0],
        [0, 0, 0, 0],
    ]


def test_a_class_without_guesses_or_rows_has_zeros() -> None:
    figures = class_figures(confusion(TRUE, GUESSED, classes=4))
    assert figures.precision.tolist() == [2 / 3, 0.5, 0.0, 0.0]
    assert figures.recall.tolist() == [2 / 3, 1.0, 0.0, 0.0]
    assert figures.f1.tolist() == [4 / 6, 2 / 3, 0.0, 0.0]
    assert figures.support.tolist() == [3, 1, 1, 0]


def test_the_ranking_area_is_the_share_of_pairs_in_order() -> None:
    # Class 1 has rows with .8 and .3 against .5 and .3: pairs 1, 1, 0 and a tie of one half
    shares = np.array([[0.2, 0.8], [0.7, 0.3], [0.5, 0.5], [0.7, 0.3]])
    assert ranking_area(np.array([1, 1, 0, 0]), shares) == pytest.approx(2.5 / 4)


def test_a_file_of_one_class_has_no_ranking_area() -> None:
    assert ranking_area(np.array([0, 0]), np.array([[0.9, 0.1], [0.6, 0.4]])) is None


def test_calibration_error_is_the_gap_of_confidence_and_accuracy() -> None:
    is_right = np.array([True, False, True, False])
    confident = np.full(4, 0.95, np.float32)
    assert calibration_error(is_right, confident) == pytest.approx(0.45)
    assert calibration_error(np.array([True, True]), np.ones(2, np.float32)) == 0.0
    assert calibration_error(is_right[:0], confident[:0]) == 0.0


def test_calibration_bins_hold_as_many_rows_each() -> None:
    # Given four rows in two bins: {.3, .4} of which one is right, {.8, .9} of which both are
    probability = np.array([0.9, 0.3, 0.8, 0.4])
    is_right = np.array([True, True, True, False])
    # Then the gaps are |.5 - .35| and |1 - .85|, half the rows each
    assert calibration_error(is_right, probability, bins=2) == pytest.approx(0.15)
    # And equal widths would have given the same bins; equal mass still parts what lies close together
    close = np.array([0.91, 0.92, 0.93, 0.94])
    right = np.array([False, False, True, True])
    assert calibration_error(right, close, bins=2) == pytest.approx((0.915 + 0.065) / 2)


def test_calibration_does_not_depend_on_the_order_of_the_rows() -> None:
    true, guessed, shares = random_case()
    confidence, is_right = shares.max(1), true == guessed
    order = np.random.default_rng(1).permutation(len(true))
    there = calibration_error(is_right, confidence)
    assert calibration_error(is_right[order], confidence[order]) == pytest.approx(there)


def test_what_is_right_as_often_as_it_says_is_well_calibrated() -> None:
    rng = np.random.default_rng(5)
    confidence = rng.uniform(0.3, 1.0, 50_000)
    assert calibration_error(rng.uniform(size=50_000) < confidence, confidence) < 0.01
    assert calibration_error(rng.uniform(size=50_000) < confidence - 0.2, confidence) > 0.18


def test_the_most_confident_rows_are_four_in_five() -> None:
    assert most_confident(np.array([0.5, 0.9, 0.6, 0.9, 0.1])).tolist() == [1, 3, 2, 0]
    assert most_confident(np.array([0.5])).tolist() == [0]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_figure_is_what_scikit_learn_says(seed: int) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    true, guessed, shares = random_case(seed=seed)
    assert accuracy(true, guessed) == pytest.approx(metrics.accuracy_score(true, guessed))
    assert macro_f1(true, guessed) == pytest.approx(
        metrics.f1_score(true, guessed, average="macro")
    )
    assert macro_recall(true, guessed) == pytest.approx(
        metrics.recall_score(true, guessed, average="macro")
    )
    assert ranking_area(true, shares) == pytest.approx(
        metrics.roc_auc_score(true, shares, multi_class="ovr", average="macro")
    )
    precision, recall, f1, support = metrics.precision_recall_fscore_support(true, guessed)
    cells = confusion(true, guessed, classes=5)
    figures = class_figures(cells)
    assert cells.tolist() == metrics.confusion_matrix(true, guessed).tolist()
    assert figures.precision == pytest.approx(precision)
    assert figures.recall == pytest.approx(recall)
    assert figures.f1 == pytest.approx(f1)
    assert figures.support.tolist() == support.tolist()


def test_two_classes_have_the_area_of_one_of_them() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    true, _, shares = random_case(classes=2)
    assert ranking_area(true, shares) == pytest.approx(metrics.roc_auc_score(true, shares[:, 1]))
