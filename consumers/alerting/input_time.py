"""How far event time has come for one partition of mentions, as its ticks tell it.

In: ticks. Out: the merged watermark, which never goes back. Kept under `ticks`: it and the newest tick of each input.
"""

from collections.abc import Sequence
from typing import Self

import msgspec

from consumers.protocols import State
from consumers.runtime.windows import UNKNOWN_MS, Watermarks
from contracts.mentions import Tick

KEY = "ticks"


class Heard(msgspec.Struct, array_like=True, frozen=True):
    """Hold how far time has come, which the ticks do not say where an input slept, and the newest tick of each."""

    merged_ms: int = UNKNOWN_MS
    ticks: tuple[Tick, ...] = ()


class InputTime:
    """Follow one partition within one batch."""

    def __init__(self, heard: Heard, *, expected: Sequence[tuple[str, int]]) -> None:
        self._watermarks = Watermarks(expected)
        self._ticks = {(tick.lane, tick.partition): tick for tick in heard.ticks}
        self._merged_ms = heard.merged_ms
        self._is_changed = False
        # The awaited last: time is told first when all the others are known, so it is not told of a part of them.
        for tick in sorted(heard.ticks, key=lambda tick: (tick.lane, tick.partition) in expected):
            self._watermarks.observe(tick)

    @classmethod
    def read(cls, state: State, *, expected: Sequence[tuple[str, int]]) -> Self:
        """Return what the state remembers."""
        raw = state.get(KEY)
        return cls(Heard() if raw is None else _DECODER.decode(raw), expected=expected)

    @property
    def merged_ms(self) -> int:
        """Return the merged watermark."""
        return self._merged_ms

    def observe(self, tick: Tick) -> int:
        """Take in one tick; returns the merged watermark."""
        source = (tick.lane, tick.partition)
        known = self._ticks.get(source, tick)
        furthest_ms = max(tick.watermark_ms, known.watermark_ms)
        self._ticks[source] = Tick(tick.lane, tick.partition, furthest_ms, tick.idle)
        self._is_changed = True
        self._merged_ms = max(self._merged_ms, self._watermarks.observe(tick))
        return self._merged_ms

    def write(self, state: State) -> None:
        """Keep what was heard where a tick came."""
        if self._is_changed:
            ticks = tuple(self._ticks[source] for source in sorted(self._ticks))
            state.put(KEY, msgspec.msgpack.encode(Heard(self._merged_ms, ticks)))


_DECODER = msgspec.msgpack.Decoder(Heard)
