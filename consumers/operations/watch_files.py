"""Watches in a file: TOML with [[watch]] tables, or JSON (one object, a list, or one a line).

In: a path. Out: watches, with the place of whatever is wrong. A key that nobody knows is refused: a person meant
something by it. (Readers of the topic pass it over, for it may come from a newer version.) Pure but for reading the
file.
"""

import tomllib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from consumers.alerting.rule_settings import listed
from consumers.alerting.rules import SETTINGS, read_rules
from contracts.errors import QueryInvalid, RuleInvalid, WatchInvalid
from contracts.nearest import nearest
from contracts.watches import Rule, Watch

Check = Callable[[Watch], object]
WATCH_KEYS = Watch.__struct_fields__
RULE_KEYS = Rule.__struct_fields__
_SETTING_NAMES = frozenset().union(*SETTINGS.values())


def check_rules(watch: Watch) -> None:
    """Raise RuleInvalid for what no rule can be, whatever heads there are."""
    read_rules(watch, heads={})


def read_watches(path: Path, *, check: Check = check_rules) -> list[Watch]:
    """Return the watches of a file, each of which `check` lets pass.

    Raises WatchInvalid, or the QueryInvalid and RuleInvalid of the check, naming file, watch, place and fault.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise WatchInvalid(f"{path}: {error}") from error
    rows = _toml_rows(path, text) if path.suffix == ".toml" else _json_rows(path, text)
    watches = [_watch(path, row, number=number) for number, row in enumerate(rows, 1)]
    doubled = [key for key, count in Counter(watch.key for watch in watches).items() if count > 1]
    if doubled:
        raise WatchInvalid(f"{path}: more than once: {', '.join(doubled)}")
    for number, watch in enumerate(watches, 1):
        _check(watch, check, place=f"{path}, watch {number}")
    return watches


def _toml_rows(path: Path, text: str) -> Sequence[Any]:
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise WatchInvalid(f"{path}: {error}") from error
    unknown = sorted(content.keys() - {"watch"})
    if unknown:
        raise WatchInvalid(f"{path}: unknown {unknown}; expected [[watch]] tables")
    rows = content.get("watch", [])
    if not isinstance(rows, list):
        raise WatchInvalid(f"{path}: watch is {rows!r}; expected [[watch]] tables")
    return rows


def _json_rows(path: Path, text: str) -> Sequence[Any]:
    try:
        content = msgspec.json.decode(text)
    except RecursionError as error:
        raise WatchInvalid(f"{path}: JSON nested too deeply") from error
    except msgspec.DecodeError:
        return [_json_line(path, line, number=number) for number, line in _lines(text)]
    return content if isinstance(content, list) else [content]


def _lines(text: str) -> list[tuple[int, str]]:
    return [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]


def _json_line(path: Path, line: str, *, number: int) -> Any:
    try:
        return msgspec.json.decode(line)
    except msgspec.DecodeError as error:
        raise WatchInvalid(f"{path}, line {number}: {error}") from error


def _watch(path: Path, row: Any, *, number: int) -> Watch:
    place = f"{path}, watch {number}"
    _check_keys(row, place=place)
    try:
        return msgspec.convert(row, Watch)
    except msgspec.ValidationError as error:
        raise WatchInvalid(f"{place}: {error}") from error


def _check_keys(row: Any, *, place: str) -> None:
    """Raise WatchInvalid for a key that neither a watch nor a rule has; what is no table is left to the reader."""
    for name in _unknown(row, WATCH_KEYS):
        hint = nearest(name, WATCH_KEYS) or f"expected {listed(WATCH_KEYS)}"
        raise WatchInvalid(f"{place}: {name} is no key of a watch; {hint}")
    rules = row.get("rules") if isinstance(row, Mapping) else None
    for index, rule in enumerate(rules if isinstance(rules, list) else ()):
        for name in _unknown(rule, RULE_KEYS):
            raise WatchInvalid(
                f"{place}: rules[{index}].{name} is no key of a rule; {_rule_hint(name)}"
            )


def _unknown(table: Any, known: Sequence[str]) -> list[str]:
    return [name for name in table if name not in known] if isinstance(table, Mapping) else []


def _rule_hint(name: str) -> str:
    if name in _SETTING_NAMES:
        return f"it belongs in settings: settings = {{ {name} = ... }}"
    return nearest(name, RULE_KEYS) or f"expected {listed(RULE_KEYS)}"


def _check(watch: Watch, check: Check, *, place: str) -> None:
    try:
        check(watch)
    except QueryInvalid as error:
        told = f"{place}: {error}"
        raise QueryInvalid(told, line=error.line, column=error.column) from error
    except RuleInvalid as error:
        raise RuleInvalid(f"{place}: {error}") from error
