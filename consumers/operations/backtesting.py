"""What watches would have told of the past: when each rule would have fired, how late, and what nearly fired.

In: what came of a rehearsal, and of what nearly fired. Out: one document. Pure.

What begins only because the recording ends, such as silence, is left out; what still fires then has no end.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from consumers.alerting.episode import milliseconds, moment
from consumers.alerting.rule import AlertRule
from consumers.alerting.rules import read_rules
from consumers.operations.near_misses import HOUR_MS, NearMisses
from consumers.operations.recorded import Recording
from consumers.operations.rehearsing import Rehearsed
from consumers.operations.seen import Seen, group_of, seen_of
from consumers.scoring.query.parser import HEADS
from contracts.alerts import Alert, Severity
from contracts.codec import epoch_ms
from contracts.events import Event
from contracts.settings import Settings
from contracts.watches import Watch
from models.protocols import TextScorer

DAY_S = 86_400
NEAR_MISSES = 3
BEGINS = ("fired", "reopened")
ENDS = ("resolved", "closed")


class Span(NamedTuple):
    """Hold when the recording begins and ends, epoch milliseconds; the end is that of its last pane."""

    begin_ms: int
    end_ms: int

    @property
    def days(self) -> float:
        """Return its length in days."""
        return (self.end_ms - self.begin_ms) / 1000 / DAY_S


class Trial(NamedTuple):
    """Hold what came of a rehearsal, what nearly fired, and the time that it spans."""

    rehearsed: Rehearsed
    misses: NearMisses
    span: Span


class Firing(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hold one time that people would have been told: an alert that `fired`, or came back (`reopened`).

    `late_s` is from the beginning of the first window that broke the rule to the firing. `severity` is the highest that
    it reached. Without `ended_at` it still fired when the recording ended.
    """

    alert: str
    rule: str
    kind: str
    change: str
    severity: Severity
    fired_at: datetime
    says: dict[str, str]
    group: str | None = None
    late_s: float | None = None
    ended_at: datetime | None = None
    lasted_s: float | None = None


class RuleTrial(msgspec.Struct, frozen=True):
    """Hold how often a rule would have fired, and the windows that came nearest to it without."""

    rule: str
    kind: str
    fired: int
    a_day: float
    near: tuple[Seen, ...]


class WatchTrial(msgspec.Struct, frozen=True):
    """Hold what one watch would have told."""

    watch: str
    mentions: int
    fired: int
    a_day: float
    firings: tuple[Firing, ...]
    rules: tuple[RuleTrial, ...]


class Backtest(msgspec.Struct, frozen=True):
    """Hold the whole: events and how they ended (as the ledger counts them), the time they span, each watch.

    `bad` and `filtered` rows of the files are no events. Live, each firing would be told `lateness_s` later.
    """

    events: int
    bad: int
    filtered: int
    dropped: dict[str, int]
    dead: int
    begin: datetime
    end: datetime
    days: float
    model: str
    lateness_s: float
    watches: tuple[WatchTrial, ...]


def backtest_of(
    watches: Sequence[Watch],
    trial: Trial,
    *,
    recording: Recording,
    scorer: TextScorer,
    settings: Settings,
) -> Backtest:
    """Return the whole document; the scorer is the one that scored."""
    heads = {**HEADS, **scorer.labels}
    pane_s, ended = settings.runtime.pane_s, trial.rehearsed.ended
    return Backtest(
        events=ended.taken, bad=recording.bad, filtered=recording.filtered, dropped=ended.dropped,
        dead=ended.dead, begin=moment(trial.span.begin_ms), end=moment(trial.span.end_ms),
        days=round(trial.span.days, 4), model=scorer.model_version, lateness_s=settings.runtime.lateness_s,
        watches=tuple(
            watch_trial(watch, read_rules(watch, heads=heads, pane_s=pane_s), trial=trial)
            for watch in watches
        ),
    )  # fmt: skip


def span_of(events: Sequence[Event], *, pane_ms: int) -> Span:
    """Return the time that events, in order, span: to the end of the pane of the last."""
    begin_ms, last_ms = epoch_ms(events[0].observed_at), epoch_ms(events[-1].observed_at)
    return Span(begin_ms, (last_ms // pane_ms + 1) * pane_ms)


def watch_trial(watch: Watch, rules: Sequence[AlertRule], *, trial: Trial) -> WatchTrial:
    """Return what one watch would have told."""
    firings = firings_of(watch, trial)
    return WatchTrial(
        watch=watch.key,
        mentions=trial.rehearsed.by_watch.get(watch.key, 0),
        fired=len(firings),
        a_day=_a_day(len(firings), trial.span),
        firings=tuple(firings),
        rules=tuple(_rule_trial(watch, rule, firings=firings, trial=trial) for rule in rules),
    )


def firings_of(watch: Watch, trial: Trial) -> list[Firing]:
    """Return every time that a watch would have fired within the recording, in order."""
    found = [
        firing
        for alert in trial.rehearsed.alerts
        if (alert.tenant, alert.watch) == (watch.tenant, watch.id)
        for firing in _of_alert(alert, trial)
    ]
    return sorted(found, key=lambda firing: (firing.fired_at, firing.rule, firing.group or ""))


def _of_alert(alert: Alert, trial: Trial) -> Iterator[Firing]:
    steps = [step for step in trial.rehearsed.transitions if step.alert == alert.id]
    steps = [step for step in steps if milliseconds(step.at) <= trial.span.end_ms]
    begun = [number for number, step in enumerate(steps) if step.change in BEGINS]
    for number, after in zip(begun, [*begun[1:], len(steps)], strict=False):
        first, own = steps[number], steps[number:after]
        ended = next((step.at for step in own if step.change in ENDS), None)
        is_new = first.change == "fired"
        yield Firing(
            alert=alert.id, rule=alert.rule, kind=alert.kind, change=first.change, severity=own[-1].severity,
            fired_at=first.at, says=first.says, group=alert.group,
            late_s=(first.at - alert.began_at).total_seconds() if is_new else None,
            ended_at=ended, lasted_s=None if ended is None else (ended - first.at).total_seconds(),
        )  # fmt: skip


def _rule_trial(
    watch: Watch, rule: AlertRule, *, firings: Sequence[Firing], trial: Trial
) -> RuleTrial:
    own = [firing for firing in firings if firing.rule == rule.id]
    near = _near_misses(watch, rule, firings=own, trial=trial)
    return RuleTrial(rule.id, rule.kind, len(own), _a_day(len(own), trial.span), tuple(near))


def _near_misses(
    watch: Watch, rule: AlertRule, *, firings: Sequence[Firing], trial: Trial
) -> list[Seen]:
    """Return the windows that came nearest, an hour and more apart, and from when the rule fired."""
    fired = [_stretch(firing, trial.span) for firing in firings]
    found = [
        seen_of(rule, verdict) for verdict in trial.misses.of(watch.key, rule.id)
        if verdict.end_ms <= trial.span.end_ms
        and not any(group == group_of(rule, verdict) and begin <= verdict.end_ms <= end for group, begin, end in fired)
    ]  # fmt: skip
    chosen: list[Seen] = []
    for seen in sorted(found, key=lambda seen: (-seen.nearness, seen.at, seen.group or "")):
        if len(chosen) < NEAR_MISSES and not any(_is_one(seen, other) for other in chosen):
            chosen.append(seen)
    return chosen


def _is_one(seen: Seen, other: Seen) -> bool:
    """Say whether two misses are of the same group and hour."""
    apart_s = abs((seen.at - other.at).total_seconds())
    return seen.group == other.group and apart_s * 1000 < HOUR_MS


def _stretch(firing: Firing, span: Span) -> tuple[str, int, int]:
    """Return group, begin and end of the time in which a rule counts as having fired: an hour more on both sides."""
    ended_ms = span.end_ms if firing.ended_at is None else milliseconds(firing.ended_at)
    return firing.group or "", milliseconds(firing.fired_at) - HOUR_MS, ended_ms + HOUR_MS


def _a_day(count: int, span: Span) -> float:
    return round(count / max(span.days, 1 / DAY_S), 3)
