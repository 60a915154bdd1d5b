"""What a rule saw of one window, for people: how near it came to firing, and in words what was missing.

In: a rule and its verdict. Out: a `Seen`. Pure; imports contracts and the alert stage's records.

    nearness = the least over all missing conditions of   1 where none is missing
        ln(chance seen) / ln(chance needed)               chances
        (seen - least) / (needed - least)                 what must be reached, from the least that it can be
        (most - seen) / (most - needed)                   what must not be passed, from the most that it can be;
        needed / seen                                     where there is no most
        0.95 + 0.05 · held / needed                       broken, and not for long enough

A chance whose nearness is one half is the one above which a window is clear.

>>> rule = AlertRule("volume_spike", "volume_spike", "")
>>> missing = (Missing("probability", 1e-4, 1e-6), Missing("mentions", 4, 5))
>>> round(nearness(rule, missing), 2), [lack_words(rule, one) for one in missing]
(0.67, ['chance 1 in 10,000, needs 1 in 1,000,000', '4 of 5 mentions'])
"""

import math
from datetime import datetime

import msgspec

from consumers.alerting.episode import moment
from consumers.alerting.rule import AlertRule, Level, Missing, Verdict
from consumers.alerting.thresholds import range_of
from consumers.alerting.wording import length, one_in
from consumers.operations.alert_pages import number

UNITS = ("s", "min", "h", "days")
# A chance above this is told as no chance at all: about half of all windows are like that.
USUAL = 0.5
COUNTS = ("mentions", "voices", "sources")
TIMES = {"history_s": "history", "silent_s": "silent for", "hold_s": "broken for"}
MANY = 1e12
# A rule that was broken, however shortly, came nearer than most that were not.
BROKEN = 0.95


class Lack(msgspec.Struct, frozen=True):
    """Hold one condition that was not met: what was seen, what was needed, and both in words."""

    condition: str
    seen: float
    needed: float
    says: str


class Seen(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hold what a rule saw of the window of `window_s` that ended `at`; `missing` is empty where it was broken.

    `threshold` is in the unit of `probability` where that is given, else of `observed`.
    """

    rule: str
    kind: str
    at: datetime
    window_s: int
    level: Level
    measure: str
    observed: float
    threshold: float
    nearness: float
    missing: tuple[Lack, ...]
    mentions: int
    voices: int
    sources: int
    group: str | None = None
    expected: float | None = None
    probability: float | None = None


def seen_of(rule: AlertRule, verdict: Verdict) -> Seen:
    """Return a verdict as people are told it."""
    return Seen(
        rule=rule.id,
        kind=rule.kind,
        at=moment(verdict.end_ms),
        window_s=verdict.window_s,
        level=verdict.level,
        measure=verdict.measure,
        observed=verdict.observed,
        threshold=verdict.threshold,
        nearness=round(nearness(rule, verdict.missing), 3),
        missing=tuple(lack_of(rule, one) for one in verdict.missing),
        mentions=verdict.mentions,
        voices=verdict.voices,
        sources=verdict.sources,
        group=group_of(rule, verdict) or None,
        expected=verdict.expected,
        probability=verdict.probability,
    )


def group_of(rule: AlertRule, verdict: Verdict) -> str:
    """Return the group as alerts name it, the label alone; empty for the total."""
    return verdict.group.removeprefix(f"{rule.by}=")


def nearness(rule: AlertRule, missing: tuple[Missing, ...]) -> float:
    """Return how near a window came to breaking a rule, from 0 to 1."""
    return min((_share_of(rule, one) for one in missing), default=1.0)


def lack_of(rule: AlertRule, missing: Missing) -> Lack:
    """Return a condition that was not met, with its words."""
    return Lack(missing.condition, missing.seen, missing.needed, lack_words(rule, missing))


def lack_words(rule: AlertRule, missing: Missing) -> str:
    """Return in words what was missing: "3 of 5 mentions"."""
    name, seen, needed = missing.condition, missing.seen, missing.needed
    if _is_short(missing):
        return f"{number(seen)} of {number(needed)} {name}"
    if name in TIMES:
        return f"{TIMES[name]} {time_words(seen)} of {time_words(needed)}"
    if name == "probability":
        return f"{chance_words(seen)}, needs {chance_words(needed).removeprefix('chance ')}"
    if _is_past(rule, missing):
        return f"{name}: nothing to judge"
    return f"{name} {number(seen)}, needs {number(needed)} or {'more' if rule.above else 'less'}"


def chance_words(probability: float) -> str:
    """Return a chance in words.

    >>> chance_words(0.0004), chance_words(3e-16), chance_words(0.7)
    ('chance 1 in 2,000', 'chance 1 in 3e+15', 'nothing unusual')
    """
    if probability > USUAL:
        return "nothing unusual"
    many = one_in(max(probability, 1e-300))
    return f"chance 1 in {many:,.0f}" if many <= MANY else f"chance 1 in {many:.0e}"


def time_words(seconds: float) -> str:
    """Return a length of time in words.

    >>> time_words(2400), time_words(90), time_words(86_400)
    ('40 min', '90 s', '1 day')
    """
    count, unit = length(seconds, units=UNITS)
    return f"{count} {'day' if unit == 'days' and count == 1 else unit}"


def _share_of(rule: AlertRule, missing: Missing) -> float:
    name, seen, needed = missing.condition, missing.seen, missing.needed
    if name == "probability":
        share = math.log(max(seen, 1e-300)) / math.log(needed)
    elif name == "hold_s":
        share = BROKEN + (1 - BROKEN) * seen / needed
    elif name in TIMES or _is_short(missing):
        share = seen / needed
    elif _is_past(rule, missing):
        share = 0.0
    else:
        share = _limit_share(rule, missing)
    return min(max(share, 0.0), 1.0)


def _limit_share(rule: AlertRule, missing: Missing) -> float:
    least, most = range_of(missing.condition)
    if rule.above:
        return (missing.seen - least) / (missing.needed - least)
    if math.isinf(most):
        return missing.needed / missing.seen
    return (most - missing.seen) / (most - missing.needed)


def _is_short(missing: Missing) -> bool:
    """Say whether there were too few of what is counted; of voices and sources a limit may also want few."""
    return missing.condition in COUNTS and missing.seen < missing.needed


def _is_past(rule: AlertRule, missing: Missing) -> bool:
    """Say whether a limit counts as missing though zero is past it: nothing was there to be measured."""
    return missing.seen >= missing.needed if rule.above else missing.seen <= missing.needed
