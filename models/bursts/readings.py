"""What a bank of detectors answers at one moment, for each of its series, and what a step is.

In: nothing. Out: the records `Readings` and `Step`. Pure; imports numpy alone.
"""

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Gaps = Literal["zeros", "missing"]

# At this score and above a moment is called a burst: the product's default, and the benchmark's one threshold.
THRESHOLD = 0.5


class Step(NamedTuple):
    """Hold the length of a step, and what steps left out are: zeros of a count, or values that nobody measured."""

    length_s: float
    gaps: Gaps = "zeros"


class Readings(NamedTuple):
    """Hold arrays [n], one entry a series, in the order in which the series were added.

    `expected` is what the baseline foretold before it saw the value, and `scale` how far values usually stray from it
    (one standard deviation), both in the value's own unit. `probability`, in (0, 1], is how often chance takes a value
    so far to either side of what was expected; it stays small while a burst lasts. `score`, in [0, 1], is how rare this
    moment is among all that the series has shown, `THRESHOLD` for every series alike; it comes once: after a burst it
    is 0 until something clearly greater comes, or hours have passed.
    """

    expected: Floats
    scale: Floats
    probability: Floats
    score: Floats
