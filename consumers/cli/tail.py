"""`hubbub tail`: look at the records of a topic as they come.

In: flags and settings. Out: one line a record on a terminal, one JSON document a line elsewhere. Wires and prints.
"""

import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from consumers.cli.options import AsJson, Bootstrap, SettingsFile, settings_from
from consumers.cli.printing import console, print_json, safe
from contracts.errors import InvalidInput

if TYPE_CHECKING:
    from consumers.operations.lines import Line

Last = Annotated[int | None, typer.Option(min=0, help="Show so many of the newest first.")]
Limit = Annotated[int | None, typer.Option(min=0, help="End after so many records.")]
Key = Annotated[str | None, typer.Option(help="Records with this key alone.")]
Follow = Annotated[bool, typer.Option(help="Wait for more, or end with what there is.")]
SOURCE_WIDTH = 14
LABEL_WIDTH = 18


def tail(
    topic: Annotated[str, typer.Argument(help="Short (scored) or full name.")],
    *,
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
    from_beginning: Annotated[
        bool, typer.Option("--from-beginning", help="Begin with the oldest record there is.")
    ] = False,
    last: Last = None,
    limit: Limit = None,
    key: Key = None,
    follow: Follow = True,
    as_json: AsJson = False,
) -> None:
    """Show records as they come, until Ctrl-C: a line each on a terminal, JSON lines in a pipe."""
    from consumers.operations.lines import document_of, line_of
    from consumers.operations.reading import Reader
    from consumers.operations.tail import Where, full_name
    from consumers.operations.tail import tail as records_of

    if from_beginning and last is not None:
        raise InvalidInput("--from-beginning and --last; expected one of the two")
    settings = settings_from(bootstrap, settings_file)
    name = full_name(settings, topic)
    where = Where(from_beginning, last, limit, None if key is None else key.encode(), follow)
    is_for_programs = as_json or not sys.stdout.isatty()
    out = console()
    try:
        with Reader(settings.kafka, client_id="hubbub-tail") as reader:
            for record in records_of(reader, name, where=where):
                if is_for_programs:
                    print_json(document_of(record), in_one_line=True)
                else:
                    # One line each, whatever the text: what does not fit is cut.
                    out.print(
                        styled(line_of(record)), no_wrap=True, overflow="ellipsis", soft_wrap=False
                    )
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def styled(line: "Line") -> Text:
    """Return a line with its parts in columns, made safe for a terminal."""
    return Text.assemble(
        (safe(line.time), "dim"),
        " ",
        (safe(line.source).ljust(SOURCE_WIDTH), "cyan"),
        " ",
        (safe(line.lang).ljust(2), "dim"),
        " ",
        (safe(line.label).ljust(LABEL_WIDTH), "magenta"),
        " ",
        safe(line.text),
    )
