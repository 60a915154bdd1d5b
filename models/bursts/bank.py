"""Many series watched at once: a bank of detectors, values in, readings out.

In: the time of a step and values [n], one a series. Out: `Readings`, arrays [n]. Pure and strictly causal: a reading
depends on its own and earlier values alone; no range, length or unit is told in advance. Imports numpy and
models.bursts.

    >>> bank = Bank(2, step_s=60.0)
    >>> for minute in range(100):
    ...     readings = bank.update(60.0 * minute, np.array([5.0, 0.0]))
    >>> readings = bank.update(6_000.0, np.array([5.0, 40.0]))
    >>> (readings.score >= THRESHOLD).tolist()
    [False, True]
"""

from copy import copy

import numpy as np

from contracts.errors import InvalidInput
from models.bursts import baseline, counting, novelty, own_tail, pace, parts, spike, waiting
from models.bursts.combining import levelled, rarest, score_of
from models.bursts.holding import STATISTICS, let_through
from models.bursts.readings import THRESHOLD, Floats, Gaps, Readings, Step
from models.bursts.storage import pack, unpack
from models.bursts.tails import count_deviation, two_sided

__all__ = ["THRESHOLD", "Bank"]

VERSION = 1
# What is learnt step by step of a gap; what lies beyond is learnt at once, whatever its length.
STEPS_ONE_BY_ONE = 12
# Squares of values must stay finite.
LARGEST = 1e100


class Bank:
    """Watch `n` series in steps of `step_s` seconds.

    With `gaps="zeros"`, the default, a series is a count, and steps left out are steps in which nothing came. With
    `gaps="missing"` it is a measurement that nobody took, of which nothing is learnt. One thread.
    """

    def __init__(self, n: int, *, step_s: float, gaps: Gaps = "zeros") -> None:
        self._usual_step = Step(step_s, gaps)
        self._at_s = -np.inf
        self._parts = parts.fresh(n)

    def __len__(self) -> int:
        return len(self._parts.pace.seen)

    def update(self, at_s: float, values: Floats, *, step: Step | None = None) -> Readings:
        """Judge `values` [n] of the step that begins at `at_s`, in Unix seconds, then learn them.

        `step` is given where it is not the bank's usual one. Raises InvalidInput where the time does not go on, a value
        is not finite, or they are not n.
        """
        values = self._checked(at_s, values)
        step = step or self._usual_step
        if step.gaps == "zeros" and np.isfinite(self._at_s):
            self._pass_gap(at_s, step_s=step.length_s)
        self._at_s = at_s
        return self._step(at_s, values, step_s=step.length_s)

    def grow(self, n: int) -> None:
        """Add `n` series at the end, which were never seen."""
        self._parts = parts.grown(self._parts, parts.fresh(n))

    def copy(self) -> "Bank":
        """Return a bank that learnt the same and may be taught apart."""
        twin = copy(self)
        arrays = [array.copy() for array in parts.arrays_of(self._parts)]
        twin._parts = parts.of_arrays(arrays)
        return twin

    def state(self) -> bytes:
        """Return everything that was learnt."""
        return pack(parts.arrays_of(self._parts), version=VERSION, at_s=self._at_s)

    def restore(self, state: bytes) -> None:
        """Take over what `state` learnt, however many series this bank had.

        Raises StateInvalid where another version wrote it.
        """
        empty = parts.arrays_of(parts.fresh(0))
        self._at_s, arrays = unpack(state, version=VERSION, empty=empty)
        self._parts = parts.of_arrays(arrays)

    def _pass_gap(self, at_s: float, *, step_s: float) -> None:
        """Learn the steps left out before `at_s` as zeros."""
        left_out = round((at_s - self._at_s) / step_s) - 1
        at_once = max(left_out - STEPS_ONE_BY_ONE, 0)
        if at_once:
            parts.skip(self._parts, at_once, at_s=self._at_s + at_once * step_s, step_s=step_s)
        zeros = np.zeros(len(self))
        for step in range(at_once, left_out):
            self._step(self._at_s + (step + 1) * step_s, zeros, step_s=step_s)

    def _step(self, at_s: float, values: Floats, *, step_s: float) -> Readings:
        kept = self._parts
        known = kept.pace.seen.copy()
        now = pace.observe(kept.pace, values, step_s=step_s)
        told = baseline.observe(kept.baseline, values, at_s=at_s, least=kept.pace.least, pace=now)
        statistics = np.zeros((len(self), STATISTICS))
        statistics[:, 0] = spike.observe(kept.spike, values, pace=now)
        statistics[:, 1], statistics[:, 2] = told.deviation, told.lasting
        # Heavy tails fall exponentially in logarithms; novelty is one already.
        statistics = np.log1p(np.abs(statistics))
        statistics[:, 3] = novelty.observe(kept.novelty, told.deviation)
        peaks = let_through(kept.held, statistics, step_s=step_s)
        surprises = own_tail.observe(kept.tail, peaks, step_s=step_s)
        chance = counting.observe(kept.counting, values, expected=told.expected, pace=now)
        nats = waiting.observe(
            kept.waiting, rarest(surprises, seen=known), by_chance=levelled(chance)
        )
        return Readings(
            expected=told.expected,
            scale=told.scale,
            probability=self._probability(values, told=told, seen=known),
            score=score_of(nats),
        )

    def _probability(self, values: Floats, *, told: baseline.Foretold, seen: Floats) -> Floats:
        mean = np.maximum(told.expected, 1.0 / (seen + 1.0))
        counts = count_deviation(values, expected=mean, unit=told.scale * told.scale / mean)
        return two_sided(np.where(self._parts.pace.least >= 0, counts, told.deviation))

    def _checked(self, at_s: float, values: Floats) -> Floats:
        values = np.asarray(values, np.float64)
        if values.shape != (len(self),):
            raise InvalidInput(f"values have the shape {values.shape}, expected ({len(self)},)")
        if not (np.abs(values) <= LARGEST).all():
            place = int(np.flatnonzero(~(np.abs(values) <= LARGEST))[0])
            raise InvalidInput(
                f"value {place} is {values[place]}, expected a number within ±{LARGEST:g}"
            )
        if not at_s > self._at_s:
            raise InvalidInput(f"time {at_s} does not go on: the last step was at {self._at_s}")
        return values
