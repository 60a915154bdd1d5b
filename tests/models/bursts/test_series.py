"""Recorded series: read with their lines, scored row by row, refused with the place of what is wrong."""

import pytest

from contracts.errors import SourceInvalid
from models.bursts.bank import THRESHOLD
from models.bursts.series import read_rows, score_rows


def lines_of(values: list[float], *, step_min: int = 5) -> list[str]:
    """Return the lines of a series that begins at midnight."""
    rows = []
    for step, value in enumerate(values):
        minute = step * step_min
        rows.append(
            f"2026-11-{1 + minute // 1440:02} {minute // 60 % 24:02}:{minute % 60:02}:00,{value}"
        )
    return ["timestamp,value", *rows]


def test_every_row_gets_a_score_and_the_spike_the_highest() -> None:
    # Given two days of a steady series with a spike
    values = [10.0, 12.0, 11.0] * 192
    values[500] = 80.0
    rows = read_rows(lines_of(values), name="posts.csv")
    # When they are scored
    scores = list(score_rows(rows))
    # Then there is one for each row, and the spike's is a burst
    assert len(scores) == len(values)
    assert max(range(len(scores)), key=scores.__getitem__) == 500
    assert scores[500] >= THRESHOLD


def test_rows_left_out_of_counts_are_zeros() -> None:
    # Given a series whose silent steps are not written
    values = [0.0] * 330 + [9.0, 30.0]
    values[::60] = [1.0] * len(values[::60])
    written = [line for line in lines_of(values, step_min=10) if not line.endswith(",0.0")]
    # When it is scored as counts of ten minutes
    rows = read_rows(written, name="posts.csv")
    told, untold = list(score_rows(rows, step_s=600.0)), list(score_rows(rows))
    # Then the burst is one, and so it is where the rows themselves tell that zeros are left out
    assert told[-2] >= THRESHOLD
    assert untold[-2] >= THRESHOLD


def test_times_with_a_zone_and_a_byte_order_mark_are_read() -> None:
    rows = read_rows(["\ufefftimestamp,value", "2026-11-27T15:00:00+01:00,3"], name="posts.csv")
    assert rows[0].at_s == 1_795_788_000.0


def test_a_clock_that_falls_back_an_hour_and_a_moment_told_twice_are_taken() -> None:
    # Given the end of summer time, and a row written twice
    times = ["01:50:00", "01:55:00", "01:00:00", "01:05:00", "01:05:00"]
    lines = ["timestamp,value", *(f"2026-10-25 {at},4" for at in times)]
    # Then each row is scored
    assert len(list(score_rows(read_rows(lines, name="posts.csv")))) == 5


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "begins with ''"),
        (["time,count", "1,2"], "begins with 'time,count'"),
        (["timestamp,value", "2026-11-27 14:00:00"], "posts.csv:2 has 1 cells"),
        (["timestamp,value", "", "yesterday,3"], "posts.csv:3 has the timestamp 'yesterday'"),
        (["timestamp,value", "2026-11-27 14:00:00,many"], "posts.csv:2 has the value 'many'"),
        (
            ["timestamp,value", "2026-11-27 14:00:00,nan"],
            "posts.csv:2 has the value 'nan', which is no number",
        ),
        (["timestamp,value", "2026-11-27 14:00:00,inf"], "posts.csv:2 has the value 'inf'"),
        (
            ["timestamp,value", "2026-11-27 14:00:00,1", "2026-11-27 12:00:00,1"],
            "posts.csv:3 goes back in time, to 2026-11-27 12:00:00 after 2026-11-27 14:00:00",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(lines: list[str], said: str) -> None:
    with pytest.raises(SourceInvalid, match=said):
        read_rows(lines, name="posts.csv")


def test_a_file_without_rows_has_no_scores() -> None:
    assert list(score_rows(read_rows(["timestamp,value"], name="posts.csv"))) == []
