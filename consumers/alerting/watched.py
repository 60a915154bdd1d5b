"""A watch with its rules, read; and the lengths of time by which a deployment decides.

In: a watch and its rules. Out: what must be followed for them: heads, emotions, windows. Pure.
"""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from consumers.alerting.baselines import Memory
from consumers.alerting.episode import milliseconds
from consumers.alerting.judging import IMPROBABLE
from consumers.alerting.panes import BLOCK_MS, Length
from consumers.alerting.rule import TOTAL, AlertRule
from consumers.alerting.tallies import Tally, group_name
from contracts.watches import Watch
from models.keyphrases import Phrasing

# A rule of probabilities without a window of its own looks through each of these. Of few mentions an hour tells more.
LADDER_S = (60, 600, 3600)


class Timing(msgspec.Struct, frozen=True):
    """Hold the length of a pane and of a step, and how late a mention may come, in milliseconds."""

    pane_ms: int = 10_000
    step_ms: int = 60_000
    lateness_ms: int = 5_000


class Setup(NamedTuple):
    """Hold what all watches share: lengths of time, what finds phrases, a cache of detectors, labels of emotion.

    `limit` bounds the groups of a pane.
    """

    timing: Timing
    phrasing: Phrasing
    memory: Memory
    emotions: tuple[str, ...] = ()
    limit: int = 64


class Watched(msgspec.Struct, frozen=True):
    """Hold a watch and its rules."""

    watch: Watch
    rules: tuple[AlertRule, ...] = ()

    @property
    def heads(self) -> list[str]:
        """Return the heads whose labels some rule parts the watch by."""
        return sorted({rule.by for rule in self.rules if rule.by})

    @property
    def silent_sources(self) -> set[str]:
        """Return the sources whose silence some rule waits for, TOTAL for that of all."""
        return {rule.source or TOTAL for rule in self.rules if rule.kind == "silence"}

    @property
    def resumed_ms(self) -> int:
        """Return since when the watch is listened for again, epoch milliseconds; 0 where it never rested."""
        return milliseconds(self.watch.resumed_at) if self.watch.resumed_at else 0

    @property
    def emotions(self) -> list[str]:
        """Return the emotions whose share some rule asks for."""
        return sorted({rule.emotion for rule in self.rules if rule.emotion})

    def judged_groups(self, tallies: Mapping[str, Tally]) -> dict[str, Tally]:
        """Return the total, there or not, and the groups that some rule parts the watch by."""
        prefixes = tuple(group_name(head, "") for head in self.heads)
        judged = {TOTAL: tallies.get(TOTAL, Tally())}
        if prefixes:
            judged |= {name: tally for name, tally in tallies.items() if name.startswith(prefixes)}
        return judged

    def lengths(self, timing: Timing) -> list[Length]:
        """Return every length of window that is judged, ascending; that of a step always."""
        lengths = {Length(timing.step_ms)}
        for rule in self.rules:
            lengths.update(windows_of(rule))
        return sorted(lengths)

    @property
    def chance_lengths(self) -> set[Length]:
        """Return the lengths of window of which some rule asks for the chance."""
        return {each for rule in self.rules if rule.kind in IMPROBABLE for each in windows_of(rule)}


def windows_of(rule: AlertRule) -> list[Length]:
    """Return the windows of a rule, ascending: of a chance those of more than a block in blocks, where they are whole.

    A limit is exact to the step: a count that is short by a block would be another count.
    """
    if rule.kind == "silence":
        return []
    if rule.kind not in IMPROBABLE:
        return [Length(1000 * (rule.window_s or LADDER_S[0]))]
    lengths_ms = [1000 * s for s in ((rule.window_s,) if rule.window_s else LADDER_S)]
    return [Length(ms, in_blocks=ms > BLOCK_MS and ms % BLOCK_MS == 0) for ms in lengths_ms]
