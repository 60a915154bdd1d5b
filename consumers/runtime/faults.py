"""Fault points: the named steps of a transaction at which a test can end the process.

In: `HUBBUB_FAULT_POINTS`, e.g. `sent@3` or `offsets@12`. Out: SIGKILL to this very process when that step is reached
for that time. Without the variable nothing ever happens.
"""

import os
import signal
from collections import Counter
from collections.abc import Callable
from typing import Literal, get_args

from contracts.errors import SettingsInvalid

VARIABLE = "HUBBUB_FAULT_POINTS"
Step = Literal["polled", "processed", "sent", "changelog", "offsets", "committed", "applied"]
STEPS: tuple[Step, ...] = get_args(Step)


class Faults:
    """Count the steps reached, and end the process at the one that was named."""

    def __init__(self, plan: str = "") -> None:
        self._at = _parsed(plan)
        self._reached: Counter[str] = Counter()

    def reach(self, step: Step, *, settle: Callable[[], None] | None = None) -> None:
        """Pass a step; those of one batch come in the order of STEPS, and between them those of the next.

        `settle` is called before the end, so that what the step sent has reached the broker.
        """
        if not self._at:
            return
        self._reached[step] += 1
        if self._at.get(step) == self._reached[step]:
            if settle is not None:
                settle()
            os.kill(os.getpid(), signal.SIGKILL)


def _parsed(plan: str) -> dict[str, int]:
    at: dict[str, int] = {}
    for item in filter(None, plan.split(",")):
        step, _, count = item.partition("@")
        if step not in STEPS or not count.isdigit():
            raise SettingsInvalid(
                f"{VARIABLE}: {item!r}; expected step@count with a step of {STEPS}"
            )
        at[step] = int(count)
    return at
