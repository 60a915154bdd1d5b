"""`hubbub score`: one worker of the score stage, in the foreground.

In: flags and settings. Out: a worker with its health server, until SIGTERM. Wires; decides nothing.
"""

import signal
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from consumers.cli.options import Bootstrap, SettingsFile, settings_from
from consumers.cli.working import run_worker
from contracts.errors import SettingsInvalid
from contracts.settings import Settings


def score(
    *,
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
    slot: Annotated[
        int, typer.Option(min=0, help="Number of this worker; each live one has its own.")
    ] = 0,
    model: Annotated[
        str | None,
        typer.Option(
            help="bundled, identity, a folder, the name of one under models.home, or hub:NAME."
        ),
    ] = None,
    group: Annotated[str | None, typer.Option(help="Consumer group; a new one reads anew.")] = None,
    only_matching: Annotated[
        bool | None, typer.Option(help="Score only what a watch may want.")
    ] = None,
    from_time: Annotated[
        str | None,
        typer.Option("--from", help="Begin a new group at this time (ISO 8601 with a zone)."),
    ] = None,
    until_idle: Annotated[
        float | None, typer.Option(help="Stop when drained and silent for so many seconds.")
    ] = None,
    processes: Annotated[
        int,
        typer.Option(
            min=1, max=100, help="So many workers, from --slot on, one core each, supervised."
        ),
    ] = 1,
    profile: Annotated[
        bool, typer.Option("--profile", help="At the end, show where the time went, step by step.")
    ] = False,
) -> None:
    """Score events until stopped: events.text and events.media to scored and mentions."""
    flags = {"group": group, "model": model, "only_matching": only_matching}
    given = {key: value for key, value in flags.items() if value is not None}
    settings = settings_from(bootstrap, settings_file, score=given)
    moment = None if from_time is None else _moment(from_time, group)
    if processes > 1:
        raise typer.Exit(_supervised(slot, processes))
    run_worker(
        settings, build_stage, group=settings.score.group, slot=slot, begin=moment,
        until_idle_s=until_idle, shows_profile=profile,
    )  # fmt: skip


def _supervised(slot: int, processes: int) -> int:
    """Run this very command once for each slot, each with one process; returns the exit code."""
    from consumers.operations.supervisor import Supervisor, hubbub_command

    words = sys.argv[1:]
    commands = {
        f"score.{number}": hubbub_command(*words, "--slot", str(number), "--processes", "1")
        for number in range(slot, slot + processes)
    }
    supervisor = Supervisor(commands)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: supervisor.stop())
    return supervisor.run()


def build_stage(settings: Settings, partitions: int) -> Any:
    """Return the score stage with its model and its watches, not started."""
    from consumers.runtime.table import Table
    from consumers.scoring.stage import ScoreStage
    from consumers.scoring.watchlist import Watchlist
    from contracts.topics import WATCHES
    from models.registry import build_text_scorer, running_of

    table = Table(
        settings.kafka,
        topic=settings.topics.names.of(WATCHES),
        client_id=f"{settings.topics.prefix}{settings.score.group}.watches",
    )
    scorer = build_text_scorer(
        settings.score.model,
        running=running_of(settings.score),
        home=Path(settings.models.home),
        hub=settings.models,
        heads=settings.score.heads,
    )
    return ScoreStage(
        settings,
        scorer=scorer,
        watchlist=Watchlist(table, heads=scorer.labels.keys()),
        mention_partitions=partitions,
    )


def _moment(text: str, group: str | None) -> datetime:
    if group is None:
        raise SettingsInvalid("--from begins a new group; name it with --group")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise SettingsInvalid(
            f"--from {text!r}: expected ISO 8601, 2026-01-31T08:00:00Z"
        ) from error
    if moment.tzinfo is None:
        raise SettingsInvalid(f"--from {text!r} has no zone; add Z or +08:00")
    return moment
