"""Plan batches of like length, and put the answers back in the order of the questions.

In: how many pieces each text has. Out: groups of positions within a budget of padded pieces, padded arrays, and answers
in input order. Pure; imports numpy and models.protocols alone.

Padding is wasted work, so texts are sorted by length and cut where rows × longest row would pass the budget, or, where
it is known what a pass costs beside its pieces, where all together costs least: dynamic programming over the sorted
lengths, exact.

    >>> [batch.positions for batch in plan_batches([3, 90, 4, 2], token_budget=16)]
    [(3, 0, 2), (1,)]
    >>> [batch.positions for batch in plan_batches([3, 9, 2], token_budget=64, pass_tokens=8)]
    [(2, 0), (1,)]
"""

from collections.abc import Sequence
from itertools import chain, pairwise

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
    pass_tokens: int | None = None,
) -> list[PlannedBatch]:
    """Group positions by length so that rows × width stays within `token_budget` and rows within `row_limit`.

    Every position stands in exactly one batch; a single text over the budget makes a batch of its own. Equal lengths
    keep their input order, so that the plan is a function of the lengths alone. `pass_tokens` is what a pass costs
    beside its pieces, in pieces: the sum of that and rows × width over all batches is then the least there is; None
    where batches should be as full as they can be.
    """
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    ascending = [lengths[at] for at in order]
    if pass_tokens is None:
        ends = _full_ends(ascending, token_budget, row_limit=row_limit)
    else:
        most = [max(1, min(row_limit, token_budget // max(width, 1))) for width in ascending]
        ends = _cheapest_ends(ascending, most, pass_tokens=pass_tokens)
    return [
        PlannedBatch(tuple(order[first:last]), ascending[last - 1])
        for first, last in pairwise([0, *ends])
    ]


def _full_ends(ascending: Sequence[int], token_budget: int, *, row_limit: int) -> list[int]:
    """Return where each batch ends when the next text would be one too many."""
    ends, first = [], 0
    for last in range(1, len(ascending) + 1):
        rows = last - first
        fits_one_more = last < len(ascending) and rows < row_limit
        if fits_one_more and (rows + 1) * ascending[last] <= token_budget:
            continue
        ends.append(last)
        first = last
    return ends


def _cheapest_ends(ascending: Sequence[int], most: Sequence[int], *, pass_tokens: int) -> list[int]:
    """Return where each batch ends when all cost least; `most` is how many rows a batch of each width may have."""
    costs, begins = [0], [0]
    for last, width in enumerate(ascending, start=1):
        cost, first = min(
            (costs[first] + (last - first) * width, first)
            for first in range(max(0, last - most[last - 1]), last)
        )
        costs.append(cost + pass_tokens)
        begins.append(first)
    ends = []
    last = len(ascending)
    while last:
        ends.append(last)
        last = begins[last]
    return ends[::-1]


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
