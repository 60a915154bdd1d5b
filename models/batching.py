"""Plan batches of like length, and put the answers back in the order of the questions.

In: how many pieces each text has. Out: groups of positions within a budget of padded pieces, padded arrays, and answers
in input order. Pure; imports numpy and models.protocols alone.

Padding is wasted work, so texts are sorted by length and cut where rows × longest row would pass the budget.

    >>> [batch.positions for batch in plan_batches([3, 90, 4, 2], token_budget=16)]
    [(3, 0, 2), (1,)]
"""

from collections.abc import Sequence
from itertools import chain

import msgspec
import numpy as np

from contracts.errors import ModelInvalid
from models.protocols import FloatArray, TokenBatch

DEFAULT_TOKEN_BUDGET = 512
DEFAULT_ROW_LIMIT = 256


class PlannedBatch(msgspec.Struct, frozen=True):
    """Hold the positions (in the input) of one batch's rows, and the pieces of its longest row."""

    positions: tuple[int, ...]
    width: int


def plan_batches(
    lengths: Sequence[int],
    *,
    token_budget: int = DEFAULT_TOKEN_BUDGET,
    row_limit: int = DEFAULT_ROW_LIMIT,
) -> list[PlannedBatch]:
    """Group positions by length so that rows × width stays within `token_budget` and rows within `row_limit`.

    Every position stands in exactly one batch; a single text over the budget makes a batch of its own. Equal lengths
    keep their input order, so that the plan is a function of the lengths alone.
    """
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    batches: list[PlannedBatch] = []
    first = 0
    for last in range(1, len(order) + 1):
        rows = last - first
        fits_one_more = last < len(order) and rows < row_limit
        if fits_one_more and (rows + 1) * lengths[order[last]] <= token_budget:
            continue
        batches.append(PlannedBatch(tuple(order[first:last]), lengths[order[last - 1]]))
        first = last
    return batches


def pad_batch(rows: Sequence[Sequence[int]], width: int, *, pad_id: int) -> TokenBatch:
    """Lay `rows` of piece ids into int64 [rows, max(width, 1)] arrays, padding on the right with `pad_id`."""
    lengths = np.fromiter(map(len, rows), np.int64, len(rows))
    mask = np.arange(max(width, 1)) < lengths[:, None]
    ids = np.full(mask.shape, pad_id, np.int64)
    ids[mask] = np.fromiter(chain.from_iterable(rows), np.int64, int(lengths.sum()))
    return TokenBatch(input_ids=ids, attention_mask=mask.astype(np.int64))


def rows_in_input_order(plan: Sequence[PlannedBatch], parts: Sequence[FloatArray]) -> FloatArray:
    """Join the rows of each planned batch's array (`parts[i]` belongs to `plan[i]`) in input order.

    Raises `ModelInvalid` when a batch did not come back with one row a text, or parts are missing.
    """
    if len(parts) != len(plan):
        raise ModelInvalid(f"{len(plan)} batches were planned but {len(parts)} came back")
    for batch, part in zip(plan, parts, strict=True):
        if len(part) != len(batch.positions):
            raise ModelInvalid(
                f"a batch of {len(batch.positions)} texts came back with {len(part)} rows; "
                "an engine must answer every row"
            )
    if not parts:
        return np.empty((0, 0), np.float32)
    joined = np.concatenate(parts)
    ordered = np.empty_like(joined)
    ordered[np.fromiter(chain.from_iterable(b.positions for b in plan), np.int64)] = joined
    return ordered
