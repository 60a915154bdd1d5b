"""All that a bank remembers of its series, in one record of records of arrays.

In: a number of series. Out: `Parts`; grown, taken apart into arrays for storage, and joined again. Pure; imports numpy
and models.bursts.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from models.bursts import (
    baseline,
    counting,
    holding,
    novelty,
    own_tail,
    pace,
    spike,
    storage,
    waiting,
)
from models.bursts.readings import Floats
from models.bursts.storage import Arrays


class Parts(NamedTuple):
    """Hold the state of every statistic; `held` is [n, STATISTICS]."""

    pace: pace.PaceState
    baseline: baseline.Baseline
    spike: spike.Spike
    novelty: novelty.Novelty
    counting: counting.Counting
    tail: own_tail.OwnTail
    waiting: waiting.Waiting
    held: Floats


def fresh(n: int) -> Parts:
    """Return the state of `n` series that were never seen."""
    return Parts(
        pace=pace.fresh(n),
        baseline=baseline.fresh(n),
        spike=spike.fresh(n),
        novelty=novelty.fresh(n),
        counting=counting.fresh(n),
        tail=own_tail.fresh(n),
        waiting=waiting.fresh(n),
        held=holding.fresh(n),
    )


def arrays_of(parts: Parts) -> Arrays:
    """Return every array of `parts`, always in the same order."""
    return [
        *parts.pace,
        *parts.baseline,
        *parts.spike,
        *parts.novelty,
        *parts.counting,
        *parts.tail,
        *parts.waiting,
        parts.held,
    ]


def of_arrays(arrays: Arrays) -> Parts:
    """Return the parts whose arrays these are, in the order of `arrays_of`."""
    left = iter(arrays)
    return Parts(
        pace=pace.PaceState(*_take(left, pace.PaceState._fields)),
        baseline=baseline.Baseline(*_take(left, baseline.Baseline._fields)),
        spike=spike.Spike(*_take(left, spike.Spike._fields)),
        novelty=novelty.Novelty(*_take(left, novelty.Novelty._fields)),
        counting=counting.Counting(*_take(left, counting.Counting._fields)),
        tail=own_tail.OwnTail(*_take(left, own_tail.OwnTail._fields)),
        waiting=waiting.Waiting(*_take(left, waiting.Waiting._fields)),
        held=next(left),
    )


def grown(parts: Parts, more: Parts) -> Parts:
    """Return `parts` with the series of `more` behind its own."""
    return of_arrays(storage.grown(arrays_of(parts), arrays_of(more)))


def skip(parts: Parts, steps: int, *, at_s: float, step_s: float) -> None:
    """Learn `steps` zeros at once, the last just before `at_s`, in a time that does not depend on their number."""
    kept = pace.kept_after(parts.pace, steps, step_s=step_s)
    now = pace.foretell(parts.pace, step_s)
    expected = np.maximum(baseline.expect(parts.baseline, at_s, least=parts.pace.least), 0.0)
    scale = np.maximum(baseline.scale_of(parts.baseline, expected, unit=now.unit), 1e-12)
    baseline.skip(parts.baseline, steps, at_s=at_s, step_s=step_s, kept=kept)
    spike.skip(parts.spike, steps, kept=kept)
    novelty.observe(parts.novelty, -expected / scale, times=steps)
    counting.skip(parts.counting, steps, expected=expected, kept=kept)
    own_tail.skip(parts.tail, steps, step_s=step_s)
    parts.waiting.steps[:] += steps
    parts.held[:] *= holding.left_after(steps, step_s=step_s)
    pace.skip(parts.pace, steps)


def _take(arrays: Iterator[npt.NDArray[Any]], fields: tuple[str, ...]) -> list[npt.NDArray[Any]]:
    return [next(arrays) for _ in fields]
