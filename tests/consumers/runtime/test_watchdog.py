"""The watchdog: a step that takes too long ends the process, whatever it hangs in."""

import subprocess
import sys
import threading
import time

from consumers.runtime.watchdog import EXIT_STALLED, Watchdog
from tests.streams import ROOT

HANGS = """
import threading
from consumers.runtime.watchdog import Watchdog
watchdog = Watchdog(0.3)
watchdog.start()
with watchdog.step("transaction"):
    threading.Event().wait()
"""


def test_a_step_past_its_deadline_is_reported_once_with_its_name() -> None:
    stalled = threading.Event()
    told: list[tuple[str, float]] = []

    def on_stall(step: str, seconds: float) -> None:
        told.append((step, seconds))
        stalled.set()

    watchdog = Watchdog(0.2, on_stall=on_stall)
    watchdog.start()
    with watchdog.step("poll"):
        assert stalled.wait(5)
    watchdog.close()
    ((step, seconds),) = told
    assert step == "poll"
    assert seconds > 0.2


def test_many_short_steps_and_the_time_between_them_are_none_of_its_business() -> None:
    told: list[str] = []
    watchdog = Watchdog(0.3, on_stall=lambda step, _: told.append(step))
    watchdog.start()
    for _ in range(8):
        with watchdog.step("process"):
            time.sleep(0.05)
    time.sleep(0.5)
    watchdog.close()
    assert told == []


def test_a_step_that_raises_is_over() -> None:
    told: list[str] = []
    watchdog = Watchdog(0.1, on_stall=lambda step, _: told.append(step))
    watchdog.start()
    try:
        with watchdog.step("process"):
            raise ValueError
    except ValueError:
        time.sleep(0.3)
    watchdog.close()
    assert told == []


def test_a_process_that_hangs_ends_with_code_70_and_says_in_which_step() -> None:
    run = subprocess.run(
        [sys.executable, "-c", HANGS], cwd=ROOT, capture_output=True, text=True, timeout=30
    )
    assert run.returncode == EXIT_STALLED == 70
    assert "step_stalled" in run.stdout
    assert "transaction" in run.stdout
