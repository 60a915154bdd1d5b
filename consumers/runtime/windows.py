"""Time as events tell it: watermarks merged from ticks, and panes.

In: ticks and the times of mentions, epoch milliseconds. Out: how far time has come, and the pane each mention counts
in. Pure; imports contracts alone.

A pane [s, s + P) is decided once watermark >= s + P + L, with L the allowed lateness. A mention whose pane is decided
counts in the earliest pane still open, and is marked late: nothing is lost. Source: the watermark model of Akidau et
al., "The Dataflow Model", VLDB 2015, section 2.3.

>>> panes = Panes(pane_ms=10_000, lateness_ms=5_000)
>>> panes.place(12_000, watermark_ms=20_000)
(10000, False)
>>> panes.place(2_000, watermark_ms=20_000)
(10000, True)
>>> panes.first_open(25_000)
20000
"""

from collections.abc import Iterable

from contracts.mentions import Tick

UNKNOWN_MS = -(2**62)


class Panes:
    """Place event times in panes of `pane_ms`, open until `lateness_ms` after their end."""

    def __init__(self, pane_ms: int, lateness_ms: int) -> None:
        if pane_ms <= 0 or lateness_ms < 0:
            raise ValueError(f"pane {pane_ms} ms, lateness {lateness_ms} ms; expected > 0 and >= 0")
        self._pane_ms = pane_ms
        self._lateness_ms = lateness_ms

    def first_open(self, watermark_ms: int) -> int:
        """Return the start of the earliest pane that is not decided yet."""
        return (watermark_ms - self._lateness_ms) // self._pane_ms * self._pane_ms

    def place(self, at_ms: int, *, watermark_ms: int) -> tuple[int, bool]:
        """Return (start of the pane that a time counts in, whether it came late)."""
        own = at_ms // self._pane_ms * self._pane_ms
        earliest = self.first_open(watermark_ms)
        return (own, False) if own >= earliest else (earliest, True)


class Watermarks:
    """Merge the watermarks of all input partitions into one that never goes back.

    `expected` names every (lane, partition); until each has told where it stands, time stands still. The least over
    inputs that are not idle; the media lane holds time back only where no text input is awake; with all of them idle,
    the furthest.
    """

    def __init__(self, expected: Iterable[tuple[str, int]]) -> None:
        self._unheard = set(expected)
        self._ticks: dict[tuple[str, int], Tick] = {}
        self._merged_ms = UNKNOWN_MS

    @property
    def merged_ms(self) -> int:
        """Return how far time has come, UNKNOWN_MS before all inputs have spoken."""
        return self._merged_ms

    def observe(self, tick: Tick) -> int:
        """Take in one tick; returns the merged watermark."""
        source = (tick.lane, tick.partition)
        known = self._ticks.get(source, tick)
        # The newest tick says whether its input is idle; its time never goes back.
        furthest_ms = max(tick.watermark_ms, known.watermark_ms)
        self._ticks[source] = Tick(tick.lane, tick.partition, furthest_ms, tick.idle)
        self._unheard.discard(source)
        if not self._unheard:
            self._merged_ms = max(self._merged_ms, self._least())
        return self._merged_ms

    def _least(self) -> int:
        awake = [tick for tick in self._ticks.values() if not tick.idle]
        first = [tick for tick in awake if tick.lane != "media"] or awake
        if first:
            return min(tick.watermark_ms for tick in first)
        return max(tick.watermark_ms for tick in self._ticks.values())
