"""What a step minimises, against sums done by hand."""

import math
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from models.training.losses import (  # noqa: E402  (torch first)
    consistency_loss,
    label_loss,
    likeness_loss,
    soft_label_loss,
)


def logits_of(*rows: list[float]) -> Any:
    return torch.tensor(rows).log()


def test_a_label_costs_the_log_of_its_share_among_the_known() -> None:
    # Given p(a) = 1/4 and p(a or b) = 1/2 among a, b, c; column d is unknown; the last row has no label
    logits = logits_of([1.0, 1.0, 2.0, 50.0], [1.0, 1.0, 2.0, 50.0], [1.0, 1.0, 1.0, 1.0])
    known = torch.tensor([[True, True, True, False]] * 3)
    targets = torch.tensor([[True, False, False, False], [True, True, False, False]] * 2)[:3]
    weights = torch.tensor([2.0, 1.0, 0.0])
    loss = label_loss(logits, targets=targets, known=known, weights=weights)
    assert float(loss) == pytest.approx((2 * math.log(4) + math.log(2)) / 2, rel=1e-5)


def test_without_a_label_there_is_no_loss() -> None:
    known = torch.ones(1, 2, dtype=torch.bool)
    loss = label_loss(torch.zeros(1, 2), targets=known, known=known, weights=torch.zeros(1))
    assert float(loss) == 0.0


def test_soft_labels_cost_their_divergence_head_by_head() -> None:
    # Given a head of two columns on which we differ and one of two on which we agree, each given with another scale
    soft = logits_of([0.8, 0.2, 0.3, 0.3])
    ours = logits_of([0.5, 0.5, 0.9, 0.9])
    spans = [slice(0, 2), slice(2, 4)]
    loss = soft_label_loss(ours, soft, spans=spans, temperature=1.0)
    divergence = 0.8 * math.log(0.8 / 0.5) + 0.2 * math.log(0.2 / 0.5)
    assert float(loss) == pytest.approx(divergence / 2, rel=1e-5)


def test_temperature_softens_both_sides_and_keeps_the_scale() -> None:
    soft, ours = logits_of([0.8, 0.2]), logits_of([0.5, 0.5])
    loss = soft_label_loss(ours, soft, spans=[slice(0, 2)], temperature=2.0)
    p = 2 / 3  # sqrt(.8) : sqrt(.2) = 2 : 1
    divergence = p * math.log(p / 0.5) + (1 - p) * math.log((1 - p) / 0.5)
    assert float(loss) == pytest.approx(4 * divergence, rel=1e-5)


def test_likeness_asks_for_the_vector_and_for_the_cosines() -> None:
    # Given two rows that the teacher thinks alike and we think unlike
    teacher = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    embedding = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    nothing, never = torch.zeros(2, 1), torch.zeros(2, 2, dtype=torch.bool)
    loss = likeness_loss(embedding, teacher=teacher, second=nothing, same=never)
    assert float(loss) == pytest.approx(1 - 0.5 + 4 * (2 * 1.0) / 4)
    # Then a second teacher's cosines count half where it speaks
    second, both = torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.ones(2, 2, dtype=torch.bool)
    loss = likeness_loss(embedding, teacher=teacher, second=second, same=both)
    assert float(loss) == pytest.approx(1 - 0.5 + 4 * (2 * 0.25) / 4)


def test_two_passes_that_agree_cost_nothing_and_others_the_mean_of_both_divergences() -> None:
    first, second = logits_of([0.8, 0.2, 7.0]), logits_of([0.5, 0.5, 1.0])
    known, weights = torch.tensor([[True, True, False]]), torch.tensor([0.5])
    assert float(consistency_loss(first, first, known=known, weights=weights)) == 0.0
    there = 0.8 * math.log(0.8 / 0.5) + 0.2 * math.log(0.2 / 0.5)
    back = 0.5 * math.log(0.5 / 0.8) + 0.5 * math.log(0.5 / 0.2)
    loss = consistency_loss(first, second, known=known, weights=weights)
    assert float(loss) == pytest.approx((there + back) / 2, rel=1e-5)
