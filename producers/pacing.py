"""Pacing: when an event's turn has come.

In: event times and a speed. Out: seconds to wait. Pure but for the clock that is passed in; imports contracts alone.
"""

import math
from collections.abc import Callable
from datetime import datetime

from contracts.errors import SourceInvalid


def parse_speed(text: str) -> float:
    """Return how many seconds of event time pass in one: `event` is 1, `xN` is N, `max` is infinity.

    Raises SourceInvalid for anything else.
    """
    if text == "event":
        return 1.0
    if text == "max":
        return math.inf
    try:
        factor = float(text.removeprefix("x")) if text.startswith("x") else math.nan
    except ValueError:
        factor = math.nan
    if not 0 < factor < math.inf:
        raise SourceInvalid(
            f"speed {text!r}; expected `event`, `max` or `xN` with N above 0, such as x600"
        )
    return factor


class Pace:
    """Measure waiting against the first event: the later ones keep their distance in event time, divided by speed.

    An event older than the first waits for nothing. `clock` is monotonic, in seconds.

    >>> pace = Pace(60, lambda: 100.0)
    >>> pace.wait_s(datetime.fromisoformat("2026-01-01T12:00Z"))
    0.0
    >>> pace.wait_s(datetime.fromisoformat("2026-01-01T12:01Z"))
    1.0
    """

    def __init__(self, speed: float, clock: Callable[[], float]) -> None:
        self._speed = speed
        self._clock = clock
        self._base: tuple[datetime, float] | None = None

    def wait_s(self, moment: datetime) -> float:
        """Return seconds until the event of `moment` is due, 0 where it is due already."""
        if math.isinf(self._speed):
            return 0.0
        if self._base is None:
            self._base = (moment, self._clock())
        first, started = self._base
        due = started + (moment - first).total_seconds() / self._speed
        return max(0.0, due - self._clock())
