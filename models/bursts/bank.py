"""Many series watched at once: a bank of detectors, values in, readings out.

In: the time of a step and values [n], one a series. Out: `Readings`, arrays [n]. Pure and strictly causal: a reading
depends on its own and earlier values alone. Imports numpy and models.bursts.

    >>> bank = Bank(2, step_s=60.0)
    >>> for minute in range(60):
    ...     readings = bank.update(60.0 * minute, np.array([5.0, 0.0]))
    >>> readings = bank.update(3_600.0, np.array([5.0, 40.0]))
    >>> (readings.score >= THRESHOLD).tolist()
    [False, True]
"""

import numpy as np

from contracts.errors import InvalidInput
from models.bursts import baseline
from models.bursts.readings import THRESHOLD, Floats, Readings
from models.bursts.storage import grown, pack, unpack
from models.bursts.tails import count_deviation, upper_tail

VERSION = 1

__all__ = ["THRESHOLD", "Bank"]


class Bank:
    """Watch `n` series that are counted in steps of `step_s` seconds; steps left out are zeros.

    One thread; `update` in the order of time.
    """

    def __init__(self, n: int, *, step_s: float) -> None:
        self._step_s = step_s
        self._at_s = -np.inf
        self._baseline = baseline.fresh(n)

    def __len__(self) -> int:
        return len(self._baseline.steps)

    def update(self, at_s: float, values: Floats) -> Readings:
        """Judge `values` [n] of the step that begins at `at_s`, in Unix seconds, then learn them.

        Raises InvalidInput where the time does not go on, a value is not finite, or they are not n.
        """
        values = self._checked(at_s, values)
        self._at_s = at_s
        expected, scale = baseline.observe(self._baseline, values, at_s=at_s, step_s=self._step_s)
        probability = self._probability(values, expected=expected, scale=scale)
        return Readings(expected, scale, probability, np.clip(-np.log10(probability) / 16, 0, 1))

    def grow(self, n: int) -> None:
        """Add `n` series at the end, which were never seen."""
        self._baseline = baseline.Baseline(*grown(self._baseline, baseline.fresh(n)))

    def state(self) -> bytes:
        """Return everything that was learnt."""
        return pack(self._baseline, version=VERSION, at_s=self._at_s)

    def restore(self, state: bytes) -> None:
        """Take over what `state` learnt, however many series this bank had.

        Raises StateInvalid where another version wrote it.
        """
        empty = baseline.fresh(0)
        self._at_s, arrays = unpack(state, version=VERSION, empty=empty)
        self._baseline = baseline.Baseline(*arrays)

    def _probability(self, values: Floats, *, expected: Floats, scale: Floats) -> Floats:
        mean = np.maximum(expected, 1.0 / (self._baseline.steps + 1.0))
        deviations = np.where(
            self._baseline.least >= 0,
            count_deviation(values, expected=mean, unit=scale * scale / mean),
            (values - expected) / scale,
        )
        return np.minimum(2.0 * upper_tail(np.abs(deviations)), 1.0)

    def _checked(self, at_s: float, values: Floats) -> Floats:
        values = np.asarray(values, np.float64)
        if values.shape != (len(self),):
            raise InvalidInput(
                f"the bank got values of shape {values.shape}, expected ({len(self)},)"
            )
        if not np.isfinite(values).all():
            place = int(np.flatnonzero(~np.isfinite(values))[0])
            raise InvalidInput(f"value {place} is {values[place]}, expected a finite number")
        if not at_s > self._at_s:
            raise InvalidInput(f"time {at_s} does not go on: the last step was at {self._at_s}")
        return values
