"""Origins: where the value of each setting came from.

In: the same flags, environment and file as `contracts.settings.load` takes. Out: a word for each key. Call it after
`load` has found all of it right.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from contracts.settings import DEFAULT_FILE, FILE_VARIABLE, known_keys, variable_of


def settings_path(file: Path | None) -> Path | None:
    """Return the file that settings are read from: the one named, else the variable's, else ours where it exists."""
    named = file or (Path(os.environ[FILE_VARIABLE]) if os.environ.get(FILE_VARIABLE) else None)
    if named is None:
        return DEFAULT_FILE if DEFAULT_FILE.exists() else None
    return named.expanduser()


def origins(file: Path | None, flags: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return `flag`, `environment`, `file PATH` or `default` for each key `part.key`, in the order of the keys."""
    path = settings_path(file)
    content = {} if path is None else tomllib.loads(path.read_text(encoding="utf-8-sig"))
    given = {name.upper() for name, value in os.environ.items() if value}

    def origin(key: str) -> str:
        part, _, name = key.partition(".")
        if flags.get(part, {}).get(name) is not None:
            return "flag"
        if variable_of(key) in given:
            return "environment"
        keys = content.get(part, {})
        is_named = isinstance(keys, dict) and name in keys
        return f"file {path}" if is_named else "default"

    return {key: origin(key) for key in known_keys()}
