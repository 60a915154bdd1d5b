"""Batching: nothing is lost, nothing is doubled, the budget holds, the order comes back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import ModelInvalid
from models.batching import PlannedBatch, pad_batch, plan_batches, rows_in_input_order

LENGTHS = st.lists(st.integers(0, 60), max_size=80)


@given(lengths=LENGTHS, budget=st.integers(1, 200), limit=st.integers(1, 20))
def test_every_position_stands_in_exactly_one_batch(
    lengths: list[int], budget: int, limit: int
) -> None:
    plan = plan_batches(lengths, token_budget=budget, row_limit=limit)
    assert sorted(p for batch in plan for p in batch.positions) == list(range(len(lengths)))


@given(lengths=LENGTHS, budget=st.integers(1, 200), limit=st.integers(1, 20))
def test_a_batch_keeps_the_budget_unless_it_is_one_row(
    lengths: list[int], budget: int, limit: int
) -> None:
    for batch in plan_batches(lengths, token_budget=budget, row_limit=limit):
        rows = len(batch.positions)
        assert batch.width == max(lengths[p] for p in batch.positions)
        assert rows <= limit
        assert rows == 1 or rows * batch.width <= budget


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
