"""Why a watch did or did not fire at a moment: what each rule saw, what was missing, how its alert stood.

In: what came of a replay. Out: one document, and its words. Pure. What was learnt before the topic's first record is
not known; where records were removed since, the document says so.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from consumers.alerting.episode import milliseconds, moment
from consumers.alerting.rule import AlertRule
from consumers.operations.alert_feedback import length_of
from consumers.operations.alert_pages import number
from consumers.operations.backtest_pages import lacking, second
from consumers.operations.replaying import Kept, Replayed
from consumers.operations.seen import Seen, chance_words, seen_of, time_words
from contracts.alerts import Alert, AlertState, Severity
from contracts.errors import InvalidInput
from contracts.watches import Watch

GROUPS_SHOWN = 5


class AlertThen(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hold how an alert stood."""

    id: str
    state: AlertState
    severity: Severity
    began_at: datetime
    updated_at: datetime
    fired_at: datetime | None = None
    resolved_at: datetime | None = None
    acknowledged_by: str | None = None
    silenced_until: datetime | None = None


class RuleThen(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hold what one rule saw of each group in the last window it judged, the nearest first, and the alerts of it."""

    rule: str
    kind: str
    seen: tuple[Seen, ...]
    alerts: dict[str, AlertThen] = {}


class Explanation(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hold the whole. `from_at` is where what is kept begins, `is_whole` says whether nothing was removed before it.

    `reached_at` is how far time has come, where that is not as far as `at`.
    """

    watch: str
    revision: int
    at: datetime
    mentions: int
    rules: tuple[RuleThen, ...]
    is_whole: bool
    from_at: datetime | None = None
    reached_at: datetime | None = None


def moment_of(text: str, now: datetime) -> datetime:
    """Return a moment from ISO 8601 with a zone, or from a time ago such as `-2h`; raises InvalidInput.

    >>> from datetime import UTC
    >>> moment_of("-90m", datetime(2026, 1, 31, 8, tzinfo=UTC)).isoformat()
    '2026-01-31T06:30:00+00:00'
    """
    if text.startswith("-"):
        return now - length_of(text.removeprefix("-"))
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(
            f"--at {text!r}: expected ISO 8601, 2026-01-31T08:00:00Z, or a time ago such as -2h"
        ) from error
    if at.tzinfo is None:
        raise InvalidInput(f"--at {text!r} has no zone; add Z or +08:00")
    return at


def check_rule(watch: Watch, rules: Sequence[AlertRule], *, asked: str | None) -> None:
    """Raise InvalidInput for a watch without rules, or a rule that it does not have."""
    if not rules:
        raise InvalidInput(f"watch {watch.key} has no rules, so nothing is judged; add some first")
    ids = [rule.id for rule in rules]
    if asked is not None and asked not in ids:
        raise InvalidInput(f"watch {watch.key} has no rule {asked!r}; it has {', '.join(ids)}")


def explanation_of(
    watch: Watch, rules: Sequence[AlertRule], *, at: datetime, kept: Kept, replayed: Replayed
) -> Explanation:
    """Return the whole document; raises InvalidInput for a time before what is kept."""
    at_ms, from_ms, reached_ms = milliseconds(at), replayed.from_ms, replayed.reached_ms
    if from_ms is not None and at_ms < from_ms:
        raise InvalidInput(
            f"--at {second(at)}: before what is kept of {watch.key}, which begins at {second(moment(from_ms))}"
        )
    is_reached = reached_ms is not None and at_ms <= reached_ms
    return Explanation(
        watch=watch.key, revision=watch.revision, at=at, mentions=replayed.mentions,
        rules=tuple(_rule_then(rule, replayed) for rule in rules), is_whole=kept.span.begin == 0,
        from_at=None if from_ms is None else moment(from_ms),
        reached_at=None if is_reached or reached_ms is None else moment(reached_ms),
    )  # fmt: skip


def lines_of(explanation: Explanation, *, group: str | None) -> Iterator[str]:
    """Yield the words of a document; of more groups than can be shown, those that came nearest."""
    yield f"{explanation.watch}, revision {explanation.revision}, at {second(explanation.at)}"
    yield _known(explanation)
    if explanation.reached_at is not None:
        yield f"time has come no further than {second(explanation.reached_at)}"
    for rule in explanation.rules:
        yield ""
        yield from _rule_lines(rule, group=group)


def _rule_then(rule: AlertRule, replayed: Replayed) -> RuleThen:
    verdicts = [verdict for (id, _), (_, verdict) in replayed.last.items() if id == rule.id]
    newest_ms = max((verdict.end_ms for verdict in verdicts), default=0)
    seen = [seen_of(rule, verdict) for verdict in verdicts if verdict.end_ms == newest_ms]
    alerts = {alert.group or "": _then(alert) for alert in replayed.alerts if alert.rule == rule.id}
    nearest = sorted(seen, key=lambda one: (-one.nearness, one.group or ""))
    return RuleThen(rule.id, rule.kind, tuple(nearest), alerts)


def _then(alert: Alert) -> AlertThen:
    return AlertThen(
        id=alert.id, state=alert.state, severity=alert.severity, began_at=alert.began_at,
        updated_at=alert.updated_at, fired_at=alert.fired_at, resolved_at=alert.resolved_at,
        acknowledged_by=alert.acknowledged_by,
        silenced_until=None if alert.silenced is None else alert.silenced.until,
    )  # fmt: skip


def _known(explanation: Explanation) -> str:
    if explanation.from_at is None:
        return "nothing is kept of it: no mention and no time"
    known = f"learnt from {explanation.mentions:,} mentions since {second(explanation.from_at)}"
    if explanation.is_whole:
        return f"{known}, the topic's first record"
    return f"{known}; what was learnt before is no longer kept, so chances may differ from those of the day"


def _rule_lines(rule: RuleThen, *, group: str | None) -> Iterator[str]:
    shown = [seen for seen in rule.seen if group in {None, seen.group}]
    if not shown:
        of = f" of {group}" if group else ""
        yield f"{rule.rule}: nothing{of} was judged by then"
        return
    for seen in shown[:GROUPS_SHOWN]:
        yield from _seen_lines(seen, rule.alerts.get(seen.group or ""))
    if len(shown) > GROUPS_SHOWN:
        yield f"and {len(shown) - GROUPS_SHOWN} groups further away; --group NAME shows one"


def _seen_lines(seen: Seen, alert: AlertThen | None) -> Iterator[str]:
    group = f" ({seen.group})" if seen.group else ""
    window = "" if seen.kind == "silence" else f"the {time_words(seen.window_s)} "
    yield f"{seen.rule}{group}: {window}to {second(seen.at)}"
    yield f"  observed  {_observed(seen)}"
    if seen.kind != "silence":
        mentions, voices = _many(seen.mentions, "mention"), _many(seen.voices, "voice")
        yield f"  heard     {mentions} of {voices} from {_many(seen.sources, 'source')}"
    yield f"  missing   {lacking(seen) or 'nothing: the rule is broken'}"
    yield f"  alert     {_alert_words(alert)}"


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _observed(seen: Seen) -> str:
    if seen.kind == "silence":
        return f"silent for {time_words(seen.observed)}, fires at {time_words(seen.threshold)}"
    if seen.probability is None:
        return f"{seen.measure} {number(seen.observed)}, fires at {number(seen.threshold)}"
    usual = number(seen.expected or 0.0)
    chance, limit = chance_words(seen.probability), chance_words(seen.threshold)
    return (
        f"{seen.measure} {number(seen.observed)} where {usual} is usual;"
        f" {chance}, fires at {limit.removeprefix('chance ')}"
    )


def _alert_words(alert: AlertThen | None) -> str:
    if alert is None:
        return "none"
    since = alert.resolved_at or alert.fired_at or alert.began_at
    by = f", acknowledged by {alert.acknowledged_by}" if alert.acknowledged_by else ""
    until = f", silenced until {second(alert.silenced_until)}" if alert.silenced_until else ""
    return f"{alert.id} {alert.state} since {second(since)}, {alert.severity}{by}{until}"
