"""When a stage ends: checks at even distances, the best average kept."""

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from models.training.config import FitConfig  # noqa: E402  (torch first)
from models.training.stopping import EarlyStop  # noqa: E402


def stop_with(**more: Any) -> EarlyStop:
    return EarlyStop(FitConfig(layers=1, samples=100, tokens_per_step=1, rate=1.0, **more))


def test_checks_are_spread_over_the_stage_and_one_falls_on_its_end() -> None:
    stop = stop_with(checks=4)
    due = [seen for seen in range(10, 101, 10) if stop.is_due(seen, rows=10)]
    assert due == [30, 50, 80, 100]


def test_without_checks_nothing_is_ever_due() -> None:
    stop = stop_with(patience=1)
    assert not any(stop.is_due(seen, rows=10) for seen in range(10, 101, 10))
    assert not stop.is_over
    assert stop.weights is None


def test_the_best_is_kept_and_patience_ends_it() -> None:
    stop = stop_with(checks=10, patience=2)
    verdicts = []
    for at, figure in enumerate((0.5, 0.7, 0.7, 0.6)):
        stop.check(figure, {"w": torch.tensor([float(at)])})
        verdicts.append(stop.is_over)
    assert verdicts == [False, False, False, True]
    assert stop.weights is not None
    assert stop.weights["w"].tolist() == [1.0]


def test_patience_counts_checks_in_a_row() -> None:
    stop = stop_with(checks=10, patience=2)
    for figure in (0.5, 0.4, 0.6, 0.5):
        stop.check(figure, {})
    assert not stop.is_over


def test_its_state_survives_a_checkpoint() -> None:
    first, second = stop_with(checks=10, patience=2), stop_with(checks=10, patience=2)
    first.check(0.5, {"w": torch.ones(1)})
    first.check(0.4, {})
    second.restore(first.state())
    second.check(0.4, {})
    assert second.is_over
