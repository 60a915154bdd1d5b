"""What a rule of kind `threshold` compares: its measure, its limit, and where its breach ends.

In: the settings as given. Out: the rule with measure and limits decided, or `RuleInvalid`. Pure.

    above   broken at or above the limit      below   broken at or below the limit
    margin = 0.1 · min(limit − least, most − limit)      shares from 0 to 1, valence from −1 to 1
    margin = 0.1 · limit                                 counts of mentions, voices, sources, people reached
    the breach ends beyond the limit by more than the margin: what lies between neither fires nor ends (hysteresis)

>>> rule = AlertRule("threshold", "threshold", "")
>>> given = Given("rules[0]", {"measure": "negative_share", "above": 0.5})
>>> rule = read_threshold(rule, given, emotions=())
>>> rule.limit, rule.clear_limit
(0.5, 0.45)
"""

import math
from collections.abc import Collection

from msgspec.structs import replace

from consumers.alerting.rule import AlertRule
from consumers.alerting.rule_settings import MANY, Given, with_near
from contracts.errors import RuleInvalid

COUNTS = ("volume", "voices", "sources", "reach")
SHARES = ("negative_share", "neutral_share", "positive_share", "harm_share", "abstained_share")
VALENCE = "valence"
EMOTION = "emotion:"
NAMES = (*COUNTS, *SHARES, VALENCE)
NEEDS = {"contradiction_share": "media"}
MARGIN = 0.1
# No window tells more sources than this apart.
MOST_SOURCES = 32
# The least number that a window must have of what the rule wants few of.
_LEASTS = {"volume": "min_mentions", "voices": "min_voices", "sources": "min_sources"}


def read_threshold(rule: AlertRule, given: Given, *, emotions: Collection[str]) -> AlertRule:
    """Return the rule with its measure, limit and clear limit; `emotions` are the known labels, empty for any."""
    measure = _measure(given, emotions)
    if given.has("above") == given.has("below"):
        problem = "both above and below; expected one of the two"
        missing = "neither above nor below; expected one of the two"
        raise RuleInvalid(f"{given.place}.settings: {problem if given.has('above') else missing}")
    is_above = given.has("above")
    limit = _limit(given, measure, is_above=is_above)
    margin = _margin(measure, limit)
    clear = limit - margin if is_above else limit + margin
    return replace(rule, measure=measure, above=is_above, limit=limit, clear_limit=round(clear, 12))


def range_of(measure: str) -> tuple[float, float]:
    """Return the least and the greatest value that a measure can take."""
    if measure in COUNTS:
        return 0.0, MOST_SOURCES if measure == "sources" else math.inf
    return (-1.0, 1.0) if measure == VALENCE else (0.0, 1.0)


def check_reachable(rule: AlertRule, given: Given) -> None:
    """Raise RuleInvalid for a rule that wants few of what its window must have many of."""
    name = _LEASTS.get(rule.measure)
    if rule.kind != "threshold" or rule.above or name is None:
        return
    needed = int(getattr(rule, name))
    if needed > rule.limit:
        raise given.wrong("below", f"at least {name}, {needed}: else it could never fire")
    if rule.limit < 1 and rule.by:
        raise given.wrong(
            "below",
            f"at least 1, or no by: a {rule.by} without mentions is not judged, so it could never fire",
        )
    if rule.limit < 1 and rule.min_mentions:
        raise given.wrong(
            "below",
            "at least 1, or none of min_mentions, min_voices and min_sources: where there are"
            f" mentions there are {rule.measure}, so it could never fire",
        )


def _measure(given: Given, emotions: Collection[str]) -> str:
    measure = given.text("measure")
    if measure is None:
        raise given.wrong("measure", with_near("", (*NAMES, "emotion:LABEL")))
    if measure in NEEDS:
        raise RuleInvalid(
            f"{given.place}.settings.measure: {measure!r} needs {NEEDS[measure]}, "
            "which are not followed yet"
        )
    if measure.startswith(EMOTION) and len(measure) > len(EMOTION):
        return _known_emotion(given, measure, emotions=emotions)
    if measure not in NAMES:
        raise given.wrong("measure", with_near(measure, (*NAMES, "emotion:LABEL")))
    return measure


def _known_emotion(given: Given, measure: str, *, emotions: Collection[str]) -> str:
    label = measure.removeprefix(EMOTION)
    if emotions and label not in emotions:
        raise given.wrong("measure", f"{EMOTION} with {with_near(label, sorted(emotions))}")
    return measure


def _limit(given: Given, measure: str, *, is_above: bool) -> float:
    """Return the limit; refused are those that no value passes, and those that every value passes."""
    least, most = range_of(measure)
    name = "above" if is_above else "below"
    limit = given.number(name, 0.0, least=least, most=min(most, MANY))
    if limit == (least if is_above else most):
        raise given.wrong(
            name,
            f"{'more' if is_above else 'less'} than {limit:g}, for every window is {name} that",
        )
    return limit


def _margin(measure: str, limit: float) -> float:
    if measure in COUNTS:
        return MARGIN * limit
    least, most = range_of(measure)
    return MARGIN * min(limit - least, most - limit)
