"""A head's figures: what its folds could not learn is wrong, and counts against no other label."""

import numpy as np

from models.heads.joining import Factors
from models.heads.judging import CrossAnswers, figures_of

TRUE = np.array([0, 0, 1, 2])
SCORES = np.array([[9, 0, 0], [9, 0, 0], [0, 9, 0], [9, 0, 0]], np.float32)


def test_what_no_fold_could_learn_is_a_guess_of_no_label() -> None:
    judged = np.array([True, True, True, False])
    answers = CrossAnswers(SCORES, SCORES, judged, ~np.ones(4, bool))
    figures = figures_of(answers, TRUE, labels="abc", factors=Factors(), limit=1.0)
    assert figures.labels["a"].precision == 1.0
    assert (figures.labels["c"].rows, figures.labels["c"].recall) == (1, 0.0)
    assert (figures.accuracy, figures.macro_f1) == (0.75, 0.6667)


def test_foreign_examples_are_not_answered() -> None:
    foreign = np.array([False, False, True, False])
    answers = CrossAnswers(SCORES, SCORES, np.ones(4, bool), foreign)
    figures = figures_of(answers, TRUE, labels="abc", factors=Factors(), limit=1.0)
    assert (figures.answered, figures.kept_accuracy) == (0.75, 0.5)
