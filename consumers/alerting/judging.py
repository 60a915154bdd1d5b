"""What each rule sees in one window.

In: a rule, the tallies of a window, what is usual for its series. Out: a `Verdict` for each group. Pure.

    negative_surge   the count of negatives, or their share, is improbably high; the less probable of both speaks
    volume_spike     the count of mentions is improbably high
    emotion_shift    the share of one emotion is improbably high
    threshold, influential_post, silence   a measure against a limit

A window is clear above the square root of the rule's probability, in logarithms half way: what lies between neither
fires nor ends an alert (hysteresis).
"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from consumers.alerting.baselines import SHARE, Usual
from consumers.alerting.measures import EMOTION, NAMES, measured
from consumers.alerting.rule import TOTAL, AlertRule, Level, Missing, Verdict
from consumers.alerting.tallies import Tally
from contracts.alerts import CurvePoint

IMPROBABLE = frozenset({"negative_surge", "volume_spike", "emotion_shift"})
# So long must a watch have been followed before anything is called unusual, and so many windows.
LEAST_HISTORY_S = 3600
LEAST_WINDOWS = 12


class Window(NamedTuple):
    """Hold what a rule may see: tallies by group, what is usual by series, how long the watch was followed.

    `listened_s` is that without what lies before its last pause.
    """

    end_ms: int
    window_s: int
    tallies: Mapping[str, Tally]
    usual: Mapping[str, Usual]
    history_s: float
    listened_s: float


def series_name(group: str, measure: str) -> str:
    """Return the name of a series: its group and its measure."""
    return f"{group}|{measure}"


def counts_of(tallies: Mapping[str, Tally]) -> dict[str, int]:
    """Return the counts that are watched in every group: mentions and negatives."""
    counts: dict[str, int] = {}
    for group, tally in tallies.items():
        counts[series_name(group, "volume")] = tally.mentions
        counts[series_name(group, "negative")] = tally.count("sentiment", "negative")
    return counts


def shares_of(tallies: Mapping[str, Tally], emotions: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Return hits and totals of the shares that are watched: negatives, and the emotions that rules ask for."""
    shares: dict[str, tuple[int, int]] = {}
    for group, tally in tallies.items():
        hits = tally.count("sentiment", "negative")
        shares[series_name(group, SHARE + "negative")] = (hits, tally.judged("sentiment"))
        for emotion in emotions:
            name = series_name(group, SHARE + emotion)
            shares[name] = (tally.count("emotion", emotion), tally.judged("emotion"))
    return shares


def judge(rule: AlertRule, window: Window, *, group: str) -> Verdict:
    """Return what a rule of probabilities or of a limit sees of one group in a window."""
    tally = window.tallies.get(group, _NOTHING)
    if rule.kind in IMPROBABLE:
        return _improbable(rule, window, group=group)
    if rule.kind == "influential_post":
        seen = tally.furthest_negative if rule.measure == "negative_reach" else tally.furthest
        return _limited(rule, window, group=group, observed=float(seen))
    return _limited(rule, window, group=group, observed=measured(tally, rule.measure))


def curve_point(rule: AlertRule, window: Window, *, group: str) -> CurvePoint:
    """Return the rule's own measure in one window beside what was expected of it, or the limit."""
    tally = window.tallies.get(group, _NOTHING)
    observed = measured(tally, rule.measure) if rule.measure in NAMES else None
    if rule.measure.startswith(EMOTION):
        observed = measured(tally, rule.measure)
    expected = rule.limit
    if rule.kind in IMPROBABLE:
        expected = window.usual.get(series_name(group, _series_of(rule)), _UNKNOWN).expected
    return CurvePoint(window.end_ms, observed or 0.0, expected)


def _series_of(rule: AlertRule) -> str:
    """Return the measure of the series that a rule's own measure is judged by."""
    if rule.kind == "volume_spike":
        return "volume"
    return SHARE + (rule.emotion or "negative")


def judge_silence(rule: AlertRule, *, last_ms: int, end_ms: int) -> Verdict:
    """Return what a rule of silence sees at `end_ms`, when the newest mention was at `last_ms`."""
    silent_s = max(0.0, (end_ms - last_ms) / 1000)
    is_silent = silent_s >= rule.silent_s
    missing = () if is_silent else (Missing("silent_s", silent_s, rule.silent_s),)
    return Verdict(
        rule=rule.id, group=TOTAL, end_ms=end_ms, window_s=rule.silent_s, measure="silence",
        level="breach" if is_silent else "clear", observed=silent_s, threshold=float(rule.silent_s),
        missing=missing,
    )  # fmt: skip


def still_on(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Return the verdicts of one rule, shorter windows first, up to one that sees nothing above the usual any more.

    What a long window has seen may be over; it counts while the window before it is above the usual too, but that of
    the shortest, which of few mentions is mostly empty. Reference: multiwindow alerts in Beyer et al., "The site
    reliability workbook", 2018, chapter 5.
    """
    left = [*verdicts[:2]]
    for shorter, longer in pairwise(verdicts[1:]):
        if shorter.probability is not None and shorter.probability >= 1.0:
            break
        left.append(longer)
    return left


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the verdict that speaks loudest: the highest level, then the least probable, then the shortest window."""
    return min(verdicts, key=lambda v: (_LOUDNESS[v.level], _odds(v), v.window_s))


def _odds(verdict: Verdict) -> float:
    return 1.0 if verdict.probability is None else verdict.probability


def _improbable(rule: AlertRule, window: Window, *, group: str) -> Verdict:
    tally = window.tallies.get(group, _NOTHING)
    measure, observed, usual = _least_probable(rule, window, group=group)
    missing = _unmet(rule, tally, window=window)
    if usual.probability > rule.probability:
        missing = (Missing("probability", usual.probability, rule.probability), *missing)
    hovers = usual.probability <= math.sqrt(rule.probability)
    return Verdict(
        rule=rule.id, group=group, end_ms=window.end_ms, window_s=window.window_s, measure=measure,
        level=_level(missing, hovers=hovers), observed=observed, threshold=rule.probability,
        expected=usual.expected, probability=usual.probability, missing=missing, **_facts(tally),
    )  # fmt: skip


def _least_probable(rule: AlertRule, window: Window, *, group: str) -> tuple[str, float, Usual]:
    """Return (measure, observed, what is usual) of the series that the rule looks at; upwards alone counts."""
    tally = window.tallies.get(group, _NOTHING)
    judged = tally.judged("sentiment")
    negative = tally.count("sentiment", "negative")
    if rule.kind == "volume_spike":
        return _upwards(window, group, measure="volume", observed=float(tally.mentions))
    if rule.kind == "emotion_shift":
        emotion = rule.emotion or ""
        hits, total = tally.count("emotion", emotion), tally.judged("emotion")
        return _upwards(
            window, group, measure=SHARE + emotion, observed=hits / total if total else 0.0
        )
    by_share = _upwards(
        window, group, measure=SHARE + "negative", observed=negative / judged if judged else 0.0
    )
    by_count = _upwards(window, group, measure="negative", observed=float(negative))
    # More of everything is no turn of mood: the count speaks only where the share is not below the usual one.
    if by_share[1] < by_share[2].expected:
        return by_share
    return min(by_share, by_count, key=lambda item: item[2].probability)


def _upwards(
    window: Window, group: str, *, measure: str, observed: float
) -> tuple[str, float, Usual]:
    usual = window.usual.get(series_name(group, measure), _UNKNOWN)
    if observed <= usual.expected:
        usual = usual._replace(probability=1.0)
    return measure, observed, usual


def _limited(rule: AlertRule, window: Window, *, group: str, observed: float | None) -> Verdict:
    tally = window.tallies.get(group, _NOTHING)
    missing = _unmet(rule, tally)
    if not rule.above and window.listened_s < window.window_s:
        # Of a window that nobody has listened to from its begin it is not known how little there was.
        missing = (Missing("history_s", window.listened_s, window.window_s), *missing)
    seen = 0.0 if observed is None else observed
    sign = 1.0 if rule.above else -1.0
    is_past = observed is not None and sign * (seen - rule.limit) >= 0
    if not is_past:
        missing = (Missing(rule.measure, seen, rule.limit), *missing)
    hovers = observed is not None and sign * (seen - rule.clear_limit) >= 0
    return Verdict(
        rule=rule.id, group=group, end_ms=window.end_ms, window_s=window.window_s, measure=rule.measure,
        level=_level(missing, hovers=hovers), observed=seen, threshold=rule.limit, missing=missing,
        **_facts(tally),
    )  # fmt: skip


def _level(missing: Sequence[Missing], *, hovers: bool) -> Level:
    if not missing:
        return "breach"
    return "hover" if hovers else "clear"


def _unmet(rule: AlertRule, tally: Tally, *, window: Window | None = None) -> tuple[Missing, ...]:
    """Return the conditions beside the rule's own that a window does not meet."""
    asked = [
        ("mentions", tally.mentions, rule.min_mentions),
        ("voices", tally.heard(), rule.min_voices),
        ("sources", len(tally.sources), rule.min_sources),
    ]
    if window is not None:
        least_s = max(LEAST_HISTORY_S, LEAST_WINDOWS * window.window_s)
        asked.append(("history_s", int(window.history_s), least_s))
    return tuple(Missing(name, seen, needed) for name, seen, needed in asked if seen < needed)


def _facts(tally: Tally) -> dict[str, int]:
    return {
        "mentions": tally.mentions,
        "voices": tally.heard(),
        "sources": len(tally.sources),
        "reach": tally.reach,
    }


_NOTHING = Tally()
_UNKNOWN = Usual(0.0, 1.0, 0.0)
_LOUDNESS = {"breach": 0, "hover": 1, "clear": 2}
