"""Mistakes: what is wrong with settings that a person gave, in words that lead to the remedy.

In: variables, pydantic's error, the known keys. Out: SettingsInvalid or its words, never a secret.
Imports pydantic and contracts.errors alone.
"""

import difflib
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from contracts.errors import SettingsInvalid

VALUE_LIMIT = 100
# Kubernetes gives every pod such variables for each Service, so also for one named hubbub-live.
_SERVICE_NAME = re.compile(r".+_SERVICE_(HOST|PORT(_\w+)?)|.+_PORT_\d+_(TCP|UDP|SCTP)(_\w+)?")
_SERVICE_ADDRESS = re.compile(r"(tcp|udp|sctp)://")


def check_variables(environment: Mapping[str, str], *, prefix: str, known: Collection[str]) -> None:
    """Raise SettingsInvalid for a variable with our prefix, in any case, that is not `known`.

    Variables that Kubernetes makes of Services are passed over.
    """
    for name, value in environment.items():
        if not name.upper().startswith(prefix) or name.upper() in known:
            continue
        if _SERVICE_NAME.fullmatch(name) or _SERVICE_ADDRESS.match(value):
            continue
        raise SettingsInvalid(
            f"environment variable {name} is no setting{_near_variable(name, known, prefix=prefix)}"
        )


def explained(error: ValidationError, *, known: Collection[str], secret: Collection[str]) -> str:
    """Return every problem of `error` as `key: value; what was expected`; `secret` keys show none."""
    return "; ".join(
        _problem(dict(problem), known=known, secret=secret)
        for problem in error.errors(include_url=False)
    )


def near(name: str, known: Iterable[str]) -> str:
    """Return words that name the three known names nearest to `name`.

    >>> near("kafka.bootstap", ["kafka.bootstrap", "http.port"])
    '; near: kafka.bootstrap'
    """
    return _in_words(_closest(name, known))


def _near_variable(name: str, known: Iterable[str], *, prefix: str) -> str:
    # All share the prefix, which would make any two names near.
    bare = [one.removeprefix(prefix) for one in known]
    return _in_words(prefix + one for one in _closest(name.upper().removeprefix(prefix), bare))


def _closest(name: str, known: Iterable[str]) -> list[str]:
    return difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)


def _in_words(names: Iterable[str]) -> str:
    words = ", ".join(names)
    return f"; near: {words}" if words else "; `hubbub settings show` lists them all"


def _near_key(key: str, known: Collection[str]) -> str:
    if "." in key:
        return near(key, known)
    # A word alone is a key that lacks its part, or a part.
    keys = [one for one in known if one.partition(".")[2] == key]
    return _in_words(keys) if keys else near(key, sorted({one.partition(".")[0] for one in known}))


def _problem(problem: Mapping[str, Any], *, known: Collection[str], secret: Collection[str]) -> str:
    key = ".".join(str(step) for step in problem["loc"][:2])
    if problem["type"] == "extra_forbidden":
        return f"{key} is no setting{_near_key(key, known)}"
    words = str(problem["msg"]).removeprefix("Value error, ")
    if not key:
        return words
    if key not in known or key in secret:
        return f"{key}: {words}"
    return f"{key} = {str(problem['input'])[:VALUE_LIMIT]!r}: {words}"
