"""Moments: a row's time, in any of the forms that datasets use.

In: a JSON value. Out: a datetime with its zone. Pure; imports contracts and the standard library.
"""

import math
from datetime import UTC, datetime, timedelta

from contracts.errors import RecordMisfit

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
YEARS = (1900, 9000)
EXPECTED = "expected ISO 8601, `Wed Oct 10 20:19:24 +0000 2018`, or seconds, ms or µs since 1970"
# Below this magnitude a number counts units of 1/divisor seconds. 1e11 s is the year 5138; 1e11 ms is March 1973.
UNITS = ((1e11, 1), (1e14, 1_000), (1e17, 1_000_000))


def parse_moment(value: object) -> datetime:
    """Return a moment from text or from a number, as number or as digits.

    Text without a zone is UTC; eight digits are a date. A number is seconds below 1e11 in magnitude, milliseconds
    below 1e14, microseconds below 1e17: 1351382403, 1351382403396 and 1351382403396000 are all 2012-10-28. Raises
    RecordMisfit.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise RecordMisfit(f"time {value!r}; {EXPECTED}")
    try:
        moment = _from_text(value.strip()) if isinstance(value, str) else _from_number(value)
        in_utc = moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise RecordMisfit(f"time {value!r}: {error}; {EXPECTED}") from error
    if not YEARS[0] <= in_utc.year <= YEARS[1]:
        raise RecordMisfit(
            f"time {value!r} lies in the year {in_utc.year}; expected {YEARS[0]} to {YEARS[1]}"
        )
    return in_utc


def _from_number(number: float) -> datetime:
    if not math.isfinite(number):
        raise ValueError("not a finite number")
    for limit, divisor in UNITS:
        if abs(number) < limit:
            return EPOCH + timedelta(seconds=number / divisor)
    raise ValueError("too large for microseconds")


def _from_text(text: str) -> datetime:
    digits = text.replace(".", "", 1).lstrip("+-")
    if digits.isdecimal() and len(text) != len("20121028"):
        return _from_number(float(text))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return datetime.strptime(text, "%a %b %d %H:%M:%S %z %Y")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
