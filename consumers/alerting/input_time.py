"""How far event time has come for one partition of mentions, as its ticks tell it.

In: ticks. Out: the merged watermark. The newest tick of each input is kept under `ticks`.
"""

from collections.abc import Iterable, Sequence
from typing import Self

import msgspec

from consumers.protocols import State
from consumers.runtime.windows import Watermarks
from contracts.mentions import Tick

KEY = "ticks"


class InputTime:
    """Follow one partition within one batch."""

    def __init__(self, ticks: Iterable[Tick], *, expected: Sequence[tuple[str, int]]) -> None:
        self._watermarks = Watermarks(expected)
        self._ticks: dict[tuple[str, int], Tick] = {}
        self._is_changed = False
        for tick in ticks:
            self.observe(tick)
        self._is_changed = False

    @classmethod
    def read(cls, state: State, *, expected: Sequence[tuple[str, int]]) -> Self:
        """Return what the state remembers."""
        raw = state.get(KEY)
        return cls([] if raw is None else _DECODER.decode(raw), expected=expected)

    @property
    def merged_ms(self) -> int:
        """Return the merged watermark."""
        return self._watermarks.merged_ms

    def observe(self, tick: Tick) -> int:
        """Take in one tick; returns the merged watermark."""
        source = (tick.lane, tick.partition)
        known = self._ticks.get(source, tick)
        furthest_ms = max(tick.watermark_ms, known.watermark_ms)
        self._ticks[source] = Tick(tick.lane, tick.partition, furthest_ms, tick.idle)
        self._is_changed = True
        return self._watermarks.observe(tick)

    def write(self, state: State) -> None:
        """Keep the ticks where one came."""
        if self._is_changed:
            ticks = [self._ticks[source] for source in sorted(self._ticks)]
            state.put(KEY, msgspec.msgpack.encode(ticks))


_DECODER = msgspec.msgpack.Decoder(list[Tick])
