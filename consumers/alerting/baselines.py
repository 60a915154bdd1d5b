"""What is usual for the series of one watch, by length of window, and how unusual a window is.

In: the counts of one window, by series. Out: for each series what was expected and how improbable the window is. State:
what the detectors learnt, written once an hour under `base/`, and the windows learnt since then under `since/`, so that
a change is small and a restart learns the same again. Imports models.bursts and the state's protocol.

A series is a pair (group, measure). Counts (`volume`, `negative`) are judged alone, shares (`share:negative`,
`share:emotion:anger`) as hits out of a total.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from consumers.protocols import State
from models.bursts.bank import Bank
from models.bursts.readings import Readings
from models.bursts.shares import ShareBank

HOUR_MS = 3_600_000
SHARE = "share:"


class Usual(NamedTuple):
    """Hold what a series was expected to be, and how improbable it is that it strays so far, in (0, 1]."""

    expected: float
    probability: float
    score: float


class Learnt(msgspec.Struct, array_like=True):
    """Hold what was learnt up to `at_ms`: the series in order and the detectors' own bytes."""

    counts: list[str]
    shares: list[str]
    at_ms: int
    count_state: bytes
    share_state: bytes


class Lesson(msgspec.Struct, array_like=True, frozen=True):
    """Hold one window that was learnt: its end, and by series the count, or hits and total."""

    end_ms: int
    counts: dict[str, int]
    shares: dict[str, tuple[int, int]]


class Windowed(NamedTuple):
    """Hold the counts of one window, by series; what is left out is zero."""

    end_ms: int
    counts: Mapping[str, int]
    shares: Mapping[str, tuple[int, int]]


class Baselines:
    """Judge and learn windows of one length.

    `memory` is a cache that several batches share: what was learnt up to a moment, by state key and moment. Nothing
    depends on whether an entry is there.
    """

    def __init__(self, key: str, *, window_s: int, state: State, memory: "Memory") -> None:
        self._base_key = f"base/{key}/{window_s}"
        self._since_key = f"since/{key}/{window_s}"
        self._window_s = window_s
        self._state = state
        self._memory = memory

    def judge(self, seen: Windowed, *, learn: bool) -> dict[str, Usual]:
        """Return how unusual each series of a window is; with `learn` it also becomes part of what is usual."""
        detectors = self._detectors()
        detectors.follow(seen)
        usual = detectors.update(seen)
        if learn:
            self._keep(detectors, seen)
        return usual

    def forget(self) -> None:
        """Remove everything from the state."""
        self._state.delete(self._base_key)
        self._state.delete(self._since_key)

    def _keep(self, detectors: "_Detectors", seen: Windowed) -> None:
        since = self._since()
        learnt = detectors.learnt(seen.end_ms)
        if not since or since[0].end_ms // HOUR_MS != seen.end_ms // HOUR_MS:
            self._state.put(self._base_key, msgspec.msgpack.encode(learnt))
            since = []
        since.append(Lesson(seen.end_ms, dict(seen.counts), dict(seen.shares)))
        self._state.put(self._since_key, msgspec.msgpack.encode(since))
        self._memory.keep(self._base_key, learnt)

    def _since(self) -> list[Lesson]:
        raw = self._state.get(self._since_key)
        return [] if raw is None else _LESSONS.decode(raw)

    def _detectors(self) -> "_Detectors":
        since = self._since()
        if not since:
            return _Detectors.fresh(self._window_s)
        cached = self._memory.find(self._base_key, since[-1].end_ms)
        if cached is not None:
            return _Detectors.of(cached, window_s=self._window_s)
        return self._learnt_again(since)

    def _learnt_again(self, since: Sequence[Lesson]) -> "_Detectors":
        """Return the detectors as they were: the hour's state holds its first lesson, the rest is taught again."""
        raw = self._state.get(self._base_key)
        if raw is None:
            return _Detectors.fresh(self._window_s)
        detectors = _Detectors.of(_LEARNT.decode(raw), window_s=self._window_s)
        for lesson in since[1:]:
            seen = Windowed(lesson.end_ms, lesson.counts, lesson.shares)
            detectors.follow(seen)
            detectors.update(seen)
        return detectors


class Memory:
    """Cache the newest few states of each key; bounded."""

    def __init__(self, keys: int = 4000) -> None:
        self._keys = keys
        self._kept: dict[str, list[Learnt]] = {}

    def keep(self, key: str, learnt: Learnt) -> None:
        """Add the state of a moment and let go of all but the last two."""
        self._kept[key] = [*self._kept.pop(key, ())[-1:], learnt]
        if len(self._kept) > self._keys:
            del self._kept[next(iter(self._kept))]

    def find(self, key: str, at_ms: int) -> Learnt | None:
        """Return the state of a key at exactly that moment, where it is still here."""
        return next((item for item in self._kept.get(key, ()) if item.at_ms == at_ms), None)


class _Detectors:
    """The two banks of one length of window, and which series stands where."""

    def __init__(self, learnt: Learnt, *, window_s: int) -> None:
        self._counts, self._shares = list(learnt.counts), list(learnt.shares)
        self._window_s = window_s
        self._count_bank = Bank(0, step_s=window_s)
        self._share_bank = ShareBank(0, step_s=window_s)
        if learnt.count_state:
            self._count_bank.restore(learnt.count_state)
            self._share_bank.restore(learnt.share_state)

    @classmethod
    def fresh(cls, window_s: int) -> "_Detectors":
        return cls(Learnt([], [], 0, b"", b""), window_s=window_s)

    @classmethod
    def of(cls, learnt: Learnt, *, window_s: int) -> "_Detectors":
        return cls(learnt, window_s=window_s)

    def follow(self, seen: Windowed) -> None:
        """Add the series that were never seen, in the order of their names."""
        new = sorted(seen.counts.keys() - set(self._counts))
        if new:
            self._counts += new
            self._count_bank.grow(len(new))
        new = sorted(seen.shares.keys() - set(self._shares))
        if new:
            self._shares += new
            self._share_bank.grow(len(new))

    def update(self, seen: Windowed) -> dict[str, Usual]:
        begin_s = seen.end_ms / 1000 - self._window_s
        values = np.array([seen.counts.get(name, 0) for name in self._counts], np.float64)
        pairs = [seen.shares.get(name, (0, 0)) for name in self._shares]
        hits = np.array([hit for hit, _ in pairs], np.float64)
        totals = np.array([total for _, total in pairs], np.float64)
        usual: dict[str, Usual] = {}
        if self._counts:
            usual |= _by_name(self._counts, self._count_bank.update(begin_s, values))
        if self._shares:
            usual |= _by_name(self._shares, self._share_bank.update(begin_s, hits, totals=totals))
        return usual

    def learnt(self, at_ms: int) -> Learnt:
        states = self._count_bank.state(), self._share_bank.state()
        return Learnt(list(self._counts), list(self._shares), at_ms, *states)


def _by_name(names: Sequence[str], readings: Readings) -> dict[str, Usual]:
    rows = zip(
        names,
        readings.expected.tolist(),
        readings.probability.tolist(),
        readings.score.tolist(),
        strict=True,
    )
    return {
        name: Usual(expected, probability, score) for name, expected, probability, score in rows
    }


_LESSONS = msgspec.msgpack.Decoder(list[Lesson])
_LEARNT = msgspec.msgpack.Decoder(Learnt)
