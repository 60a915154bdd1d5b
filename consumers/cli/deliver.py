"""`hubbub deliver`: alerts to where people are told, one command a channel, in the foreground.

In: flags and settings. Out: a process with its health server, until SIGTERM. Wires; decides nothing.
"""

import signal
from datetime import UTC, datetime
from typing import Annotated

import typer

from consumers.cli.options import Bootstrap, SettingsFile, settings_from
from contracts.settings import Settings

# Score workers take the ports from metrics.port on, alert workers those a hundred further; channels come after both.
SLOT = 200
app = typer.Typer(no_args_is_help=True, help="Tell people and programs of alerts.")


@app.callback()
def channels() -> None:
    """Tell people and programs of alerts."""


@app.command()
def alertmanager(
    *,
    url: Annotated[
        str | None, typer.Option(help="Address of an Alertmanager, http://HOST:9093.")
    ] = None,
    slot: Annotated[
        int, typer.Option(min=0, help="Metrics are served on the port metrics.port plus this.")
    ] = SLOT,
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
) -> None:
    """Tell Alertmanager what fires, and bring its silences back, until stopped."""
    run_alertmanager(settings_from(bootstrap, settings_file, alertmanager={"url": url}), slot=slot)


def run_alertmanager(settings: Settings, *, slot: int) -> None:
    """Run delivery to Alertmanager until SIGTERM; heavy imports come here, after the flags are known to be right."""
    import threading

    from consumers.delivery.alertmanager import STEP_S, AlertmanagerDelivery
    from consumers.delivery.alertmanager_api import AlertmanagerApi
    from consumers.runtime.health import HealthServer
    from consumers.runtime.patience import patiently
    from consumers.runtime.topics import check_topics
    from contracts.topics import ALERTS, FEEDBACK, MENTIONS

    delivery = AlertmanagerDelivery(settings, AlertmanagerApi(settings.alertmanager))
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    health = HealthServer(settings.metrics, slot=slot, is_ready=lambda: delivery.ready)
    health.start()
    topics = (MENTIONS, ALERTS, FEEDBACK)
    try:
        patiently(lambda: check_topics(settings, topics), wait=stopping.wait)
        while not stopping.is_set():
            delivery.step(datetime.now(UTC))
            stopping.wait(STEP_S)
    finally:
        delivery.close()
        health.close()
