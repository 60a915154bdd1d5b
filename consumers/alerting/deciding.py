"""Panes of one watch decided: windows are summed and judged, verdicts move alerts.

In: how far time has come. Out: alerts as they stand and their transitions. State through `Keeping`. Pure but for that.

A pane is judged once it is decided, where it has mentions or ends a step, and as long as something is left to see:
mentions within the longest window, or an alert; of an alert also each pane until a step after the last mention. Where
only windows in blocks have mentions left, ends of blocks alone are judged. So hours of silence cost nothing, no answer
depends on batches or on the watch's other rules, and what time alone brings about comes at the end of a step.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from consumers.alerting.baselines import Baselines, Usual, Windowed
from consumers.alerting.episodes import Episodes
from consumers.alerting.judging import (
    Window,
    counts_of,
    curve_point,
    judge,
    judge_silence,
    shares_of,
    still_on,
    worst,
)
from consumers.alerting.keeping import NEVER_MS, Keeping, Kept
from consumers.alerting.panes import BLOCK_MS, Length, OpenPane, merged_samples
from consumers.alerting.proving import Prover
from consumers.alerting.rule import TOTAL, AlertRule, Verdict
from consumers.alerting.tallies import Tally, group_name
from consumers.alerting.watched import Setup, Watched, windows_of

Windows = Mapping[Length, Window]
# A pane with so many more verdicts takes as long again to judge.
VERDICTS_OF_A_PANE = 8


class Judged(msgspec.Struct, frozen=True):
    """Hold what one rule saw of one group at the end of one pane."""

    rule: AlertRule
    verdict: Verdict
    tally: Tally


Listener = Callable[[Watched, Judged], None]


class Decider:
    """Decide panes of one watch within one batch; `listener` is told every verdict."""

    def __init__(
        self, watched: Watched, keeping: Keeping, *, setup: Setup, listener: Listener | None = None
    ) -> None:
        self._watched = watched
        self._keeping = keeping
        self._setup = setup
        self._timing = setup.timing
        self._listener = listener
        self._lengths = watched.lengths(setup.timing)
        self._chance_lengths = watched.chance_lengths
        self._step = Length(setup.timing.step_ms)
        self._longest = max(self._lengths, key=lambda each: (each.ms, not each.in_blocks))
        self._longest_steps_ms = max(each.ms for each in self._lengths if not each.in_blocks)
        self.newest: Mapping[str, Tally] | None = None
        self.judged = 0
        self._verdicts = 0

    def advance(self, decided_ms: int, episodes: Episodes, *, most: int) -> int:
        """Judge the panes that end at or before `decided_ms` and are due, at `most` so many; returns when the next is.

        `newest` is then the last window of a step, None where nothing was due; `judged` is how many panes were, one
        with many verdicts counted as several.
        """
        kept = self._keeping.kept()
        if kept is None:
            return NEVER_MS
        prover = Prover(self._watched, self._keeping, setup=self._setup)
        while kept.due_ms <= decided_ms and self.judged < most:
            before = self._verdicts
            self._decide(kept, kept.due_ms, episodes=episodes, prover=prover)
            self.judged += 1 + (self._verdicts - before) // VERDICTS_OF_A_PANE
            kept.decided_ms = kept.due_ms
            kept.due_ms = self._next_due(kept, episodes)
        prover.write()
        self._keeping.put_kept(kept)
        return kept.due_ms

    def _decide(self, kept: Kept, end_ms: int, *, episodes: Episodes, prover: Prover) -> None:
        if kept.resumed_ms < self._watched.resumed_ms <= end_ms:
            kept.resume(self._watched.resumed_ms)
        episodes.close_orphans(end_ms)
        pane = self._close_pane(kept, end_ms, prover=prover, is_usual=episodes.is_quiet)
        ends_step = end_ms % self._timing.step_ms == 0
        rules = self._rules_at(
            is_told=bool(pane.groups) or ends_step,
            ends_step=ends_step,
            is_emptying=bool(kept.history.panes),
            episodes=episodes,
        )
        kept.history.decide(
            end_ms, pane.groups, step_ms=self._timing.step_ms, lengths=self._lengths
        )
        is_whole = bool(rules) and (episodes.any or self._may_fire(kept, end_ms))
        windows = self._windows(kept, end_ms, is_whole=is_whole)
        if self._step in windows:
            self.newest = windows[self._step].tallies
        for rule in rules:
            for group in self._groups(rule, windows=windows, episodes=episodes):
                judged = self._judged(rule, group, windows=windows, kept=kept)
                step = windows.get(self._step)
                if step is not None and ends_step and rule.kind != "silence":
                    prover.add_point(rule, group, point=curve_point(rule, step, group=group))
                if judged is not None:
                    self._move(judged, kept, episodes=episodes, prover=prover)

    def _rules_at(
        self, *, is_told: bool, ends_step: bool, is_emptying: bool, episodes: Episodes
    ) -> list[AlertRule]:
        """Return the rules to judge at the end of a pane: none hangs on when others are judged.

        All where the pane has mentions or ends a step (`is_told`); one that has an alert also while short windows are
        `is_emptying`; silence at any time. One that asks for little is judged at the end of a step alone (`ends_step`):
        between two, a window lacks its first panes.
        """
        return [
            rule
            for rule in self._watched.rules
            if (rule.above or ends_step)
            and (is_told or rule.kind == "silence" or (is_emptying and episodes.groups(rule.id)))
        ]

    def _may_fire(self, kept: Kept, end_ms: int) -> bool:
        """Say whether the longest window has as many mentions as some rule asks for."""
        step_ms = self._timing.step_ms
        mentions = kept.history.mentions(end_ms, self._longest, step_ms=step_ms)
        return any(mentions >= rule.min_mentions for rule in self._watched.rules)

    def _move(self, judged: Judged, kept: Kept, *, episodes: Episodes, prover: Prover) -> None:
        self._verdicts += 1
        episodes.observe(
            judged.rule,
            judged.verdict,
            models=kept.models_since(judged.verdict.end_ms - judged.verdict.window_s * 1000),
            evidence=lambda: prover.evidence(
                judged.rule, judged.verdict, tally=judged.tally, kept=kept
            ),
        )
        if self._listener is not None:
            self._listener(self._watched, judged)

    def _judged(
        self, rule: AlertRule, group: str, *, windows: Windows, kept: Kept
    ) -> Judged | None:
        """Return what a rule sees, None where no window of its own was summed."""
        if rule.kind == "silence":
            last_ms = kept.heard_ms.get(rule.source or TOTAL)
            if last_ms is None:
                return None
            verdict = judge_silence(rule, last_ms=last_ms, end_ms=kept.due_ms)
            return Judged(rule, verdict, Tally())
        seen = {each.ms: windows[each] for each in windows_of(rule) if each in windows}
        if not seen:
            return None
        verdict = worst(still_on([judge(rule, window, group=group) for window in seen.values()]))
        tally = seen[verdict.window_s * 1000].tallies.get(group, Tally())
        return Judged(rule, verdict, tally)

    def _groups(self, rule: AlertRule, *, windows: Windows, episodes: Episodes) -> Sequence[str]:
        if rule.by is None:
            return [TOTAL]
        prefix = group_name(rule.by, "")
        seen = {
            group
            for each in windows_of(rule)
            if each in windows
            for group in windows[each].tallies
            if group.startswith(prefix)
        }
        return sorted(seen | episodes.groups(rule.id))

    def _windows(self, kept: Kept, end_ms: int, *, is_whole: bool) -> dict[Length, Window]:
        """Return the windows that end at `end_ms`: all, or where no rule can fire those that must be learnt.

        One that ends with its own length is learnt.
        """
        windows = {}
        for length in self._lengths:
            if not is_whole and end_ms % length.ms:
                continue
            tallies = kept.history.window(end_ms, length, step_ms=self._timing.step_ms)
            windows[length] = Window(
                end_ms=end_ms,
                window_s=length.ms // 1000,
                tallies=tallies,
                usual=self._usual(tallies, end_ms, length=length, resumed_ms=kept.resumed_ms),
                history_s=(end_ms - kept.first_ms) / 1000,
                listened_s=(end_ms - max(kept.first_ms, kept.resumed_ms)) / 1000,
            )
        return windows

    def _usual(
        self, tallies: Mapping[str, Tally], end_ms: int, *, length: Length, resumed_ms: int
    ) -> dict[str, Usual]:
        is_learnt = end_ms % length.ms == 0 and end_ms - length.ms >= resumed_ms
        if length not in self._chance_lengths and not (is_learnt and length == self._step):
            return {}
        baselines = Baselines(
            self._keeping.watch_key,
            window_s=length.ms // 1000,
            state=self._keeping.state,
            memory=self._setup.memory,
            resumed_ms=resumed_ms,
        )
        groups = self._watched.judged_groups(tallies)
        emotions = sorted({*self._setup.emotions, *self._watched.emotions})
        seen = Windowed(end_ms, counts_of(groups), shares_of(groups, emotions))
        return baselines.judge(seen, learn=is_learnt)

    def _close_pane(self, kept: Kept, end_ms: int, *, prover: Prover, is_usual: bool) -> OpenPane:
        """Take the pane that ends at `end_ms` out of the open ones, its examples into the bucket."""
        start_ms = end_ms - self._timing.pane_ms
        pane = self._keeping.pane(start_ms)
        if pane is None:
            return OpenPane(start_ms)
        self._keeping.drop_pane(start_ms)
        kept.follow(pane, self._setup.limit, heads=self._watched.heads)
        prover.turn_bucket(kept, start_ms, is_usual=is_usual)
        for samples in pane.samples.values():
            samples.note_late(start_ms)
        kept.samples = merged_samples([kept.samples, pane.samples])
        kept.hear(pane.heard_ms, wanted=self._watched.silent_sources)
        kept.note_models(pane.models, end_ms, longest_ms=self._longest.ms)
        return pane

    def _next_due(self, kept: Kept, episodes: Episodes) -> int:
        """Return the end of the next pane that must be judged."""
        times = [start + self._timing.pane_ms for start in self._keeping.open_starts()]
        step_ms = self._timing.step_ms
        if kept.history.panes and episodes.any:
            times.append(kept.decided_ms + self._timing.pane_ms)
        next_step_ms = _next_multiple(kept.decided_ms, step_ms)
        next_block_ms = _next_multiple(kept.decided_ms, BLOCK_MS)
        steps_end_ms = kept.history.last_ms() + self._longest_steps_ms + step_ms
        blocks_end_ms = kept.history.last_ms(in_blocks=True) + self._longest.ms + BLOCK_MS
        if episodes.any or next_step_ms < steps_end_ms:
            times.append(next_step_ms)
        if self._longest_steps_ms < self._longest.ms and next_block_ms < blocks_end_ms:
            times.append(next_block_ms)
        times += self._silence_ends(kept)
        return min(times, default=NEVER_MS)

    def _silence_ends(self, kept: Kept) -> Iterator[int]:
        """Yield when each rule of silence would speak if nothing came."""
        pane_ms = self._timing.pane_ms
        for rule in self._watched.rules:
            last_ms = kept.heard_ms.get(rule.source or TOTAL)
            if rule.kind == "silence" and last_ms is not None:
                due_ms = -(-(last_ms + rule.silent_s * 1000) // pane_ms) * pane_ms
                if due_ms > kept.decided_ms:
                    yield due_ms


def _next_multiple(after_ms: int, every_ms: int) -> int:
    return (after_ms // every_ms + 1) * every_ms
