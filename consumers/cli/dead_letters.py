"""`hubbub dead-letter list`, `show` and `retry`.

In: flags and settings. Out: letters in a table, one letter whole, letters put back. Wires and prints; decides nothing.
"""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from consumers.cli.options import AsJson, Bootstrap, SettingsFile, settings_from
from consumers.cli.printing import print_json, print_table, safe, shown_bytes, watched
from contracts.codec import rfc3339
from contracts.errors import InvalidInput
from contracts.settings import Settings
from contracts.topics import DEAD_LETTER

if TYPE_CHECKING:
    from consumers.operations.dead_letters import Shelf, StoredLetter
    from consumers.operations.reading import Reader
    from consumers.operations.repairing import Repair
    from consumers.protocols import Record

app = typer.Typer(no_args_is_help=True, help="See what could not be used, and put it back.")
SHOWN_BYTES = 4096
CLIENT = "hubbub-dead-letter"

Code = Annotated[str | None, typer.Option(help="Letters of this error code alone.")]
StageName = Annotated[str | None, typer.Option("--stage", help="Letters of this stage alone.")]


@app.command("list")
def list_letters(
    *,
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
    code: Code = None,
    stage: StageName = None,
    limit: Annotated[int, typer.Option(min=0, help="Most letters; 0 shows all.")] = 50,
    everything: Annotated[bool, typer.Option("--all", help="Those put back as well.")] = False,
    as_json: AsJson = False,
) -> None:
    """List dead letters, newest first; those that were put back are left out."""
    from consumers.operations.dead_letters import chosen
    from consumers.operations.reading import Reader

    settings = settings_from(bootstrap, settings_file)
    with Reader(settings.kafka, client_id=CLIENT) as reader:
        shelf = _shelf(settings, reader)
    letters = chosen(shelf.letters if everything else shelf.waiting(), code=code, stage=stage)
    shown = letters[: limit or None]
    if as_json:
        print_json([_document(stored, shelf) for stored in shown])
        return
    header = ("id", "code", "reason", "place", "stage", "try", "time", "bytes", "")
    print_table(header, [_cells(stored, shelf) for stored in shown], right="try bytes")
    if len(shown) < len(letters):
        typer.echo(f"{len(letters) - len(shown):,} more; --limit 0 shows all", err=True)
    if shelf.foreign:
        typer.echo(f"{shelf.foreign:,} records of the topic are no dead letters", err=True)


@app.command()
def show(
    id: Annotated[str, typer.Argument(help="The letter's id, as `list` shows it.")],
    *,
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="Write the original bytes, untouched.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show one dead letter: why it died, its headers, its bytes."""
    from consumers.operations.dead_letters import fetch, find
    from consumers.operations.reading import Reader

    settings = settings_from(bootstrap, settings_file)
    with Reader(settings.kafka, client_id=CLIENT) as reader:
        shelf = _shelf(settings, reader)
        stored = find(shelf.letters, id)
        record = fetch(reader, stored)
    if raw:
        sys.stdout.buffer.write(record.value or b"")
        sys.stdout.buffer.flush()
    elif as_json:
        print_json(_whole_document(stored, shelf, record=record))
    else:
        _print_letter(stored, shelf, record=record)


@app.command()
def retry(
    ids: Annotated[list[str] | None, typer.Argument(help="Ids, as `list` shows them.")] = None,
    *,
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
    everything: Annotated[bool, typer.Option("--all", help="Every letter that waits.")] = False,
    code: Code = None,
    stage: StageName = None,
    value: Annotated[
        Path | None, typer.Option(help="For one letter: put this file's bytes in its place.")
    ] = None,
    through: Annotated[
        str | None, typer.Option(help="Pipe each value through this shell command first.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Put dead letters back onto their topic, once; ends with 1 where one stayed."""
    from consumers.operations.dead_letters import chosen, find
    from consumers.operations.retrying import Told
    from consumers.operations.retrying import retry as put_back

    _check_choice(ids or [], everything=everything, filters=(code, stage), value=value)
    repair = _repair(value, through)
    settings = settings_from(bootstrap, settings_file)

    def choose(shelf: "Shelf") -> "Sequence[StoredLetter]":
        if everything:
            return chosen(shelf.waiting(), code=code, stage=stage)
        return list(
            {
                found.letter.id: found for id in ids or [] for found in [find(shelf.letters, id)]
            }.values()
        )

    told: list[Told] = []
    for one in put_back(settings, choose, repair=repair):
        told.append(one)
        if as_json:
            print_json(one, in_one_line=True)
        else:
            typer.echo(
                safe(
                    f"{one.fate.replace('_', ' ')}: {one.id}{': ' if one.reason else ''}{one.reason}"
                )
            )
    back = sum(one.fate == "put_back" for one in told)
    if not as_json:
        typer.echo(f"{back:,} put back, {len(told) - back:,} stayed")
    if back < len(told):
        raise typer.Exit(1)


def _check_choice(
    ids: Sequence[str], *, everything: bool, filters: Sequence[str | None], value: Path | None
) -> None:
    if everything == bool(ids):
        raise InvalidInput("name letters by id, or give --all; one of the two")
    if ids and any(filters):
        raise InvalidInput("--code and --stage choose among --all; an id names one letter already")
    if value is not None and len(ids) != 1:
        raise InvalidInput(f"--value is for one letter; {len(ids)} were named")


def _repair(value: Path | None, through: str | None) -> "Repair | None":
    from consumers.operations.repairing import by_command, by_file

    if value is not None and through is not None:
        raise InvalidInput("--value and --through; expected one of the two")
    if value is not None:
        return by_file(value)
    return None if through is None else by_command(through)


def _shelf(settings: Settings, reader: "Reader") -> "Shelf":
    from consumers.operations.dead_letters import read_shelf

    spans = reader.spans([settings.topics.names.of(DEAD_LETTER)])
    most = sum(span.width for span in spans.values())
    return read_shelf(watched(reader.read(spans), most, "dead letters"))


def _time(stored: "StoredLetter") -> str:
    return rfc3339(datetime.fromtimestamp(stored.at_ms / 1000, UTC))


def _cells(stored: "StoredLetter", shelf: "Shelf") -> list[str]:
    letter = stored.letter
    return [
        letter.id,
        letter.code,
        letter.reason,
        letter.place,
        letter.stage,
        str(letter.attempt),
        _time(stored),
        f"{stored.size_bytes:,}",
        "put back" if letter.id in shelf.retried else "",
    ]


def _document(stored: "StoredLetter", shelf: "Shelf") -> dict[str, Any]:
    letter = stored.letter
    return {
        "id": letter.id,
        "code": letter.code,
        "reason": letter.reason,
        "place": letter.place,
        "stage": letter.stage,
        "attempt": letter.attempt,
        "time": _time(stored),
        "size_bytes": stored.size_bytes,
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "put_back": letter.id in shelf.retried,
    }


def _whole_document(stored: "StoredLetter", shelf: "Shelf", *, record: "Record") -> dict[str, Any]:
    from contracts.dead_letters import original_headers

    return _document(stored, shelf) | {
        "key_base64": record.key,
        "value_base64": record.value,
        "headers": [[name, shown_bytes(raw)] for name, raw in original_headers(record.headers)],
    }


def _print_letter(stored: "StoredLetter", shelf: "Shelf", *, record: "Record") -> None:
    document = _whole_document(stored, shelf, record=record)
    for name in ("id", "code", "reason", "place", "stage", "attempt", "time", "put_back"):
        typer.echo(f"{name:10} {safe(str(document[name]))}")
    typer.echo(f"{'key':10} {shown_bytes(record.key)}")
    for name, words in document["headers"]:
        typer.echo(f"{'header':10} {safe(name)}: {words}")
    typer.echo(f"{'value':10} {shown_bytes(record.value, SHOWN_BYTES)}")
