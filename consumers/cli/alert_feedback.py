"""`hubbub alerts ack`, `silence` and `unsilence`: what a person says of alerts.

In: flags and settings. Out: records of topic `feedback`, and words that say what was said. Wires; decides nothing.
"""

import getpass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from consumers.cli.options import Bootstrap, SettingsFile, settings_from
from consumers.cli.printing import safe
from contracts.errors import InvalidInput
from contracts.settings import Settings

if TYPE_CHECKING:
    from consumers.operations.alert_feedback import Target
    from contracts.alerts import Alert, Feedback

CLIENT = "hubbub-feedback"
AlertId = Annotated[str, typer.Argument(help="The alert's id, or six characters of it or more.")]
MaybeAlert = Annotated[
    str | None, typer.Argument(help="The alert's id, or six characters of it or more.")
]
By = Annotated[str | None, typer.Option(help="Who says so; you, unless given.")]
Why = Annotated[str | None, typer.Option(help="Why, in a few words.")]
Watch = Annotated[str | None, typer.Option(help="In place of one alert: all of this watch.")]
Rule = Annotated[str | None, typer.Option(help="With --watch: those of this rule alone.")]
Group = Annotated[str | None, typer.Option(help="With --watch: those of this group alone.")]
Tenant = Annotated[str, typer.Option(help="Whose watch it is.")]


def ack(
    alert: AlertId,
    *,
    by: By = None,
    why: Why = None,
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
) -> None:
    """Say that someone has seen an alert and works on it."""
    from consumers.operations.alert_feedback import Says, Target, feedback_of
    from consumers.operations.alerts import check_active, find

    settings = settings_from(bootstrap, settings_file)
    found = find(_alerts(settings), alert)
    check_active(found, to="acknowledge")
    if found.state == "acknowledged":
        typer.echo(safe(f"{found.id} is acknowledged already, by {found.acknowledged_by}"))
        return
    says = Says(_person(by), datetime.now(UTC), why)
    _send(settings, feedback_of("acknowledge", Target.of(found), says=says))


def silence(
    alert: MaybeAlert = None,
    *,
    watch: Watch = None,
    rule: Rule = None,
    group: Group = None,
    length: Annotated[str | None, typer.Option("--for", help="How long: 30m, 2h, 1d12h.")] = None,
    until: Annotated[
        str | None, typer.Option(help="Until when, ISO 8601 with a zone: 2026-01-31T08:00:00Z.")
    ] = None,
    why: Annotated[str, typer.Option(help="Why, in a few words.")],
    by: By = None,
    tenant: Tenant = "default",
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
) -> None:
    """Let an alert, or those of a watch, tell nobody for a while; they live on."""
    from consumers.operations.alert_feedback import Says, Target, end_of, feedback_of, reach_words

    now = datetime.now(UTC)
    end = end_of(length, until, now=now)
    _check_choice(alert, watch, finer=(rule, group))
    settings = settings_from(bootstrap, settings_file)
    alerts = _alerts(settings)
    target = _one(alerts, alert) if alert else Target(tenant, watch or "", rule=rule, group=group)
    if not alert:
        _check_target(settings, target, alerts=alerts)
    _send(settings, feedback_of("silence", target, says=Says(_person(by), now, why, end)))
    typer.echo(safe(reach_words(target, alerts)))


def unsilence(
    alert: MaybeAlert = None,
    *,
    watch: Watch = None,
    rule: Rule = None,
    group: Group = None,
    why: Why = None,
    by: By = None,
    tenant: Tenant = "default",
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
) -> None:
    """Let a silenced alert, or those of a watch, tell again."""
    from consumers.operations.alert_feedback import Says, Target, check_ended_here, feedback_of
    from consumers.operations.alerts import find

    _check_choice(alert, watch, finer=(rule, group))
    settings = settings_from(bootstrap, settings_file)
    alerts = _alerts(settings)
    target = Target(tenant, watch or "", rule=rule, group=group)
    id = None
    if alert:
        found = find(alerts, alert)
        check_ended_here(found)
        target, id = Target.of(found), found.silenced.id if found.silenced else None
    else:
        _check_target(settings, target, alerts=alerts)
    says = Says(_person(by), datetime.now(UTC), why, id=id)
    _send(settings, feedback_of("unsilence", target, says=says))


def _check_choice(alert: str | None, watch: str | None, *, finer: tuple[str | None, ...]) -> None:
    if (alert is None) == (watch is None):
        raise InvalidInput("name an alert, or a watch with --watch; one of the two")
    if alert is not None and any(finer):
        raise InvalidInput("--rule and --group go with --watch; an alert has its own already")


def _alerts(settings: Settings) -> "list[Alert]":
    from consumers.operations.alert_table import read_alerts

    return read_alerts(settings, client_id=CLIENT)


def _one(alerts: "list[Alert]", given: str) -> "Target":
    from consumers.operations.alert_feedback import Target
    from consumers.operations.alerts import find

    return Target.of(find(alerts, given))


def _check_target(settings: Settings, target: "Target", *, alerts: "list[Alert]") -> None:
    from consumers.alerting.rules import read_each
    from consumers.operations.alert_feedback import check_rule, check_watch, stored_watches

    watches = stored_watches(settings)
    check_watch(target, watches=watches, alerts=alerts)
    watch = watches.get(f"{target.tenant}/{target.watch}")
    if watch is not None:
        rules, _ = read_each(watch, heads={}, pane_s=settings.runtime.pane_s)
        check_rule(target, [rule.id for rule in rules], alerts=alerts)


def _person(by: str | None) -> str:
    try:
        return by or getpass.getuser()
    except (KeyError, OSError, ImportError) as error:
        raise InvalidInput("this user has no login name; say with --by who you are") from error


def _send(settings: Settings, feedback: "Feedback") -> None:
    from consumers.operations.alert_feedback import send_feedback, words_of

    send_feedback(settings, [feedback])
    typer.echo(safe(words_of(feedback)))
