"""`hubbub alert`: one worker of the alert stage, in the foreground.

In: flags and settings. Out: a worker with its health server, until SIGTERM. Wires; decides nothing.
"""

from typing import Annotated, Any

import typer

from consumers.cli.options import Bootstrap, SettingsFile, settings_from
from consumers.cli.working import run_worker
from contracts.settings import Settings

# Score workers have the ports below.
FIRST_PORT = 100


def alert(
    *,
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
    slot: Annotated[
        int, typer.Option(min=0, help="Number of this worker; each live one has its own.")
    ] = 0,
    group: Annotated[str | None, typer.Option(help="Consumer group; a new one reads anew.")] = None,
    until_idle: Annotated[
        float | None, typer.Option(help="Stop when drained and silent for so many seconds.")
    ] = None,
    behind: Annotated[
        str | None,
        typer.Option(
            help="With --until-idle: not while this group, which writes mentions, has workers."
        ),
    ] = None,
) -> None:
    """Judge mentions until stopped: mentions and feedback to alerts and their transitions."""
    given = {} if group is None else {"group": group}
    settings = settings_from(bootstrap, settings_file, alert=given)
    run_worker(
        settings, build_stage, group=settings.alert.group, slot=slot, first_port=FIRST_PORT,
        until_idle_s=until_idle, behind=behind,
    )  # fmt: skip


def build_stage(settings: Settings, partitions: int) -> Any:
    """Return the alert stage with its rules, not started."""
    from consumers.alerting.rulebook import Rulebook
    from consumers.alerting.stage import AlertStage
    from consumers.operations.labels import known_heads
    from consumers.runtime.table import Table
    from contracts.topics import WATCHES
    from models.keyphrases import Phrasing

    table = Table(
        settings.kafka,
        topic=settings.topics.names.of(WATCHES),
        client_id=f"{settings.topics.prefix}{settings.alert.group}.watches",
    )
    return AlertStage(
        settings,
        rulebook=Rulebook(table, heads=known_heads(settings), pane_s=settings.runtime.pane_s),
        phrasing=Phrasing.load(),
        partitions=partitions,
    )
