"""`hubbub watch`: what to listen for.

In: names, queries, files. Out: rows of topic `watches`; why a text matches. Thin over the watch store and the matcher.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from consumers.cli.options import Bootstrap, SettingsFile, settings_from
from consumers.cli.trial import try_text
from contracts.errors import WatchInvalid
from contracts.watches import Watch

if TYPE_CHECKING:
    from consumers.operations.watch_store import WatchStore

app = typer.Typer(no_args_is_help=True, help="Say what to listen for.")
app.command("test")(try_text)
Name = Annotated[str, typer.Argument(help="The watch's id; letters, digits, . _ -")]
Tenant = Annotated[str, typer.Option(help="Whose watch it is.")]
_OUT = Console()


@app.command()
def add(
    name: Name,
    *,
    query: Annotated[
        str, typer.Option("--query", "-q", help="What matches, e.g. 'flood* AND lang:en'.")
    ],
    rule: Annotated[
        list[str] | None,
        typer.Option(
            "--rule",
            metavar="'KIND SETTING=VALUE ...'",
            help="When to warn, e.g. 'negative_surge by=topic'; one each. Without any, its rules stay as they are.",
        ),
    ] = None,
    tenant: Tenant = "default",
    owner: Annotated[str | None, typer.Option(help="Who answers for it.")] = None,
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
) -> None:
    """Add a watch, or change its query and rules; running workers follow within a second."""
    from consumers.operations.rule_lines import rule_of

    watch = _checked({"id": name, "query": query, "tenant": tenant, "owner": owner})
    rules = tuple(rule_of(line) for line in rule or ())
    store = _built(bootstrap, settings_file)
    store.check(msgspec.structs.replace(watch, rules=rules))
    with _started(store):
        rules = rules or store.rules_of(watch.key)
        _tell("stored", store.put(msgspec.structs.replace(watch, rules=rules)))


@app.command()
def apply(
    file: Annotated[Path, typer.Argument(help="TOML with [[watch]] tables, JSON or JSON lines.")],
    *,
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
) -> None:
    """Store every watch of a file; what has not changed keeps its revision."""
    from consumers.operations.watch_files import read_watches

    store = _built(bootstrap, settings_file)
    watches = read_watches(file, check=store.check)
    with _started(store):
        for watch in watches:
            _tell("stored", store.put(watch))


@app.command("list")
def list_watches(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
) -> None:
    """List every watch."""
    with _store(bootstrap, settings_file) as store:
        watches = store.all()
    if as_json:
        for watch in watches:
            typer.echo(msgspec.json.encode(watch).decode())
        return
    table = Table("watch", "revision", "state", "owner", "query")
    for watch in watches:
        table.add_row(watch.key, str(watch.revision), watch.state, watch.owner or "", watch.query)
    _OUT.print(table)


@app.command()
def pause(
    name: Name,
    *,
    tenant: Tenant = "default",
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
) -> None:
    """Let a watch match nothing for a while."""
    with _store(bootstrap, settings_file) as store:
        watch = store.get(f"{tenant}/{name}")
        _tell("paused", store.put(msgspec.structs.replace(watch, state="paused")))


@app.command()
def resume(
    name: Name,
    *,
    tenant: Tenant = "default",
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
) -> None:
    """Let a paused watch match again."""
    with _store(bootstrap, settings_file) as store:
        watch = store.get(f"{tenant}/{name}")
        _tell("resumed", store.put(msgspec.structs.replace(watch, state="active")))


@app.command()
def remove(
    name: Name,
    *,
    tenant: Tenant = "default",
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
) -> None:
    """Remove a watch for good."""
    with _store(bootstrap, settings_file) as store:
        _tell("removed", store.remove(f"{tenant}/{name}"))


def _built(bootstrap: str | None, settings_file: Path | None) -> "WatchStore":
    from consumers.operations.watch_store import WatchStore

    return WatchStore(settings_from(bootstrap, settings_file))


@contextmanager
def _store(bootstrap: str | None, settings_file: Path | None) -> Iterator["WatchStore"]:
    with _started(_built(bootstrap, settings_file)) as store:
        yield store


@contextmanager
def _started(store: "WatchStore") -> Iterator["WatchStore"]:
    store.start()
    try:
        yield store
    finally:
        store.close()


def _checked(fields: dict[str, str | None]) -> Watch:
    given = {key: value for key, value in fields.items() if value is not None}
    try:
        return msgspec.convert(given, Watch)
    except msgspec.ValidationError as error:
        raise WatchInvalid(f"{fields['id']}: {error}") from error


def _tell(verb: str, watch: Watch) -> None:
    typer.echo(f"{verb} {watch.key} revision {watch.revision}: {watch.query}")
