"""Stopping: SIGTERM and SIGINT as something to look at, and an end for what never returns.

In: signals. Out: a `Stop` that sources look at and wait on. A client of Kafka may wait for ever for a broker that is
gone; `ended_after` and the patience after a signal end the process then, with exit code 75 (try again).
Imports the standard library alone.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

TRY_AGAIN = 75  # EX_TEMPFAIL of sysexits.h
PATIENCE_S = 9.0


class Stop:
    """Say whether somebody asked to stop; safe from any thread and from a signal handler."""

    def __init__(self) -> None:
        self._event = threading.Event()

    @property
    def is_set(self) -> bool:
        """Say whether a stop was asked for."""
        return self._event.is_set()

    def set(self) -> None:
        """Ask to stop."""
        self._event.set()

    def wait(self, seconds: float) -> bool:
        """Wait, at most that long; say whether a stop was asked for."""
        return self._event.wait(seconds)


@contextmanager
def stop_on_signals(patience_s: float = PATIENCE_S) -> Iterator[Stop]:
    """Give a Stop that SIGTERM and SIGINT set; for the main thread.

    From the first signal on the process has `patience_s` seconds to end by itself. A second SIGINT interrupts at once.
    """
    stop = Stop()
    timers: list[threading.Timer] = []

    def asked(number: int, frame: FrameType | None) -> None:
        stop.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if not timers:
            timers.append(_timer(patience_s, "the stop that a signal asked for"))

    before = {number: signal.signal(number, asked) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for timer in timers:
            timer.cancel()


@contextmanager
def ended_after(seconds: float, what: str) -> Iterator[None]:
    """End the process with code 75 if the block takes longer: kafka-python's commit has no deadline of its own."""
    timer = _timer(seconds, what)
    try:
        yield
    finally:
        timer.cancel()


def _timer(seconds: float, what: str) -> threading.Timer:
    timer = threading.Timer(seconds, _end, (seconds, what))
    timer.daemon = True
    timer.start()
    return timer


def _end(seconds: float, what: str) -> None:
    os.write(2, f"stalled: {what} took longer than {seconds:g} s; ending the process\n".encode())
    os._exit(TRY_AGAIN)
