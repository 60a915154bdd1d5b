"""What is usual for the series of one watch, by length of window, and how unusual a window is.

In: the counts of one window, by series. Out: for each series what was expected and how improbable the window is. State:
what the detectors learnt, written once an hour under `base/`, and the windows learnt since then under `since/`, so that
a change is small and a restart learns the same again. Imports models.bursts and the state's protocol.

A series is a pair (group, measure). Counts (`volume`, `negative`) are judged alone, shares (`share:negative`,
`share:emotion:anger`) as hits out of a total.
"""

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from typing import NamedTuple

import msgspec
import numpy as np

from consumers.protocols import State
from models.bursts.bank import Bank
from models.bursts.readings import Readings, Step
from models.bursts.shares import ShareBank

HOUR_MS = 3_600_000
# So many lessons share a key.
BLOCK = 10
# A series takes a kilobyte or so: 200 MB at most.
SERIES_AT_HAND = 200_000
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


class Windowed(NamedTuple):
    """Hold the counts of one window, by series; what is left out is zero.

    `is_after_rest` says that nobody listened before it: what lies between it and the last one is not known.
    """

    end_ms: int
    counts: Mapping[str, int]
    shares: Mapping[str, tuple[int, int]]
    is_after_rest: bool = False


class Lesson(msgspec.Struct, array_like=True, frozen=True):
    """Hold one window that was learnt: its end, and the counts, or hits and totals, of its block's series in order."""

    end_ms: int
    counts: list[int]
    shares: list[tuple[int, int]]
    is_after_rest: bool = False


class Block(msgspec.Struct, array_like=True):
    """Hold windows that were learnt, and once for all of them the names of their series."""

    counts: list[str]
    shares: list[str]
    lessons: list[Lesson] = []

    def takes(self, seen: Windowed) -> bool:
        """Say whether a window has its place here."""
        is_alike = self.counts == list(seen.counts) and self.shares == list(seen.shares)
        return is_alike and len(self.lessons) < BLOCK

    def add(self, seen: Windowed) -> None:
        """Add a window that it takes."""
        lesson = Lesson(
            seen.end_ms, list(seen.counts.values()), list(seen.shares.values()), seen.is_after_rest
        )
        self.lessons = [*self.lessons, lesson]

    def windows(self) -> Iterator[Windowed]:
        """Yield the windows in order."""
        for lesson in self.lessons:
            counts = dict(zip(self.counts, lesson.counts, strict=True))
            shares = dict(zip(self.shares, lesson.shares, strict=True))
            yield Windowed(lesson.end_ms, counts, shares, lesson.is_after_rest)


class Baselines:
    """Judge and learn windows of one length.

    `memory` is a cache that batches share: nothing depends on what it holds. `resumed_ms` is since when the watch is
    listened for again: between a window before and the first one after lie no zeros, but what nobody counted.
    """

    def __init__(
        self, key: str, *, window_s: int, state: State, memory: "Memory", resumed_ms: int = 0
    ) -> None:
        self._base_key = f"base/{key}/{window_s}"
        self._since_key = f"since/{key}/{window_s}/"
        self._window_s = window_s
        self._state = state
        self._memory = memory
        self._resumed_ms = resumed_ms

    def judge(self, seen: Windowed, *, learn: bool) -> dict[str, Usual]:
        """Return how unusual each series of a window is; with `learn` it also becomes part of what is usual."""
        detectors = self._detectors()
        seen = seen._replace(is_after_rest=detectors.at_ms < self._resumed_ms)
        if not learn:
            return detectors.copy().judge(seen)
        usual = detectors.judge(seen)
        self._keep(detectors, seen)
        return usual

    def _keep(self, detectors: "_Detectors", seen: Windowed) -> None:
        blocks = self._blocks()
        first = blocks[0][1].lessons[0] if blocks else None
        if first is None or first.end_ms // HOUR_MS != seen.end_ms // HOUR_MS:
            self._state.put(self._base_key, msgspec.msgpack.encode(detectors.learnt()))
            for key, _ in blocks:
                self._state.delete(key)
            blocks = []
        if not blocks or not blocks[-1][1].takes(seen):
            fresh = Block(list(seen.counts), list(seen.shares))
            blocks.append((f"{self._since_key}{len(blocks):03d}", fresh))
        key, block = blocks[-1]
        block.add(seen)
        self._state.put(key, msgspec.msgpack.encode(block))
        self._memory.keep(self._base_key, detectors, at_ms=seen.end_ms)

    def _blocks(self) -> list[tuple[str, Block]]:
        """Return the lessons since the hour's state, a few to a key: a key is written anew with each of its lessons."""
        return [(key, _BLOCK.decode(raw)) for key, raw in self._state.scan(self._since_key)]

    def _detectors(self) -> "_Detectors":
        """Return the detectors as they are, out of the cache or taught again from the state."""
        raw = [value for _, value in self._state.scan(self._since_key)]
        at_ms = _BLOCK.decode(raw[-1]).lessons[-1].end_ms if raw else 0
        cached = self._memory.find(self._base_key, at_ms)
        if cached is None:
            cached = self._taught([each for _, block in self._blocks() for each in block.windows()])
            self._memory.keep(self._base_key, cached, at_ms=at_ms)
        return cached

    def _taught(self, since: Sequence[Windowed]) -> "_Detectors":
        """Return the detectors as they were: the hour's state holds its first lesson, the rest is taught again."""
        raw = self._state.get(self._base_key)
        if raw is None:
            return _Detectors(self._window_s)
        detectors = _Detectors.of(_LEARNT.decode(raw), window_s=self._window_s)
        for seen in since[1:]:
            detectors.judge(seen)
        return detectors


class Memory:
    """Keep detectors at hand, of so many series in all; they are always true at the moment kept with them.

    What is handed out may be taught on: until it is kept again with a later moment, nobody finds it.
    """

    def __init__(self, series: int = SERIES_AT_HAND) -> None:
        self._room = series
        self._kept: dict[str, tuple[int, _Detectors]] = {}
        self._sizes: dict[str, int] = {}

    def keep(self, key: str, detectors: "_Detectors", *, at_ms: int) -> None:
        """Keep detectors that are true at `at_ms`, and let go of those kept longest ago where there is no room."""
        self._drop(key)
        self._kept[key] = (at_ms, detectors)
        self._sizes[key] = len(detectors)
        self._room -= len(detectors)
        while self._room < 0 and len(self._kept) > 1:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: str) -> None:
        self._kept.pop(key, None)
        self._room += self._sizes.pop(key, 0)

    def find(self, key: str, at_ms: int) -> "_Detectors | None":
        """Return the detectors of a key where they are true at exactly that moment."""
        kept_ms, detectors = self._kept.get(key, (0, None))
        if detectors is None or kept_ms != at_ms or detectors.at_ms != at_ms:
            return None
        return detectors

    def forget(self) -> None:
        """Let go of everything: another worker may have gone on with what is kept here."""
        for key in list(self._kept):
            self._drop(key)


class _Detectors:
    """The two banks of one length of window, and which series stands where; `at_ms` is the newest window judged."""

    def __init__(self, window_s: int) -> None:
        self.at_ms = 0
        self._counts: list[str] = []
        self._shares: list[str] = []
        self._window_s = window_s
        self._count_bank = Bank(0, step_s=window_s)
        self._share_bank = ShareBank(0, step_s=window_s)

    def __len__(self) -> int:
        return len(self._counts) + len(self._shares)

    @classmethod
    def of(cls, learnt: Learnt, *, window_s: int) -> "_Detectors":
        """Return the detectors that learnt so much."""
        detectors = cls(window_s)
        detectors.at_ms = learnt.at_ms
        detectors._counts, detectors._shares = list(learnt.counts), list(learnt.shares)
        detectors._count_bank.restore(learnt.count_state)
        detectors._share_bank.restore(learnt.share_state)
        return detectors

    def copy(self) -> "_Detectors":
        """Return detectors that may be taught apart."""
        twin = copy(self)
        twin._counts, twin._shares = list(self._counts), list(self._shares)
        twin._count_bank, twin._share_bank = self._count_bank.copy(), self._share_bank.copy()
        return twin

    def judge(self, seen: Windowed) -> dict[str, Usual]:
        """Judge a window and learn it; series that were never seen are added in the order of their names."""
        self._follow(seen)
        self.at_ms = seen.end_ms
        begin_s = seen.end_ms / 1000 - self._window_s
        usual: dict[str, Usual] = {}
        if self._counts:
            values = np.array([seen.counts.get(name, 0) for name in self._counts], np.float64)
            step = Step(self._window_s, "missing") if seen.is_after_rest else None
            usual |= _by_name(self._counts, self._count_bank.update(begin_s, values, step=step))
        if self._shares:
            pairs = [seen.shares.get(name, (0, 0)) for name in self._shares]
            hits, totals = np.array(pairs, np.float64).T
            readings = self._share_bank.update(begin_s, hits, totals=totals)
            usual |= _by_name(self._shares, readings)
        return usual

    def learnt(self) -> Learnt:
        """Return everything that was learnt."""
        states = self._count_bank.state(), self._share_bank.state()
        return Learnt(list(self._counts), list(self._shares), self.at_ms, *states)

    def _follow(self, seen: Windowed) -> None:
        new = sorted(seen.counts.keys() - set(self._counts))
        if new:
            self._counts += new
            self._count_bank.grow(len(new))
        new = sorted(seen.shares.keys() - set(self._shares))
        if new:
            self._shares += new
            self._share_bank.grow(len(new))


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


_BLOCK = msgspec.msgpack.Decoder(Block)
_LEARNT = msgspec.msgpack.Decoder(Learnt)
