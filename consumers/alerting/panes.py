"""What is kept of one watch in time: open panes, what was decided lately, and which mentions were counted.

In: mentions and ends of panes. Out: records of the state, and sums over windows. Pure; bounded by the lengths below.

    open pane ─► decided: one of the last panes (for windows up to a step) ─► part of a step (for longer windows)
                                                                           ─► part of a block (for those in blocks)
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple

import msgspec

from consumers.alerting.rule import TOTAL
from consumers.alerting.sampling import Samples
from consumers.alerting.tallies import Tally, bound, summed
from contracts.stage_settings import BLOCK_S

# Ids of mentions remembered of each pane: those with the least hash, so that the order of arrival changes nothing.
REMEMBERED_IDS = 64
HEARD_LIMIT = 64
MS = 1000
# A block is ten steps of a minute: an hour is six blocks, where it need not be exact to the step.
BLOCK_MS = BLOCK_S * MS


class Length(NamedTuple):
    """Hold how long a window is, and whether it is counted `in_blocks`: then it is up to a block shorter.

    Whole blocks and what has passed of the one in hand: an hour at the end of a block, 50 minutes right after.
    """

    ms: int
    in_blocks: bool = False


class OpenPane(msgspec.Struct, array_like=True):
    """Hold the pane that begins at `start_ms`: tallies and samples by group, the models that scored it.

    `heard_ms` is the newest mention by source, and of all.
    """

    start_ms: int
    groups: dict[str, Tally] = {}
    samples: dict[str, Samples] = {}
    models: list[str] = []
    late: int = 0
    heard_ms: dict[str, int] = {}

    def hear(self, source: str, at_ms: int) -> None:
        """Note when a source spoke."""
        for name in (TOTAL, source):
            self.heard_ms[name] = max(self.heard_ms.get(name, at_ms), at_ms)

    def trim(self, limit: int, *, wanted: Collection[str]) -> None:
        """Let go of groups beyond `limit` and of sources beyond HEARD_LIMIT, the `wanted` ones last."""
        bound(self.groups, limit)
        for name in self.samples.keys() - self.groups.keys():
            del self.samples[name]
        bound(self.heard_ms, HEARD_LIMIT, first=wanted)


class Stretch(msgspec.Struct, array_like=True):
    """Hold the tallies by group of what ended at `end_ms`."""

    end_ms: int
    groups: dict[str, Tally]


class History(msgspec.Struct, array_like=True):
    """Hold decided time: the `panes` of one step, the `steps` of the longest window that is exact to a step, `blocks`.

    Steps of a block at least are kept where any window is counted in blocks.
    """

    panes: list[Stretch] = []
    steps: list[Stretch] = []
    blocks: list[Stretch] = []

    def decide(
        self, end_ms: int, groups: dict[str, Tally], *, step_ms: int, lengths: Collection[Length]
    ) -> None:
        """Add the pane that ends at `end_ms`, and the step and the block where it ends one; empty ones take no room."""
        if groups:
            self.panes.append(Stretch(end_ms, groups))
        self.panes = [pane for pane in self.panes if pane.end_ms > end_ms - step_ms]
        if end_ms % step_ms:
            return
        self.steps += self._whole(end_ms, Length(step_ms), step_ms=step_ms)
        in_blocks_ms = max((each.ms for each in lengths if each.in_blocks), default=0)
        if in_blocks_ms and end_ms % BLOCK_MS == 0:
            self.blocks += self._whole(end_ms, Length(BLOCK_MS), step_ms=step_ms)
        longest_ms = max((each.ms for each in lengths if not each.in_blocks), default=0)
        longest_ms = max(longest_ms, BLOCK_MS if in_blocks_ms else 0)
        self.steps = [step for step in self.steps if step.end_ms > end_ms - longest_ms]
        self.blocks = [block for block in self.blocks if block.end_ms > end_ms - in_blocks_ms]

    def _whole(self, end_ms: int, length: Length, *, step_ms: int) -> list[Stretch]:
        groups = self.window(end_ms, length, step_ms=step_ms)
        return [Stretch(end_ms, groups)] if groups else []

    def window(self, end_ms: int, length: Length, *, step_ms: int) -> dict[str, Tally]:
        """Return the tallies by group of the last window of that length before `end_ms`.

        A window longer than a step is whole steps and the panes since the last of them; between two ends of steps it is
        shorter by less than a step. One in blocks is whole blocks, and the steps and panes since the last of them.
        """
        return summed(item.groups for item in self._inside(end_ms, length, step_ms=step_ms))

    def mentions(self, end_ms: int, length: Length, *, step_ms: int) -> int:
        """Return how many mentions the same window has, in all."""
        inside = self._inside(end_ms, length, step_ms=step_ms)
        return sum(item.groups[TOTAL].mentions for item in inside if TOTAL in item.groups)

    def _inside(self, end_ms: int, length: Length, *, step_ms: int) -> list[Stretch]:
        begin_ms = end_ms - length.ms
        if length.ms <= step_ms:
            return [pane for pane in self.panes if begin_ms < pane.end_ms <= end_ms]
        blocks: list[Stretch] = []
        if length.in_blocks:
            blocks = [block for block in self.blocks if block.end_ms - BLOCK_MS >= begin_ms]
            begin_ms = end_ms // BLOCK_MS * BLOCK_MS
        boundary_ms = end_ms // step_ms * step_ms
        steps = [step for step in self.steps if step.end_ms - step_ms >= begin_ms]
        return [*blocks, *steps, *(pane for pane in self.panes if pane.end_ms > boundary_ms)]

    def last_ms(self, *, in_blocks: bool = False) -> int:
        """Return the end of the newest stretch with mentions, 0 where there is none; blocks count where asked for."""
        newest = (*self.panes[-1:], *self.steps[-1:], *(self.blocks[-1:] if in_blocks else ()))
        return max((item.end_ms for item in newest), default=0)


class Counted(msgspec.Struct, array_like=True):
    """Remember the mentions counted lately: by pane the least hashes of their ids, in order."""

    panes: dict[int, list[int]] = {}

    def is_repeat(self, rank: int, *, start_ms: int) -> bool:
        """Say whether a mention was counted before, and remember that it is now, in the pane from `start_ms`."""
        if any(rank in ranks for ranks in self.panes.values()):
            return True
        ranks = self.panes.setdefault(start_ms, [])
        ranks.append(rank)
        if len(ranks) > REMEMBERED_IDS:
            ranks.remove(max(ranks))
        return False

    def forget_before(self, start_ms: int) -> None:
        """Forget the panes that began before."""
        self.panes = {at: ranks for at, ranks in self.panes.items() if at >= start_ms}


def merged_samples(many: Iterable[dict[str, Samples]]) -> dict[str, Samples]:
    """Return new samples, by group, of several panes together."""
    whole: dict[str, Samples] = {}
    for groups in many:
        for name, samples in groups.items():
            whole[name] = samples if name not in whole else whole[name].merge(samples)
    return whole
