"""Thresholds are fitted by head and language, and what a config sets for one of them holds for no other."""

from typing import Any

import numpy as np

from models.manifest import LanguageCalibration
from models.protocols import EngineOutput
from models.training.config import TrainingConfig
from models.training.judging import fit_calibration
from models.training.sources import LabelledRow
from tests.models.training.tiny import tiny_config

LABELS = ("negative", "neutral", "positive")


def config_with(**more: Any) -> TrainingConfig:
    return tiny_config(abstain={"accuracy": {"sentiment": 0.8}, "least_answered": 0.6} | more)


def fitted(**more: Any) -> dict[str, LanguageCalibration]:
    """Return the calibrations of 300 rows of each language, of which four in five are read rightly and surely."""
    generator = np.random.default_rng(5)
    true = generator.integers(0, 3, 600)
    said = np.where(generator.random(600) < 0.8, true, generator.integers(0, 3, 600))
    logits = (4 * np.eye(3)[said] + generator.normal(0, 0.3, (600, 3))).astype(np.float32)
    rows = [
        LabelledRow(
            text=str(number),
            context="",
            head="sentiment",
            lang="en" if number < 300 else "zh",
            source="made",
            targets=(LABELS[label],),
            known=LABELS,
            weight=1.0,
            is_dev=True,
        )
        for number, label in enumerate(true.tolist())
    ]
    output = EngineOutput({"sentiment": logits}, np.zeros((600, 1), np.float32))
    return fit_calibration(rows, output, config=config_with(**more))["sentiment"]


def test_nothing_set_leaves_everything_fitted() -> None:
    assert all(each.temperature > 1 and each.threshold > 0 for each in fitted().values())


def test_a_floor_of_a_head_holds_for_all_its_languages() -> None:
    found = fitted(floor={"sentiment": 0.97})
    assert [each.threshold for each in found.values()] == [0.97, 0.97]


def test_a_floor_and_a_temperature_of_a_head_in_one_language_leave_the_others_alone() -> None:
    # Given what is fitted, and a config that sets both for English
    free = fitted()
    found = fitted(floor={"sentiment/en": 0.97}, temperature={"sentiment/en": 3.5})
    # Then English has them, and Chinese what was fitted
    assert found["en"] == LanguageCalibration(3.5, 0.97)
    assert found["zh"] == free["zh"]


def test_a_language_goes_before_its_head() -> None:
    found = fitted(floor={"sentiment": 0.98, "sentiment/zh": 0.97})
    assert (found["en"].threshold, found["zh"].threshold) == (0.98, 0.97)


def test_a_floor_never_lowers_what_the_rows_ask_for() -> None:
    assert fitted(floor={"sentiment/en": 0.01}) == fitted()
