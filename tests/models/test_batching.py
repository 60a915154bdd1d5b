"""Batching: nothing is lost, nothing is doubled, the budget holds, the order comes back."""

from collections.abc import Iterable, Sequence
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import ModelInvalid
from models.batching import PlannedBatch, pad_batch, plan_batches, rows_in_input_order

LENGTHS = st.lists(st.integers(0, 60), max_size=80)
PASSES = st.none() | st.integers(0, 300)


@given(lengths=LENGTHS, budget=st.integers(1, 200), limit=st.integers(1, 20), passes=PASSES)
def test_every_position_stands_in_exactly_one_batch(
    lengths: list[int], budget: int, limit: int, passes: int | None
) -> None:
    plan = plan_batches(lengths, token_budget=budget, row_limit=limit, pass_tokens=passes)
    assert sorted(p for batch in plan for p in batch.positions) == list(range(len(lengths)))


@given(lengths=LENGTHS, budget=st.integers(1, 200), limit=st.integers(1, 20), passes=PASSES)
def test_a_batch_keeps_the_budget_unless_it_is_one_row(
    lengths: list[int], budget: int, limit: int, passes: int | None
) -> None:
    for batch in plan_batches(lengths, token_budget=budget, row_limit=limit, pass_tokens=passes):
        rows = len(batch.positions)
        assert batch.width == max(lengths[p] for p in batch.positions)
        assert rows <= limit
        assert rows == 1 or rows * batch.width <= budget


def cost_of(groups: Iterable[Sequence[int]], *, pass_tokens: int) -> int:
    return sum(pass_tokens + len(group) * max(group) for group in groups)


@given(
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=9),
    budget=st.integers(1, 120),
    passes=st.integers(0, 60),
)
def test_no_other_cut_of_the_sorted_lengths_costs_less(
    lengths: list[int], budget: int, passes: int
) -> None:
    # Given every way to cut the lengths in order
    ascending = sorted(lengths)
    ways = []
    for marks in product((False, True), repeat=len(lengths) - 1):
        ends = [at for at, mark in enumerate(marks, start=1) if mark]
        groups = [ascending[a:b] for a, b in pairwise([0, *ends, len(ascending)])]
        if all(len(group) == 1 or len(group) * max(group) <= budget for group in groups):
            ways.append(cost_of(groups, pass_tokens=passes))
    # Then the plan costs what the cheapest costs
    plan = plan_batches(lengths, token_budget=budget, pass_tokens=passes)
    groups = [[lengths[at] for at in batch.positions] for batch in plan]
    assert cost_of(groups, pass_tokens=passes) == min(ways)


@given(lengths=LENGTHS)
def test_rows_come_back_in_input_order(lengths: list[int]) -> None:
    # Given a plan, when each batch answers with its own positions
    plan = plan_batches(lengths, token_budget=64, row_limit=7)
    parts = [np.array([[p, -p] for p in batch.positions], np.float32) for batch in plan]
    # Then the joined rows count from zero
    joined = rows_in_input_order(plan, parts)
    assert joined[:, 0].tolist() == list(range(len(lengths))) if lengths else len(joined) == 0


@given(rows=st.lists(st.lists(st.integers(2, 99), max_size=9), min_size=1, max_size=9))
def test_padding_keeps_the_pieces_and_marks_them(rows: list[list[int]]) -> None:
    batch = pad_batch(rows, max(map(len, rows)), pad_id=0)
    for row, ids, mask in zip(rows, batch.input_ids, batch.attention_mask, strict=True):
        assert ids[: len(row)].tolist() == row
        assert not ids[len(row) :].any()
        assert mask.tolist() == [1] * len(row) + [0] * (len(ids) - len(row))


def test_texts_of_one_length_keep_their_order() -> None:
    assert plan_batches([4, 4, 4], token_budget=8) == [
        PlannedBatch((0, 1), 4),
        PlannedBatch((2,), 4),
    ]


def test_a_batch_that_answers_too_few_rows_is_refused() -> None:
    plan = plan_batches([3, 3])
    with pytest.raises(ModelInvalid, match="2 texts came back with 1 rows"):
        rows_in_input_order(plan, [np.zeros((1, 4), np.float32)])


def test_a_batch_that_is_missing_is_refused() -> None:
    plan = plan_batches([3, 90], token_budget=90)
    with pytest.raises(ModelInvalid, match="2 batches were planned but 1 came back"):
        rows_in_input_order(plan, [np.zeros((1, 4), np.float32)])
