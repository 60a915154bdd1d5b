"""Event time of one input partition: how far it has come, and whether it runs with the clock.

In: when events were observed and received, epoch milliseconds. Out: a watermark that never goes back. Pure.

An event from the future counts as of its receipt, so that one wrong clock cannot make all others late. While a live
input is silent its time goes on with the clock; that of a replay stands still, so that a replay gives the same answer
at any speed.
"""

from typing import Self

import msgspec

from consumers.protocols import State
from consumers.runtime.windows import UNKNOWN_MS

KEY = "event-time"
LIVE_WITHIN_MS = 60_000


class Reached(msgspec.Struct, frozen=True):
    """How far time has come: the latest `observed_ms`, and when the event that said so was received."""

    observed_ms: int = UNKNOWN_MS
    received_ms: int = UNKNOWN_MS


class EventTime:
    """Follow one partition; `note` in a batch, `applied` once it has committed."""

    def __init__(self, kept: Reached) -> None:
        self._kept = kept
        self._noted = kept

    @classmethod
    def read(cls, state: State) -> Self:
        """Return what the state remembers."""
        raw = state.get(KEY)
        return cls(Reached() if raw is None else _DECODER.decode(raw))

    def note(self, observed_ms: int, received_ms: int) -> None:
        """Take in one event."""
        at = min(observed_ms, received_ms)
        if at > self._noted.observed_ms:
            self._noted = Reached(at, received_ms)

    def write(self, state: State) -> None:
        """Put the time into the state where it has moved."""
        if self._noted != self._kept:
            state.put(KEY, msgspec.json.encode(self._noted))

    def applied(self) -> None:
        """Keep what was noted."""
        self._kept = self._noted

    def discarded(self) -> None:
        """Forget what was noted since the last `applied`."""
        self._noted = self._kept

    def reached_ms(self, now_ms: int, *, idle_ms: int) -> int:
        """Return the watermark, epoch milliseconds; `idle_ms` is for how long the drained input has been silent."""
        is_live = self._kept.received_ms - self._kept.observed_ms <= LIVE_WITHIN_MS
        if idle_ms and is_live and self._kept.observed_ms != UNKNOWN_MS:
            return max(self._kept.observed_ms, now_ms - LIVE_WITHIN_MS)
        return self._kept.observed_ms


_DECODER = msgspec.json.Decoder(Reached)
