"""The life of an alert: what one more window makes of it.

In: the episode so far, the verdict on the window, and a way to ask for evidence. Out: a `Step`. Pure: times are the
windows' ends, so that a replay gives the same.

    pending ─► firing ─► acknowledged ─► resolved ─► firing (reopened, the same alert)
       └──► gone         └───────────────► resolved

A rule fires when windows broke it for `hold_s`; it resolves when they were clear for `resolve_s`, doubled for each time
it was reopened, up to eight times. A window that hovers adds to neither and undoes neither; a broken one undoes what
was clear. Within `reopen_s` of its end an alert comes back as the same; then it is forgotten. So an hour of flapping
fires once, and resolves once at most. Reference: the `for` and `keep_firing_for` of Prometheus' alerting rules.

While it fires it is told anew `update_s` after it was told last, then after twice as long each time, at most six hours:
that a source is still dead is no news every five minutes. A rise of severity is told at once, a window with more points
than any that was told of after `update_s`, and both begin the waiting anew. A post that goes twice as far as the one
that was told of is told at once.
"""

from collections.abc import Callable

from msgspec.structs import replace

from consumers.alerting.episode import (
    Episode,
    Step,
    Word,
    forgotten,
    milliseconds,
    moment,
    turned,
    with_alert,
)
from consumers.alerting.rule import AlertRule, Verdict
from consumers.alerting.severity import points_of, severity_of, worse
from contracts.alerts import Alert, Evidence, alert_id
from contracts.watches import Watch

# How many times `resolve_s` an alert that keeps coming back must be clear, at most.
MOST_DAMPING = 8
# How long an update waits at most, where `update_s` is not longer.
LONGEST_UPDATE_MS = 6 * 3_600_000
# A post that reaches so many times as many as the one that was told of is told at once: its window passes soon.
FARTHER = 2

Ask = Callable[[], Evidence]


def observe(
    episode: Episode | None, verdict: Verdict, *, rule: AlertRule, watch: Watch, evidence: Ask
) -> Step:
    """Return what one more window makes of the alert of a rule and group.

    Windows come in the order of their ends; one that was seen before changes nothing. `evidence` is called where an
    alert is made or told anew, and nowhere else.
    """
    if episode is not None and verdict.end_ms <= episode.seen_ms:
        return Step(episode)
    if episode is None or _is_over(episode, verdict, rule=rule):
        return _begun(verdict, rule=rule, watch=watch, evidence=evidence)
    step = _unhushed(Step(_timed(episode, verdict)), verdict)
    match episode.alert.state:
        case "pending":
            step = _of_pending(step, verdict, rule=rule, evidence=evidence)
        case "resolved":
            step = _of_resolved(step, verdict, rule=rule, evidence=evidence)
        case _:
            step = _of_active(step, verdict, rule=rule, evidence=evidence)
    return _named(step, rule, watch=watch)


def damped_ms(rule: AlertRule, reopened: int) -> int:
    """Return for how long windows must be clear to resolve an alert that came back so often.

    >>> rule = AlertRule("volume_spike", "volume_spike", "", resolve_s=600)
    >>> [damped_ms(rule, reopened) // 60_000 for reopened in range(5)]
    [10, 20, 40, 80, 80]
    """
    return int(rule.resolve_s * 1000 * min(2 ** min(reopened, 16), MOST_DAMPING))


def update_ms(rule: AlertRule, updates: int) -> int:
    """Return for how long an alert is not told anew that was so often, without anything new.

    >>> rule = AlertRule("volume_spike", "volume_spike", "", update_s=300)
    >>> [update_ms(rule, updates) // 60_000 for updates in range(8)]
    [5, 10, 20, 40, 80, 160, 320, 360]
    """
    first_ms = rule.update_s * 1000
    doubled_ms = first_ms << min(updates, 16)
    return min(doubled_ms, max(first_ms, LONGEST_UPDATE_MS))


def _timed(episode: Episode, verdict: Verdict) -> Episode:
    """Return the episode with the time since the last window added to what this one is."""
    passed_ms = verdict.end_ms - episode.seen_ms
    episode = replace(episode, seen_ms=verdict.end_ms)
    if verdict.level == "breach":
        held_ms = 0 if episode.held_ms is None else episode.held_ms + passed_ms
        return replace(episode, held_ms=held_ms, clear_ms=0)
    if verdict.level == "clear":
        return replace(episode, held_ms=None, clear_ms=episode.clear_ms + passed_ms)
    return episode


def _is_over(episode: Episode, verdict: Verdict, *, rule: AlertRule) -> bool:
    """Say whether an alert was resolved so long ago that nothing brings it back; one that is coming back is not."""
    ended = episode.alert.resolved_at
    if episode.alert.state != "resolved" or ended is None or episode.held_ms is not None:
        return False
    return verdict.end_ms - milliseconds(ended) > rule.reopen_s * 1000


def _begun(verdict: Verdict, *, rule: AlertRule, watch: Watch, evidence: Ask) -> Step:
    """Return a new alert where the window broke the rule, else nothing."""
    if verdict.level != "breach":
        return Step(None)
    began_ms = verdict.end_ms - verdict.window_s * 1000
    alert = Alert(
        id=alert_id(watch.key, rule.id, group=verdict.group, decided_ms=verdict.end_ms),
        tenant=watch.tenant, watch=watch.id, rule=rule.id, kind=rule.kind, state="pending",
        severity=severity_of(rule, verdict), number=0, began_at=moment(began_ms),
        updated_at=moment(verdict.end_ms), evidence=evidence(), watch_name=watch.name, by=rule.by,
        group=verdict.group.removeprefix(f"{rule.by}=") or None, watch_revision=watch.revision,
        rule_version=rule.version,
    )  # fmt: skip
    episode = Episode(
        alert, verdict.end_ms, told_ms=verdict.end_ms, held_ms=0, points=points_of(verdict)
    )
    change = "pending"
    if rule.hold_s <= 0:
        change, alert = "fired", replace(alert, state="firing", fired_at=moment(verdict.end_ms))
    return turned(Step(episode), change, alert=alert, at_ms=verdict.end_ms)


def _of_pending(step: Step, verdict: Verdict, *, rule: AlertRule, evidence: Ask) -> Step:
    episode, alert = _parts(step)
    if verdict.level == "clear":
        return forgotten(turned(step, "gone", alert=alert, at_ms=verdict.end_ms))
    if not _is_held(episode, verdict, rule=rule):
        return step
    alert = replace(
        alert, state="firing", fired_at=moment(verdict.end_ms), severity=severity_of(rule, verdict),
        evidence=evidence(),
    )  # fmt: skip
    return _told(step, "fired", alert=alert, verdict=verdict)


def _of_active(step: Step, verdict: Verdict, *, rule: AlertRule, evidence: Ask) -> Step:
    episode, alert = _parts(step)
    if verdict.level == "breach":
        return _of_broken(step, verdict, rule=rule, evidence=evidence)
    if verdict.level == "clear" and episode.clear_ms >= damped_ms(rule, alert.reopened):
        alert = replace(alert, state="resolved", resolved_at=moment(verdict.end_ms))
        return turned(step, "resolved", alert=alert, at_ms=verdict.end_ms)
    return step


def _of_broken(step: Step, verdict: Verdict, *, rule: AlertRule, evidence: Ask) -> Step:
    """Return the step of an alert that fires and whose rule is broken: it is told anew where that is due."""
    episode, alert = _parts(step)
    severity = worse(alert.severity, severity_of(rule, verdict))
    is_raised = severity != alert.severity
    updates = 0 if points_of(verdict) > episode.points else episode.updates
    if (
        not is_raised
        and not _is_another_post(verdict, alert)
        and verdict.end_ms - episode.told_ms < update_ms(rule, updates)
    ):
        return step
    alert = replace(alert, severity=severity, evidence=evidence())
    if is_raised:
        return _told(step, "raised", alert=alert, verdict=verdict)
    return _told(step, "updated", alert=alert, verdict=verdict, updates=updates + 1)


def _is_another_post(verdict: Verdict, alert: Alert) -> bool:
    """Say whether a post goes so much farther than the one that was told of that it must be another."""
    return (
        alert.kind == "influential_post" and verdict.observed >= FARTHER * alert.evidence.observed
    )


def _of_resolved(step: Step, verdict: Verdict, *, rule: AlertRule, evidence: Ask) -> Step:
    episode, alert = _parts(step)
    if not _is_held(episode, verdict, rule=rule):
        return step
    alert = replace(
        alert, state="firing", severity=severity_of(rule, verdict), evidence=evidence(),
        resolved_at=None, acknowledged_by=None, reopened=alert.reopened + 1,
    )  # fmt: skip
    return _told(step, "reopened", alert=alert, verdict=verdict)


def _is_held(episode: Episode, verdict: Verdict, *, rule: AlertRule) -> bool:
    """Say whether the window breaks the rule and windows have done so for long enough."""
    return verdict.level == "breach" and (episode.held_ms or 0) >= rule.hold_s * 1000


def _told(step: Step, change: str, *, alert: Alert, verdict: Verdict, updates: int = 0) -> Step:
    step = turned(step, change, alert=alert, at_ms=verdict.end_ms)
    episode, _ = _parts(step)
    points = max(episode.points, points_of(verdict))
    episode = replace(episode, told_ms=verdict.end_ms, updates=updates, points=points)
    return replace(step, episode=episode)


def _unhushed(step: Step, verdict: Verdict) -> Step:
    """Return the step with a silence ended whose time has passed."""
    _, alert = _parts(step)
    silence = alert.silenced
    if silence is None or milliseconds(silence.until) > verdict.end_ms:
        return step
    alert = replace(alert, silenced=None)
    word = Word(why="its time has passed", until=silence.until)
    return turned(step, "unsilenced", alert=alert, at_ms=verdict.end_ms, word=word)


def _named(step: Step, rule: AlertRule, *, watch: Watch) -> Step:
    """Return a step that has an alert with that after its watch and rule as they are now."""
    if step.alert is None:
        return step
    alert = replace(
        step.alert,
        watch_name=watch.name,
        watch_revision=watch.revision,
        rule_version=rule.version,
    )
    return with_alert(step, alert)


def _parts(step: Step) -> tuple[Episode, Alert]:
    """Return the episode of a step that has one, and its alert."""
    if step.episode is None:
        raise ValueError("a step without an episode has no alert to go on with")
    return step.episode, step.episode.alert
