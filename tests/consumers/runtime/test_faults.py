"""Fault points: a named step, a count, and the end of this very process."""

import signal
import subprocess
import sys

import pytest

from consumers.runtime.faults import STEPS, Faults, Step
from contracts.errors import SettingsInvalid
from tests.streams import ROOT

REACHES = """
from consumers.runtime.faults import Faults
faults = Faults("sent@2,committed@9")
for number in range(5):
    faults.reach("polled")
    faults.reach("sent", settle=lambda: print("settled", flush=True))
    print(number, flush=True)
"""


@pytest.mark.parametrize(
    "plan", ["send@1", "sent", "sent@", "sent@x", "sent@-1", "sent@1;polled@2"]
)
def test_a_plan_that_names_no_step_or_count_is_refused_with_the_steps_there_are(plan: str) -> None:
    with pytest.raises(SettingsInvalid, match="expected step@count"):
        Faults(plan)


@pytest.mark.parametrize("step", STEPS)
def test_without_a_plan_nothing_ever_happens(step: Step) -> None:
    faults = Faults()
    for _ in range(100):
        faults.reach(step, settle=lambda: pytest.fail("settled"))


def test_the_process_is_killed_at_the_named_time_after_what_was_sent_is_settled() -> None:
    run = subprocess.run(
        [sys.executable, "-c", REACHES], cwd=ROOT, capture_output=True, text=True, timeout=30
    )
    assert run.returncode == -signal.SIGKILL
    assert run.stdout.split() == ["0", "settled"]
