"""The settings of one rule, read one by one; whatever is wrong is told with its place.

In: a rule's settings as a person gave them, numbers also as text. Out: numbers, seconds, words, or `RuleInvalid` whose
message begins with the place. Pure; imports contracts alone.

>>> given = Given("rules[1]", {"window": "5m", "sensitivity": "hgih"})
>>> given.seconds("window", 60)
300
>>> given.choice("sensitivity", ["low", "medium", "high"], default="medium")
Traceback (most recent call last):
contracts.errors.RuleInvalid: rules[1].settings.sensitivity: 'hgih'; expected low, medium or high; near: high
"""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from contracts.errors import RuleInvalid
from contracts.nearest import nearest

Value = str | float | bool

LONGEST_S = 30 * 86_400
MANY = 1_000_000_000
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd]?)")
_DURATIONS = "seconds, or a time such as 90s, 5m, 1h or 1d"


class Given(NamedTuple):
    """Hold what was given for the rule at `place`; each method reads one setting or raises RuleInvalid."""

    place: str
    settings: Mapping[str, Value]

    def has(self, name: str) -> bool:
        """Say whether a setting was given."""
        return name in self.settings

    def check_names(self, known: Collection[str], *, kind: str) -> None:
        """Raise RuleInvalid for a setting that this kind of rule does not have, naming the nearest."""
        for name in self.settings:
            if name not in known:
                raise RuleInvalid(
                    f"{self.place}.settings.{name} is no setting of {kind}; "
                    + (nearest(name, known) or f"expected {listed(sorted(known))}")
                )

    def wrong(self, name: str, expected: str) -> RuleInvalid:
        """Return the error for one setting: its place, what was given, what was expected."""
        given = shown(self.settings[name]) if self.has(name) else "missing"
        return RuleInvalid(f"{self.place}.settings.{name}: {given}; expected {expected}")

    def text(self, name: str) -> str | None:
        """Return a word, None where it was not given."""
        if not self.has(name):
            return None
        value = self.settings[name]
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(name, "a word")
        return value

    def choice(self, name: str, allowed: Sequence[str], *, default: str) -> str:
        """Return one of the `allowed` words."""
        value = self.settings.get(name, default)
        if value not in allowed:
            raise self.wrong(name, with_near(str(value), allowed))
        return str(value)

    def number(self, name: str, default: float, *, least: float, most: float) -> float:
        """Return a number from `least` to `most`."""
        if not self.has(name):
            return default
        value = _number(self.settings[name])
        if value is None or not least <= value <= most:
            raise self.wrong(name, f"a number {between(least, most)}")
        return value

    def whole(self, name: str, default: int, *, least: int = 0, most: int = MANY) -> int:
        """Return a whole number from `least` to `most`."""
        if not self.has(name):
            return default
        value = _number(self.settings[name])
        if value is None or not value.is_integer() or not least <= value <= most:
            raise self.wrong(name, f"a whole number {between(least, most)}")
        return int(value)

    def seconds(self, name: str, default: int, *, least: int = 0, most: int = LONGEST_S) -> int:
        """Return a length of time in whole seconds, from `least` to `most`."""
        if not self.has(name):
            return default
        value = _seconds(self.settings[name])
        if value is None or not value.is_integer() or not least <= value <= most:
            raise self.wrong(name, f"{_DURATIONS}, from {_as_time(least)} to {_as_time(most)}")
        return int(value)


def with_near(word: str, known: Sequence[str]) -> str:
    """Return what was expected, with the nearest to what was given.

    >>> with_near("volum", ["volume", "reach"])
    'volume or reach; near: volume'
    """
    hint = nearest(word, known)
    return listed(known) + (f"; {hint}" if hint else "")


def listed(words: Sequence[str]) -> str:
    """Return words as a list in a sentence.

    >>> listed(["low", "medium", "high"])
    'low, medium or high'
    """
    return " or ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)


def between(least: float, most: float) -> str:
    """Return a range in words; what is beyond any use is left out.

    >>> between(0, 1), between(1, MANY)
    ('from 0 to 1', 'of at least 1')
    """
    return f"of at least {least:g}" if most >= MANY else f"from {least:g} to {most:g}"


def shown(value: Value) -> str:
    """Return a value as a person wrote it."""
    if isinstance(value, str):
        return repr(value)
    return str(value).lower() if isinstance(value, bool) else f"{value:.12g}"


def _number(value: Value) -> float | None:
    """Return a finite number, also one that was written as text; None for anything else."""
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _seconds(value: Value) -> float | None:
    if isinstance(value, str) and (found := _DURATION.fullmatch(value.strip())):
        return float(found[1]) * _SECONDS[found[2]]
    return _number(value)


def _as_time(seconds: int) -> str:
    """Return whole days, hours or minutes where that is what the seconds are.

    >>> _as_time(0), _as_time(90), _as_time(3600)
    ('0s', '90s', '1h')
    """
    units = [unit for unit in "dhm" if seconds and seconds % _SECONDS[unit] == 0]
    unit = units[0] if units else "s"
    return f"{seconds // _SECONDS[unit]}{unit}"
