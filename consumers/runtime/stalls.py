"""Stalls: partitions that silently stop, told from those that have nothing to give.

In: positions and ends as they are from time to time. Out: the inputs that stood still too long with records ahead.
Pure: the clock is passed in. Needed because kafka-python can stop fetching a partition without an error.
"""

from collections.abc import Iterable, Mapping

from consumers.protocols import Input


class Stalls:
    """Remember when each input last moved."""

    def __init__(self, limit_ms: int) -> None:
        self._limit_ms = limit_ms
        self._moved: dict[Input, tuple[int, int]] = {}

    def observe(
        self, positions: Mapping[Input, tuple[int, int]], *, paused: Iterable[Input], now_ms: int
    ) -> list[Input]:
        """Return the inputs whose position has not moved for the limit while their end was ahead."""
        resting = set(paused)
        self._moved = {source: at for source, at in self._moved.items() if source in positions}
        stalled = []
        for source, (position, end) in positions.items():
            known, since_ms = self._moved.get(source, (-1, now_ms))
            if position != known or position >= end or source in resting:
                self._moved[source] = (position, now_ms)
            elif now_ms - since_ms >= self._limit_ms:
                stalled.append(source)
        return stalled
