"""`hubbub settings show` and `hubbub settings check`.

In: flags, environment, a file. Out: every setting with its origin, or what is wrong. Secrets are starred.
"""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from consumers.cli.options import AsJson, Bootstrap, settings_from
from consumers.cli.printing import print_json, print_table, safe
from contracts.settings import shown, variable_of

app = typer.Typer(no_args_is_help=True, help="See and check what is set, and where.")
File = Annotated[
    Path | None,
    typer.Option(
        "--settings", "--file", metavar="FILE", help="Settings in TOML.", show_default=False
    ),
]


@app.command()
def show(
    *, bootstrap: Bootstrap = None, settings_file: File = None, as_json: AsJson = False
) -> None:
    """Show every setting: its value, where that came from, and its environment variable."""
    from consumers.operations.origins import origins

    values = shown(settings_from(bootstrap, settings_file))
    sources = origins(settings_file, {"kafka": {"bootstrap": bootstrap}})
    rows = [(key, value, sources[key], variable_of(key)) for key, value in values.items()]
    header = ("key", "value", "from", "variable")
    if as_json:
        print_json([dict(zip(header, row, strict=True)) for row in rows])
    else:
        print_table(header, rows)


@app.command()
def check(*, bootstrap: Bootstrap = None, settings_file: File = None) -> None:
    """Check every setting; ends with 2 and names the key and its nearest neighbours where one is wrong."""
    from consumers.operations.origins import origins

    settings_from(bootstrap, settings_file)
    counts = Counter(origins(settings_file, {"kafka": {"bootstrap": bootstrap}}).values())
    told = ", ".join(f"{count} from {origin}" for origin, count in sorted(counts.items()))
    typer.echo(safe(f"all settings are right: {told}"))
