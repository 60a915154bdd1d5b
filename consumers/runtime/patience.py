"""Patience: a service keeps trying to reach what may come back.

In: a call that may raise Unavailable. Out: its answer, however long it takes, with one log line a try.
"""

from collections.abc import Callable
from typing import TypeVar

import structlog

from contracts.errors import Unavailable

LONGEST_WAIT_S = 30.0
T = TypeVar("T")
_LOG = structlog.get_logger()


def patiently(call: Callable[[], T], *, wait: Callable[[float], bool]) -> T | None:
    """Return what `call` returns, trying again after 1, 2, 4 … 30 s.

    `wait` sleeps for seconds and returns True when the process is to stop; then None is returned.
    """
    wait_s = 1.0
    while True:
        try:
            return call()
        except Unavailable as error:
            _LOG.warning("unavailable", code=error.code, reason=str(error), next_try_s=wait_s)
        if wait(wait_s):
            return None
        wait_s = min(wait_s * 2, LONGEST_WAIT_S)
