"""Figures: checked by hand on small cases."""

import numpy as np
import pytest

from models.evaluation.figures import accuracy, calibration_error, macro_f1, macro_recall

TRUE = np.array([0, 0, 0, 1, 2])
GUESSED = np.array([0, 0, 1, 1, 0])


def test_accuracy_is_the_share_of_equals() -> None:
    assert accuracy(TRUE, GUESSED) == 0.6
    assert accuracy(TRUE[:0], GUESSED[:0]) == 0.0


def test_macro_f1_is_the_mean_over_true_labels() -> None:
    # F1: 4/6 for label 0, 2/3 for label 1, 0 for label 2
    assert macro_f1(TRUE, GUESSED) == pytest.approx((4 / 6 + 2 / 3 + 0) / 3)


def test_macro_recall_is_the_mean_over_true_labels() -> None:
    assert macro_recall(TRUE, GUESSED) == pytest.approx((2 / 3 + 1 + 0) / 3)


def test_calibration_error_is_the_gap_of_confidence_and_accuracy() -> None:
    is_right = np.array([True, False, True, False])
    confident = np.full(4, 0.95, np.float32)
    assert calibration_error(is_right, confident) == pytest.approx(0.45)
    assert calibration_error(np.array([True, True]), np.ones(2, np.float32)) == 0.0
