"""The watchdog: ends the process when one step takes longer than its deadline.

In: the step in hand. Out: exit code 70 and one log line, so that a supervisor starts afresh. Needed because
kafka-python's `commit_transaction`, `abort_transaction` and `send_offsets_to_transaction` wait for ever.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

EXIT_STALLED = 70
_LOG = structlog.get_logger()


def end_process(step: str, seconds: float) -> None:
    """End this process at once; nothing that hangs can hold it up."""
    _LOG.error("step_stalled", step=step, seconds=round(seconds, 1))
    os._exit(EXIT_STALLED)


class Watchdog:
    """Watch the steps of some threads from another; `start` before the first, `close` after the last."""

    def __init__(
        self, deadline_s: float, *, on_stall: Callable[[str, float], None] = end_process
    ) -> None:
        self._deadline_s = deadline_s
        self._on_stall = on_stall
        self._current: dict[int, tuple[str, float]] = {}
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to watch."""
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop watching."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Bound the block by the deadline; a thread is in one step at a time."""
        thread = threading.get_ident()
        self._current[thread] = (name, time.monotonic())
        try:
            yield
        finally:
            del self._current[thread]

    def _watch(self) -> None:
        interval = min(1.0, self._deadline_s / 4)
        while not self._stopped.wait(interval):
            now = time.monotonic()
            for name, began in list(self._current.values()):
                if now - began > self._deadline_s:
                    self._on_stall(name, now - began)
                    return
