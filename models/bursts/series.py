"""A recorded series, row by row: what its timestamps and values say, and the score of each row.

In: the lines of a CSV file with the columns `timestamp,value`. Out: a score for each row, in order. Pure and strictly
causal; imports contracts, numpy and models.bursts.

The step between rows is the median of the last GAPS_SEEN gaps, so it may change in the middle. Rows that are missing
are measurements that nobody took, or, where the caller says so and names the step, steps in which nothing came.
"""

import csv
import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from statistics import median

import msgspec
import numpy as np

from contracts.errors import SourceInvalid
from models.bursts.bank import LARGEST, Bank

COLUMNS = ("timestamp", "value")
GAPS_SEEN = 9
# Until two rows have shown how long a step is.
FIRST_STEP_S = 300.0
# A clock without a zone falls back by an hour once a year.
FALLS_BACK_S = 3_600.0
# Two rows of one moment are told apart by this much.
AFTER_S = 0.001


class Row(msgspec.Struct, frozen=True):
    """Hold a row: `timestamp` as it was written, `at_s` in Unix seconds (a time without a zone is taken as UTC)."""

    line: int
    timestamp: str
    at_s: float
    value: float


def read_rows(lines: Iterable[str], *, name: str) -> list[Row]:
    """Return the rows of a CSV file called `name`, which begins with the line `timestamp,value`.

    Raises SourceInvalid with the line of the first row that is not a time and a number, or that goes back in time by
    more than the hour of a clock that falls back.

    >>> read_rows(["timestamp,value", "2026-11-27 14:00:00,3"], name="posts.csv")
    [Row(line=2, timestamp='2026-11-27 14:00:00', at_s=1795788000.0, value=3.0)]
    """
    cells = csv.reader(lines)
    header = [cell.strip().removeprefix("\ufeff") for cell in next(cells, [])]
    if tuple(header) != COLUMNS:
        raise SourceInvalid(f"{name} begins with {','.join(header)!r}, expected 'timestamp,value'")
    rows: list[Row] = []
    for row in cells:
        if row:
            rows.append(_read_row(row, place=f"{name}:{cells.line_num}", line=cells.line_num))
            _check_time(rows, name=name)
    return rows


def score_rows(rows: Sequence[Row], *, step_s: float | None = None) -> Iterator[float]:
    """Yield the score of each row. With `step_s`, rows are counts in steps of it, and steps without a row are zeros."""
    bank = Bank(1, step_s=step_s or FIRST_STEP_S, gaps="zeros" if step_s else "missing")
    gaps: deque[float] = deque(maxlen=GAPS_SEEN)
    last_s = at_s = -math.inf
    for row in rows:
        if 0 < row.at_s - last_s < math.inf:
            gaps.append(row.at_s - last_s)
        last_s, at_s = row.at_s, max(row.at_s, at_s + AFTER_S)
        length_s = step_s or (median(gaps) if gaps else FIRST_STEP_S)
        yield float(bank.update(at_s, np.array([row.value]), step_s=length_s).score[0])


def _read_row(row: list[str], *, place: str, line: int) -> Row:
    if len(row) != len(COLUMNS):
        raise SourceInvalid(f"{place} has {len(row)} cells, expected a timestamp and a value")
    timestamp, value = row[0].strip(), row[1].strip()
    return Row(line, timestamp, _time_of(timestamp, place=place), _number_of(value, place=place))


def _time_of(timestamp: str, *, place: str) -> float:
    try:
        at = datetime.fromisoformat(timestamp)
    except ValueError as error:
        raise SourceInvalid(
            f"{place} has the timestamp {timestamp!r}, expected one such as 2026-11-27 14:00:00"
        ) from error
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _number_of(value: str, *, place: str) -> float:
    try:
        number = float(value)
    except ValueError as error:
        raise SourceInvalid(f"{place} has the value {value!r}, expected a number") from error
    if not abs(number) <= LARGEST:
        raise SourceInvalid(f"{place} has the value {value!r}, expected one within ±{LARGEST:g}")
    return number


def _check_time(rows: list[Row], *, name: str) -> None:
    if len(rows) > 1 and rows[-1].at_s < rows[-2].at_s - FALLS_BACK_S:
        raise SourceInvalid(
            f"{name}:{rows[-1].line} goes back in time, to {rows[-1].timestamp} after {rows[-2].timestamp}"
        )
