"""Of the verdicts of a rehearsal, the windows in which each rule came nearest to firing and did not.

In: verdicts as they are made. Out: the nearest miss of every hour, rule and group. Bounded by the hours rehearsed, not
by the verdicts. Pure.
"""

from collections.abc import Iterator
from typing import NamedTuple

from msgspec.structs import replace

from consumers.alerting.deciding import Judged
from consumers.alerting.rule import AlertRule, Missing, Verdict
from consumers.alerting.watched import Watched
from consumers.operations.seen import group_of, nearness

HOUR_MS = 3_600_000
LEAST_NEARNESS = 0.5


class Place(NamedTuple):
    """Name one rule of one watch, and the group that it looks at, empty for the total."""

    watch: str
    rule: str
    group: str


class NearMisses:
    """Keep what nearly fired; `take` is a listener of a rehearsal."""

    def __init__(self) -> None:
        self._nearest: dict[Place, dict[int, tuple[float, Verdict]]] = {}
        self._held: dict[Place, tuple[int, int | None]] = {}

    def take(self, watched: Watched, judged: Judged) -> None:
        """Keep a verdict where none of its hour came nearer."""
        rule = judged.rule
        place = Place(watched.watch.key, rule.id, group_of(rule, judged.verdict))
        verdict = self._with_hold(place, rule, verdict=judged.verdict)
        near = nearness(rule, verdict.missing)
        if not verdict.missing or (verdict.level == "clear" and near < LEAST_NEARNESS):
            return
        by_hour = self._nearest.setdefault(place, {})
        known = by_hour.get(verdict.end_ms // HOUR_MS)
        if known is None or near > known[0]:
            by_hour[verdict.end_ms // HOUR_MS] = (near, verdict)

    def of(self, watch: str, rule: str) -> Iterator[Verdict]:
        """Yield the nearest miss of every hour and group."""
        for place, by_hour in self._nearest.items():
            if (place.watch, place.rule) == (watch, rule):
                yield from (verdict for _, verdict in by_hour.values())

    def _with_hold(self, place: Place, rule: AlertRule, *, verdict: Verdict) -> Verdict:
        """Return the verdict; where a window broke the rule and not for long enough yet, that is what was missing."""
        if rule.hold_s <= 0:
            return verdict
        seen_ms, held_ms = self._held.get(place, (verdict.end_ms, None))
        if verdict.level == "breach":
            held_ms = 0 if held_ms is None else held_ms + verdict.end_ms - seen_ms
        elif verdict.level == "clear":
            held_ms = None
        self._held[place] = (verdict.end_ms, held_ms)
        if verdict.level != "breach" or held_ms is None or held_ms >= rule.hold_s * 1000:
            return verdict
        return replace(verdict, missing=(Missing("hold_s", held_ms / 1000, rule.hold_s),))
