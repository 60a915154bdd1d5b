"""A rule of a watch written on one line: `negative_surge by=topic sensitivity=high`.

In: the line, its words parted as a shell parts them. Out: a `Rule`, its settings as text, which the reader of rules
takes. Pure; imports contracts alone.

>>> rule_of("threshold id=angry measure=negative_share above=0.6")
Rule(kind='threshold', settings={'measure': 'negative_share', 'above': '0.6'}, id='angry')
"""

import shlex

import msgspec

from contracts.errors import RuleInvalid
from contracts.watches import Rule

FORM = "KIND [id=NAME] [SETTING=VALUE ...], e.g. negative_surge by=topic sensitivity=high"


def rule_of(line: str) -> Rule:
    """Return the rule that a line says; raises RuleInvalid where it says none."""
    kind, words = _words(line)
    settings: dict[str, str] = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not (name and sign) or name in settings:
            problem = "is there twice" if name in settings else "is no setting"
            raise RuleInvalid(f"rule {line!r}: {word!r} {problem}; expected {FORM}")
        settings[name] = value
    return _rule(line, kind, settings=settings)


def _words(line: str) -> tuple[str, list[str]]:
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise RuleInvalid(f"rule {line!r}: {error}; expected {FORM}") from error
    if not words:
        raise RuleInvalid(f"rule {line!r} is empty; expected {FORM}")
    return words[0], words[1:]


def _rule(line: str, kind: str, *, settings: dict[str, str]) -> Rule:
    given = {"kind": kind, "id": settings.pop("id", None), "settings": settings}
    try:
        return msgspec.convert(given, Rule)
    except msgspec.ValidationError as error:
        raise RuleInvalid(f"rule {line!r}: {error}; expected {FORM}") from error
