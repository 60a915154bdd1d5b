"""The command `produce`: events from a file, over HTTP, or from the written scenario.

In: words on a command line. Out: a source that is built and run, and a summary. Each command parses, builds and
runs; nothing is decided here. Errors are left to the command that this one is mounted in.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from contracts.errors import SourceInvalid
from contracts.moments import parse_moment
from contracts.settings import Settings, load
from producers.entry import Entry
from producers.pacing import Pace, parse_speed
from producers.protocols import SourceReport
from producers.sources.file.filtering import RowFilter
from producers.sources.file.mapping import RowMapping
from producers.sources.file.position import FilePosition
from producers.sources.file.source import FileOptions, FileSource
from producers.sources.scenario.scenario import Scenario
from producers.sources.scenario.source import ScenarioSource
from producers.sources.scenario.watches import scenario_watches
from producers.stopping import stop_on_signals

app = typer.Typer(
    help="Bring events into Kafka.", no_args_is_help=True, pretty_exceptions_enable=False
)
Flags = dict[str, dict[str, Any]]
Bootstrap = Annotated[str | None, typer.Option(help="Kafka's address, host:port.")]
SettingsFile = Annotated[Path | None, typer.Option("--settings", help="A TOML file of settings.")]
Speed = Annotated[str, typer.Option(help="event (as it happened), xN (N times as fast) or max.")]


@app.command("file")
def file_command(
    path: Annotated[Path, typer.Argument(help="JSON lines, plain or .gz; - is standard input.")],
    *,
    name: Annotated[
        str | None,
        typer.Option(help="What the position is kept under; the file's name unless given."),
    ] = None,
    map_: Annotated[
        list[str] | None, typer.Option("--map", help="FIELD=path.in.row, such as text=tweet.")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="FIELD=value for every row, such as lang=en.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Take rows with FIELD=value alone.")
    ] = None,
    speed: Speed = "max",
    limit: Annotated[int | None, typer.Option(min=0, help="Publish that many rows in all.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first bad row.")] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="Begin anew, whatever was published.")
    ] = False,
    bootstrap: Bootstrap = None,
    settings: SettingsFile = None,
) -> None:
    """Publish a file of JSON lines, each row exactly once however often this is killed and started again."""
    loaded = _settings(settings, {"kafka": {"bootstrap": bootstrap}})
    is_stdin = str(path) == "-"
    called = name or ("stdin" if is_stdin else path.name)
    options = FileOptions(
        path=None if is_stdin else path,
        name=_checked_name(called),
        mapping=RowMapping(map_ or (), set_ or (), source_name=called),
        only=RowFilter(only or ()),
        limit=limit,
        is_strict=strict,
        is_restart=restart,
    )
    with _progress("rows") as progress, stop_on_signals() as stop:
        source = FileSource(
            loaded, options, entry=_entry(loaded), pace=Pace(parse_speed(speed), monotonic),
            progress=lambda position: progress.update(progress.task_ids[0], completed=position.rows),
        )  # fmt: skip
        report = source.run(stop)
    print(_file_summary(options.name, source.begun_at, report=report))


@app.command("http")
def http_command(
    *,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
    bootstrap: Bootstrap = None,
    settings: SettingsFile = None,
) -> None:
    """Take events over HTTP: POST /v1/events, acknowledged once Kafka has them."""
    # Imported here: Litestar takes a second that `--help` should not.
    from producers.sources.http.source import HttpSource

    flags: Flags = {"kafka": {"bootstrap": bootstrap}, "http": {"host": host, "port": port}}
    loaded = _settings(settings, flags)
    with stop_on_signals() as stop:
        source = HttpSource(loaded, entry=_entry(loaded), listening=_say_listening)
        report = source.run(stop)
    print(f"http: {_counts(report)}")


@app.command("scenario")
def scenario_command(
    *,
    seed: Annotated[int, typer.Option(help="The same seed and start write the same events.")] = 7,
    speed: Speed = "max",
    scale: Annotated[float, typer.Option(help="Volume; 1 is about 9,000 events.")] = 1.0,
    quiet_days: Annotated[float, typer.Option(help="Days before anything happens.")] = 3.0,
    start: Annotated[
        str | None, typer.Option(help="Time of the first event; so that it ends now.")
    ] = None,
    without_turn: Annotated[
        bool, typer.Option("--without-turn", help="Nothing ever happens.")
    ] = False,
    watches: Annotated[
        bool,
        typer.Option("--watches", help="Print the watches that fit it, as JSON; publish nothing."),
    ] = False,
    bootstrap: Bootstrap = None,
    settings: SettingsFile = None,
) -> None:
    """Publish a written crisis in English and Chinese: quiet days, anger and fear, an apology, relief."""
    if watches:
        print(msgspec.json.format(msgspec.json.encode(scenario_watches())).decode())
        return
    loaded = _settings(settings, {"kafka": {"bootstrap": bootstrap}})
    scenario = Scenario(
        seed, start=parse_moment(start) if start else None, quiet_days=quiet_days, scale=scale,
        without_turn=without_turn,
    )  # fmt: skip
    with _progress("events") as progress, stop_on_signals() as stop:
        source = ScenarioSource(
            loaded, scenario, entry=_entry(loaded), pace=Pace(parse_speed(speed), monotonic),
            progress=lambda published: progress.update(progress.task_ids[0], completed=published),
        )  # fmt: skip
        report = source.run(stop)
    print(f"scenario {seed}: {_counts(report)}")
    for turn in scenario.turns():
        print(f"  {turn.at.isoformat(timespec='minutes')}  {turn.storyline}: {turn.kind}")


def _settings(file: Path | None, flags: Flags) -> Settings:
    given = {
        part: {key: value for key, value in keys.items() if value is not None}
        for part, keys in flags.items()
    }
    return load(file=file, flags={part: keys for part, keys in given.items() if keys})


def _entry(settings: Settings) -> Entry:
    return Entry(settings.topics.names, lambda: datetime.now(UTC))


def _checked_name(name: str) -> str:
    if not 0 < len(name) <= 200 or any(character.isspace() for character in name):
        raise SourceInvalid(
            f"name {name!r}; expected 1 to 200 characters without spaces; give a --name"
        )
    return name


@contextmanager
def _progress(unit: str) -> Iterator[Progress]:
    """Show a count on a terminal, and nothing elsewhere."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.completed:,.0f} " + unit), BarColumn(), TaskProgressColumn(show_speed=True),
        TimeElapsedColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        progress.add_task(unit, total=None)
        yield progress


def _say_listening(host: str, port: int) -> None:
    shown = f"[{host}]" if ":" in host else host
    print(f"listening on http://{shown}:{port}/v1/events", flush=True)


def _counts(report: SourceReport) -> str:
    return (
        f"{report.read} read, {report.published} published, {report.bad} bad, "
        f"{report.filtered} skipped by filter; {report.seconds:.1f} s, {report.rate:.0f} a second"
    )


def _file_summary(name: str, begun: FilePosition, *, report: SourceReport) -> str:
    words = f"{name}: {_counts(report)}"
    if begun.line:
        words += f"\nresumed after line {begun.line}, where an earlier run stood with {begun.published} published"
        if not report.read:
            words += "; nothing new to publish (--restart begins anew)"
    return words
