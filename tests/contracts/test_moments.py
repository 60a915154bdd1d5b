"""The forms in which datasets write a time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import RecordMisfit
from contracts.moments import parse_moment

SANDY = datetime(2012, 10, 28, 0, 0, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        "2012-10-28T00:00:03Z",
        "2012-10-28 00:00:03",
        "2012-10-28T08:00:03+08:00",
        "20121028T000003",
        "Sun Oct 28 00:00:03 +0000 2012",
        " 2012-10-28T00:00:03 ",
        1351382403,
        1351382403.0,
        1351382403000,
        1351382403000000,
        "1351382403",
        "1351382403000",
    ],
    ids=repr,
)
def test_every_form_names_the_same_moment(value: object) -> None:
    assert parse_moment(value) == SANDY
    assert parse_moment(value).tzinfo is UTC


def test_parts_of_a_second_are_kept() -> None:
    assert parse_moment(1351382403396).microsecond == 396000
    assert parse_moment(1351382403.25).microsecond == 250000


def test_eight_digits_are_a_date_and_midnight_is_utc() -> None:
    assert parse_moment("20121028") == datetime(2012, 10, 28, tzinfo=UTC)


def test_a_time_before_1970_is_negative() -> None:
    assert parse_moment(-86400) == datetime(1969, 12, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [None, True, [], {}, "", "soon", "2012-13-01", 10**17, 10**400, float("inf"), "1e400", "9999999999999999999",
     "0001-01-01T00:00:00+09:00", "9999-12-31T23:59:59-09:00"],
    ids=lambda value: repr(value)[:30],
)  # fmt: skip
def test_what_is_no_time_says_what_was_expected(value: object) -> None:
    with pytest.raises(RecordMisfit, match="expected"):
        parse_moment(value)


@given(st.integers(130_000_000_000, 4_000_000_000_000))
def test_units_are_told_apart_by_magnitude(millis: int) -> None:
    whole = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=millis)
    micros = millis * 1000
    assert parse_moment(millis) == whole
    assert abs(parse_moment(micros) - whole) <= timedelta(microseconds=1)
    assert parse_moment(micros // 1_000_000) == whole.replace(microsecond=0)
