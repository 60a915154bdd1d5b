"""How long the steps of a recorded series are, and what a missing row means: told from the rows so far alone.

In: the time and value of each row, in order. Out: the length of the step, and whether steps without a row are zeros or
unknown. Pure; imports models.bursts.

A measurement's step is the median of the last GAPS_SEEN gaps. A series that leaves its zeros out is known by its ones:
whole numbers from 1 on, one row in ONES of which is a 1, at times that are multiples of one step; that step is the
greatest common divisor of all gaps.

    >>> steps = Steps()
    >>> [steps.see(at_s, value) for at_s, value in ((0.0, 1.0), (1_800.0, 2.0), (3_000.0, 1.0))]
    [Step(length_s=300.0, gaps='missing'), Step(length_s=1800.0, gaps='zeros'), Step(length_s=600.0, gaps='zeros')]
"""

import math
from collections import deque
from statistics import median

from models.bursts.readings import Step

GAPS_SEEN = 9
ONES = 10
# Until two rows have shown how long a step is.
FIRST_STEP_S = 300.0
# Gaps without a common divisor of at least this are no steps.
LEAST_STEP_S = 10


class Steps:
    """Learn the step of one series, or take `step_s` as it is told; then steps without a row are zeros."""

    def __init__(self, step_s: float | None = None) -> None:
        self._told_s = step_s
        self._last_s: float | None = None
        self._gaps: deque[float] = deque(maxlen=GAPS_SEEN)
        self._divisor_s = 0
        self._rows = self._ones = 0
        self._is_counted = True

    def see(self, at_s: float, value: float) -> Step:
        """Return the step that ends with this row."""
        self._rows += 1
        self._ones += value == 1.0
        self._is_counted &= value >= 1.0 and value.is_integer()
        if self._last_s is not None and at_s > self._last_s:
            self._gaps.append(at_s - self._last_s)
            self._divisor_s = math.gcd(self._divisor_s, round(at_s - self._last_s))
        self._last_s = at_s
        return self._step()

    def _step(self) -> Step:
        if self._told_s:
            return Step(self._told_s, "zeros")
        leaves_zeros_out = self._is_counted and self._ones * ONES >= self._rows
        if leaves_zeros_out and self._divisor_s >= LEAST_STEP_S:
            return Step(float(self._divisor_s), "zeros")
        return Step(median(self._gaps) if self._gaps else FIRST_STEP_S, "missing")
