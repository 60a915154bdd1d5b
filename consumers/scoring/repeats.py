"""Repeats: the same (tenant, source, id) within a day is not a second voice.

In: hashes of what arrived, with the time of the batch that they came in. Out: which of a batch were there before, and
the state that remembers them: 8 bytes each, in one entry a batch, gone a day later. Pure; knows neither Kafka nor
events.

Two different events share a 64-bit hash with a chance of n²/2⁶⁵: 2 in a million for ten million a day.
"""

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from consumers.protocols import State

HOUR_MS = 3_600_000
PREFIX = "repeats/"
HASH = np.dtype("<u8")
RECENT_LIMIT = 20_000
MERGE_SEGMENTS = 64
MERGE_BYTES = 32_768
Hashes = npt.NDArray[np.uint64]


def repeat_hash(tenant: str, source: str, *, event_id: str) -> int:
    """Return 64 bits of BLAKE2b over the three parts, each behind its length."""
    parts = [part.encode() for part in (tenant, source, event_id)]
    framed = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return int.from_bytes(hashlib.blake2b(framed, digest_size=8).digest(), "little")


class _Hour:
    """Hold the hashes of one hour: sorted ones, and a small set of the newest."""

    def __init__(self) -> None:
        self._sorted: Hashes = np.empty(0, dtype=HASH)
        self._recent: set[int] = set()

    def add(self, hashes: Sequence[int]) -> None:
        self._recent.update(hashes)
        if len(self._recent) > RECENT_LIMIT:
            newest = np.fromiter(self._recent, dtype=HASH, count=len(self._recent))
            self._sorted = np.union1d(self._sorted, newest)
            self._recent = set()

    def __contains__(self, value: int) -> bool:
        if value in self._recent:
            return True
        if not len(self._sorted):
            return False
        at = int(self._sorted.searchsorted(np.uint64(value)))
        return at < len(self._sorted) and int(self._sorted[at]) == value


class Repeats:
    """Remember one input partition's hashes for `hours`.

    `seen` looks up and notes within a batch; `write` puts the batch's own into its state; `applied` keeps them once
    the transaction has committed, `discarded` forgets them where it has not.
    """

    def __init__(self, hours: int) -> None:
        self._hours = hours
        self._kept: dict[int, _Hour] = {}
        self._noted: dict[int, list[int]] = {}
        self._noted_set: set[int] = set()
        self._latest_ms = 0

    def load(self, state: State) -> None:
        """Read what the state remembers."""
        for key, value in state.scan(PREFIX):
            hour = _hour_of(key)
            self._kept.setdefault(hour, _Hour()).add(np.frombuffer(value, HASH).tolist())
            self._latest_ms = max(self._latest_ms, hour * HOUR_MS)

    def seen(self, value: int, at_ms: int) -> bool:
        """Say whether a hash came within the hours before `at_ms`; if not, note it."""
        if value in self._noted_set or self._was_kept(value, at_ms):
            return True
        self._noted.setdefault(at_ms // HOUR_MS, []).append(value)
        self._noted_set.add(value)
        return False

    def write(self, state: State, offset: int) -> None:
        """Put the batch's hashes under its first `offset`, and remove the hours that are over."""
        for hour, hashes in self._noted.items():
            state.put(_key(hour, offset), np.array(hashes, dtype=HASH).tobytes())
            _merge_small(state, hour)
        latest = max([self._latest_ms, *(hour * HOUR_MS for hour in self._noted)])
        for key in list(_expired(state, latest // HOUR_MS - self._hours - 1)):
            state.delete(key)

    def applied(self) -> None:
        """Keep what was noted."""
        for hour, hashes in self._noted.items():
            self._kept.setdefault(hour, _Hour()).add(hashes)
            self._latest_ms = max(self._latest_ms, hour * HOUR_MS)
        oldest = self._latest_ms // HOUR_MS - self._hours - 1
        self._kept = {hour: kept for hour, kept in self._kept.items() if hour >= oldest}
        self.discarded()

    def discarded(self) -> None:
        """Forget what was noted since the last `applied`."""
        self._noted = {}
        self._noted_set = set()

    def _was_kept(self, value: int, at_ms: int) -> bool:
        oldest = at_ms // HOUR_MS - self._hours
        return any(hour >= oldest and value in kept for hour, kept in self._kept.items())


def _key(hour: int, offset: int) -> str:
    return f"{PREFIX}{hour:010d}/{offset:020d}"


def _hour_of(key: str) -> int:
    return int(key.split("/")[1])


def _expired(state: State, oldest: int) -> Iterator[str]:
    for key, _ in state.scan(PREFIX):
        if _hour_of(key) >= oldest:
            return
        yield key


def _merge_small(state: State, hour: int) -> None:
    """Join an hour's small entries into its first, so that quiet streams do not leave one for each record."""
    small = [
        (key, value)
        for key, value in state.scan(f"{PREFIX}{hour:010d}/")
        if len(value) < MERGE_BYTES
    ]
    if len(small) > MERGE_SEGMENTS:
        state.put(small[0][0], b"".join(value for _, value in small))
        for key, _ in small[1:]:
            state.delete(key)
