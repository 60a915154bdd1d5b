"""Where the time of a batch goes, step by step, in this thread.

In: steps, entered and left, any number of times. Out: seconds by step since they were last taken, of each thread its
own. Steps do not nest in themselves.

>>> _ = taken()
>>> with timed("forward"):
...     pass
>>> sorted(taken())
['forward']
>>> taken()
{}
"""

import threading
import time


class _Spent(threading.local):
    """Hold one thread's seconds by step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}


_SPENT = _Spent()


class timed:  # noqa: N801 - it is read as a word
    """Add the time within to a step; for a few hundred nanoseconds, so that it may stand around one record."""

    __slots__ = ("_began", "_step")

    def __init__(self, step: str) -> None:
        self._step = step

    def __enter__(self) -> None:
        self._began = time.perf_counter()

    def __exit__(self, *error: object) -> None:
        spent = time.perf_counter() - self._began
        seconds = _SPENT.seconds
        seconds[self._step] = seconds.get(self._step, 0.0) + spent


def taken() -> dict[str, float]:
    """Return the seconds of each step, and begin anew."""
    spent, _SPENT.seconds = _SPENT.seconds, {}
    return spent
