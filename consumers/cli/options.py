"""Options that every command shares, and the settings that come of them.

In: what a person typed. Out: frozen Settings. Imports contracts and typer alone.

A command takes `bootstrap: Bootstrap = None, file: SettingsFile = None` and begins with
`settings = settings_from(bootstrap, file)`; flags of its own go in by part: `score={"group": group}`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from contracts.settings import Settings, load

Bootstrap = Annotated[
    str | None,
    typer.Option(
        "--bootstrap",
        metavar="HOST:PORT",
        help="Where Kafka is, comma-separated; beats the setting kafka.bootstrap.",
        show_default=False,
    ),
]
SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        metavar="FILE",
        help="Settings in TOML; without it $HUBBUB_SETTINGS, then ./hubbub.toml where it exists.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")]


def settings_from(bootstrap: str | None, file: Path | None, **flags: Mapping[str, Any]) -> Settings:
    """Return the settings with a command's flags on top; a flag of None was not given.

    `flags` are by part: `settings_from(None, None, score={"group": "mine"})`. Raises SettingsInvalid.
    """
    kafka = {"bootstrap": bootstrap, **flags.get("kafka", {})}
    return load(file=file, flags={**flags, "kafka": kafka})
