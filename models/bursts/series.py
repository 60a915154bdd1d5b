"""A recorded series, row by row: what its timestamps and values say, and the score of each row.

In: the lines of a CSV file with the columns `timestamp,value`. Out: a score for each row, in order. Pure and strictly
causal; imports contracts, numpy and models.bursts.

What a missing row means: `models/bursts/steps.py`.
"""

import csv
import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

import msgspec
import numpy as np

from contracts.errors import SourceInvalid
from models.bursts.bank import LARGEST, Bank
from models.bursts.steps import FIRST_STEP_S, Steps

COLUMNS = ("timestamp", "value")
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
    bank, steps, at_s = Bank(1, step_s=FIRST_STEP_S), Steps(step_s), -math.inf
    for row in rows:
        step = steps.see(row.at_s, row.value)
        at_s = max(row.at_s, at_s + AFTER_S)
        readings = bank.update(at_s, np.array([row.value]), step=step)
        yield float(readings.score[0])


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
    if math.isnan(number):
        raise SourceInvalid(f"{place} has the value {value!r}, which is no number")
    if abs(number) > LARGEST:
        raise SourceInvalid(f"{place} has the value {value!r}, expected one within ±{LARGEST:g}")
    return number


def _check_time(rows: list[Row], *, name: str) -> None:
    if len(rows) > 1 and rows[-1].at_s < rows[-2].at_s - FALLS_BACK_S:
        raise SourceInvalid(
            f"{name}:{rows[-1].line} goes back in time, to {rows[-1].timestamp} after {rows[-2].timestamp}"
        )
