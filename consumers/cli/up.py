"""`hubbub up`: every stage, supervised, in one command.

In: flags and settings. Out: worker processes until SIGTERM, or until all inputs are drained. Wires; decides nothing.
"""

import signal
from typing import Annotated

import typer

from consumers.cli.options import Bootstrap, SettingsFile, settings_from
from consumers.operations.supervisor import Supervisor, hubbub_command


def up(
    *,
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
    workers: Annotated[int, typer.Option(min=1, max=100, help="Score workers, one core each.")] = 1,
    alert_workers: Annotated[
        int, typer.Option(min=0, max=100, help="Alert workers; none judges no mentions.")
    ] = 1,
    model: Annotated[
        str | None,
        typer.Option(
            help="bundled, identity, a folder, the name of one under models.home, or hub:NAME."
        ),
    ] = None,
    until_idle: Annotated[
        float | None, typer.Option(help="Stop when drained and silent for so many seconds.")
    ] = None,
) -> None:
    """Run all stages; a worker that dies is started again."""
    settings = settings_from(bootstrap, settings_file)
    shared = _words("--bootstrap", bootstrap) + _words("--settings", settings_file)
    score = [*shared, *_words("--model", model), *_words("--until-idle", until_idle)]
    alert = [*shared, *_words("--until-idle", until_idle), "--behind", settings.score.group]
    commands = {
        f"score.{slot}": hubbub_command("score", "--slot", str(slot), *score)
        for slot in range(workers)
    }
    for slot in range(alert_workers):
        commands[f"alert.{slot}"] = hubbub_command("alert", "--slot", str(slot), *alert)
    if settings.alertmanager.url and until_idle is None:
        commands["deliver.alertmanager"] = hubbub_command("deliver", "alertmanager", *shared)
    supervisor = Supervisor(commands)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: supervisor.stop())
    raise typer.Exit(supervisor.run())


def _words(flag: str, value: object) -> list[str]:
    return [] if value is None else [flag, str(value)]
