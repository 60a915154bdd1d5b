"""`hubbub alerts`: what fires, why, and what people say of it.

In: flags and settings. Out: alerts in a table or whole, their transitions as they come. Wires and prints; decides
nothing. `ack`, `silence` and `unsilence` stand in alert_feedback.
"""

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.text import Text

from consumers.cli.alert_feedback import ack, silence, unsilence
from consumers.cli.backtest import backtest
from consumers.cli.detect import detect
from consumers.cli.explain import explain
from consumers.cli.options import AsJson, Bootstrap, SettingsFile, settings_from
from consumers.cli.printing import console, print_json, print_table, safe
from contracts.alerts import AlertState, Severity
from contracts.settings import Settings

if TYPE_CHECKING:
    from consumers.operations.alert_pages import Line
    from contracts.alerts import Alert, AlertTransition

CLIENT = "hubbub-alerts"
DEFAULT_TENANT = "default"
app = typer.Typer(no_args_is_help=True, help="See what fires and why; acknowledge and silence it.")

Tenant = Annotated[str, typer.Option(help="Whose alerts they are.")]
Lang = Annotated[Literal["en", "zh"], typer.Option(help="Language of the sentence.")]
Watch = Annotated[str | None, typer.Option(help="Alerts of this watch alone.")]


@app.command("list")
def list_alerts(
    *,
    state: Annotated[AlertState | None, typer.Option(help="In this state alone.")] = None,
    severity: Annotated[Severity | None, typer.Option(help="Of this severity alone.")] = None,
    watch: Watch = None,
    everything: Annotated[bool, typer.Option("--all", help="Those resolved as well.")] = False,
    lang: Lang = "en",
    tenant: Tenant = DEFAULT_TENANT,
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """List alerts, what fires first; those resolved are left out."""
    from consumers.operations.alert_pages import row_of
    from consumers.operations.alert_table import read_alerts
    from consumers.operations.alerts import EVERY_STATE, UNRESOLVED, chosen

    settings = settings_from(bootstrap, settings_file)
    wanted = (state,) if state else EVERY_STATE if everything else UNRESOLVED
    alerts = read_alerts(settings, client_id=CLIENT)
    found = chosen(alerts, tenant=tenant, states=wanted, watch=watch)
    found = [alert for alert in found if severity in {None, alert.severity}]
    if not found:
        _warn_unknown(settings, tenant, watch=watch, alerts=alerts)
    if as_json:
        print_json(found)
        return
    header = ("alert", "state", "severity", "watch", "rule", "group", "since", "says")
    print_table(header, [row_of(alert, lang=lang) for alert in found])


@app.command()
def show(
    alert: Annotated[str, typer.Argument(help="Its id, or six characters of it or more.")],
    *,
    lang: Lang = "en",
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """Show one alert whole: facts, curve, phrases, quotes, and how it came to be."""
    from consumers.operations.alert_history import history_of
    from consumers.operations.alert_pages import page_of
    from consumers.operations.alert_table import read_alerts
    from consumers.operations.alerts import find
    from consumers.operations.reading import Reader

    settings = settings_from(bootstrap, settings_file)
    found = find(read_alerts(settings, client_id=CLIENT), alert)
    with Reader(settings.kafka, client_id=CLIENT) as reader:
        history = history_of(reader, settings.topics.names, alert=found)
    if as_json:
        print_json({"alert": found, "transitions": history})
        return
    for line in page_of(found, history, lang=lang):
        console().print(styled(line), soft_wrap=True)


@app.command()
def follow(
    *,
    watch: Watch = None,
    lang: Lang = "en",
    last: Annotated[int, typer.Option(min=0, help="Show so many of the newest first.")] = 0,
    limit: Annotated[int | None, typer.Option(min=0, help="End after so many.")] = None,
    tenant: Tenant = DEFAULT_TENANT,
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """Show transitions as they come, a line each, until Ctrl-C."""
    from consumers.operations.alert_history import coming
    from consumers.operations.alert_pages import line_of
    from consumers.operations.reading import Reader
    from consumers.operations.tail import Where

    settings = settings_from(bootstrap, settings_file)

    def is_wanted(transition: "AlertTransition") -> bool:
        return transition.tenant == tenant and watch in {None, transition.watch}

    _warn_unknown(settings, tenant, watch=watch)
    key = None if watch is None else f"{tenant}/{watch}".encode()
    try:
        with Reader(settings.kafka, client_id=CLIENT) as reader:
            found = coming(reader, settings.topics.names, where=Where(last=last, key=key))
            for transition in islice(filter(is_wanted, found), limit):
                if as_json:
                    print_json(transition, in_one_line=True)
                else:
                    console().print(Text(safe(line_of(transition, lang=lang))), soft_wrap=True)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def styled(line: "Line") -> Text:
    """Return a line made safe for a terminal; what is marked is bold there, and between ‹ › in a pipe."""
    is_terminal = console().is_terminal
    text = Text(f"{safe(line.name):<10} ", "dim")
    for piece in line.pieces:
        words = safe(piece.text)
        if piece.marked and not is_terminal:
            words = f"‹{words}›"
        text.append(words, "bold underline" if piece.marked else "not dim")
    return text


def _warn_unknown(
    settings: Settings, tenant: str, *, watch: str | None, alerts: "Sequence[Alert]" = ()
) -> None:
    """Say on stderr that no such watch is known, or none of such a tenant: what was named may be misspelt."""
    from consumers.operations.alert_feedback import stored_watches
    from consumers.operations.alerts import unknown_words

    if watch is None and tenant == DEFAULT_TENANT:
        return
    known = {*stored_watches(settings), *(f"{alert.tenant}/{alert.watch}" for alert in alerts)}
    if words := unknown_words(tenant, watch, known=known):
        typer.echo(safe(words), err=True)


app.command()(backtest)
app.command()(explain)
app.command()(ack)
app.command()(silence)
app.command()(unsilence)
app.command()(detect)
