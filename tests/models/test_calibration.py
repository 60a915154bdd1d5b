"""Calibration: probabilities add up, temperature tells the truth, thresholds abstain."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.calibration import (
    HeadCalibrator,
    fit_temperature,
    fit_threshold,
    language_positions,
    softmax,
)
from models.manifest import LanguageCalibration

LOGITS = arrays(np.float32, (5, 4), elements=st.floats(-80, 80, width=32))


@given(logits=LOGITS)
def test_probabilities_add_up_to_one_and_keep_the_order(logits: np.ndarray) -> None:
    probabilities = softmax(logits)
    assert np.allclose(probabilities.sum(1), 1, atol=1e-5)
    assert (probabilities[np.arange(5), logits.argmax(1)] == probabilities.max(1)).all()


def test_a_language_without_calibration_always_abstains() -> None:
    # Given a head that knows English alone and is certain
    head = HeadCalibrator({"en": LanguageCalibration(temperature=1.0, threshold=0.5)})
    logits = np.array([[9.0, 0.0]] * 3, np.float32)
    # When it answers in three languages
    answer = head.calibrate(logits, language_positions(["en", "zh", "other"]))
    # Then it answers English alone
    assert answer.abstained.tolist() == [False, True, True]
    assert answer.best.tolist() == [0, 0, 0]


def test_an_answer_below_the_threshold_abstains() -> None:
    head = HeadCalibrator({"en": LanguageCalibration(temperature=1.0, threshold=0.8)})
    logits = np.array([[2.0, 0.0], [1.0, 0.0]], np.float32)
    assert head.calibrate(logits, language_positions(["en", "en"])).abstained.tolist() == [
        False,
        True,
    ]


def test_a_higher_temperature_lowers_confidence_and_keeps_the_label() -> None:
    logits = np.array([[3.0, 1.0, 0.0]], np.float32)
    english = language_positions(["en"])
    cold, hot = (
        HeadCalibrator({"en": LanguageCalibration(temperature=t, threshold=0.0)}).calibrate(
            logits, english
        )
        for t in (1.0, 3.0)
    )
    assert hot.probabilities.max() < cold.probabilities.max()
    assert hot.best.tolist() == cold.best.tolist() == [0]


def test_fitted_temperature_finds_the_one_that_blurred_the_logits() -> None:
    # Given labels drawn from softmax(logits), and logits then made twice too sharp
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 2, (20_000, 3)).astype(np.float32)
    true = (softmax(logits).cumsum(1) > generator.random((20_000, 1))).argmax(1)

    def loss(temperature: float) -> float:
        probabilities = softmax(logits * 2 / np.float32(temperature))
        return float(-np.log(probabilities[np.arange(len(true)), true]).mean())

    # Then the temperature of the least loss undoes the sharpening
    assert fit_temperature(loss) == pytest.approx(2.0, rel=0.06)


def test_fitted_temperature_stays_within_its_range_where_the_loss_only_falls() -> None:
    assert fit_temperature(lambda t: t) == 0.25
    assert fit_temperature(lambda t: -t) == pytest.approx(4.0, rel=0.02)


def test_fitted_threshold_is_the_lowest_that_reaches_the_accuracy() -> None:
    top = np.array([0.9, 0.8, 0.7, 0.6, 0.5], np.float32)
    is_right = np.array([True, True, False, True, False])
    assert fit_threshold(top, is_right, accuracy=0.75, least_answered=0.2) == pytest.approx(
        0.6, abs=1e-3
    )


def test_fitted_threshold_answers_the_least_share_even_when_nothing_is_right() -> None:
    top = np.array([0.9, 0.8, 0.7, 0.6], np.float32)
    threshold = fit_threshold(top, np.zeros(4, np.bool_), accuracy=0.9, least_answered=0.5)
    assert np.sum(top >= threshold) == 2
