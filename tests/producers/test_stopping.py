"""Signals as something to look at, and an end for what never returns."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from producers.stopping import Stop, ended_after, stop_on_signals

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_asks_to_stop_and_wakes_who_waits(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with stop_on_signals() as stop:
        threading.Timer(0.1, os.kill, (os.getpid(), number)).start()
        started = time.monotonic()
        assert stop.wait(30)
        assert stop.is_set
        assert time.monotonic() - started < 10
    assert signal.getsignal(number) is before


def test_nobody_asked() -> None:
    stop = Stop()
    assert not stop.wait(0.01)
    assert not stop.is_set


def ended(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=30
    )


def test_what_takes_too_long_ends_the_process_with_75() -> None:
    done = ended(
        "import time\n"
        "from producers.stopping import ended_after\n"
        "with ended_after(0.2, 'a commit'): time.sleep(20)"
    )
    assert done.returncode == 75
    assert done.stderr == "stalled: a commit took longer than 0.2 s; ending the process\n"


def test_a_stop_that_does_not_come_to_an_end_ends_the_process_with_75() -> None:
    done = ended(
        "import signal, time\n"
        "from producers.stopping import stop_on_signals\n"
        "with stop_on_signals(0.2) as stop:\n"
        "    signal.raise_signal(signal.SIGTERM)\n"
        "    time.sleep(20)"
    )
    assert done.returncode == 75


def test_what_is_quick_goes_on() -> None:
    with ended_after(0.05, "a commit"):
        pass
    time.sleep(0.1)
