"""The curve of each rule over a recording, in so many bins at most: what was observed, and what is usual.

In: mentions and verdicts of a rehearsal, as they are made. Out: a point for each bin. Bounded by bins and groups. Pure.

    rate    mentions a minute                                          volume_spike
    share   of negatives, or of an emotion, over neighbouring bins     negative_surge, emotion_shift
            until they have some mentions together
    limit   the value nearest to the limit of the windows judged       threshold, influential_post, silence

What was observed is counted from the mentions themselves: of the windows of a ladder a verdict tells the loudest alone.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from consumers.alerting.baselines import SHARE
from consumers.alerting.deciding import Judged
from consumers.alerting.measures import measured
from consumers.alerting.rule import TOTAL, AlertRule, Verdict
from consumers.alerting.tallies import Tally, label_of
from consumers.alerting.watched import Watched
from consumers.operations.near_misses import Place
from consumers.operations.seen import group_of
from contracts.codec import epoch_ms
from contracts.mentions import Mention
from contracts.watches import Watch

LIMITED = ("threshold", "influential_post", "silence")
# A point of shares is of so many answers, or of so many bins.
SHARE_ANSWERS, SHARE_BINS = 20, 12
MOST_BINS = 480
MINUTE_MS = 60_000


class Bins(NamedTuple):
    """Part the time from `begin_ms` to `end_ms` into bins of equal length."""

    begin_ms: int
    end_ms: int

    @property
    def length_ms(self) -> int:
        """Return the length of a bin: whole minutes, so many that there are no more than the most bins."""
        minutes = -(-(self.end_ms - self.begin_ms) // (MOST_BINS * MINUTE_MS))
        return max(1, minutes) * MINUTE_MS

    @property
    def number(self) -> int:
        """Return how many there are."""
        return -(-(self.end_ms - self.begin_ms) // self.length_ms)

    def number_of(self, at_ms: int) -> int:
        """Return the bin in which a time lies."""
        return (at_ms - self.begin_ms) // self.length_ms

    def middle_ms(self, first: int, last: int) -> int:
        """Return the middle of the bins from one to another."""
        return self.begin_ms + (first + last + 1) * self.length_ms // 2


class Point(NamedTuple):
    """Hold one point of a curve: what was observed, and what is usual or the rule's limit, where it is known."""

    at_ms: int
    observed: float
    usual: float | None


class Curves:
    """Count mentions and note what is usual, bin by bin."""

    def __init__(self, bins: Bins, watches: Sequence[Watch]) -> None:
        self._bins = bins
        rules = [rule for watch in watches for rule in watch.rules]
        self._heads = sorted({str(rule.settings["by"]) for rule in rules if "by" in rule.settings})
        self._tallies: dict[tuple[str, str], dict[int, Tally]] = {}
        self._rules: dict[Place, AlertRule] = {}
        self._usual: dict[Place, dict[int, float]] = {}
        self._extremes: dict[Place, dict[int, float]] = {}

    def hear(self, mention: Mention) -> None:
        """Count one mention, in the total and in each group."""
        labels = [label_of(mention, head) for head in self._heads]
        for group in (TOTAL, *(label for label in labels if label is not None)):
            by_bin = self._tallies.setdefault((mention.key, group), {})
            by_bin.setdefault(self._bins.number_of(epoch_ms(mention.at)), Tally()).take(mention)

    def take(self, watched: Watched, judged: Judged) -> None:
        """Note what is usual, and of a rule of limits what was observed."""
        rule, verdict = judged.rule, judged.verdict
        if verdict.end_ms > self._bins.end_ms:
            return
        place = Place(watched.watch.key, rule.id, group_of(rule, verdict))
        self._rules[place] = rule
        number = self._bins.number_of(verdict.end_ms - 1)
        usual = _usual(rule, verdict)
        if usual is not None:
            self._usual.setdefault(place, {})[number] = usual
        if rule.kind in LIMITED and judged.tally.mentions >= rule.min_mentions:
            by_bin = self._extremes.setdefault(place, {})
            further = max if rule.above else min
            by_bin[number] = further(by_bin.get(number, verdict.observed), verdict.observed)

    def places(self, watch: str, rule: str) -> dict[Place, AlertRule]:
        """Return the groups that a rule looked at, each with the rule."""
        return {p: r for p, r in self._rules.items() if (p.watch, p.rule) == (watch, rule)}

    def points(self, place: Place) -> list[Point]:
        """Return the curve of a rule and group, in order."""
        rule = self._rules[place]
        tallies = self._tallies.get((place.watch, place.group), {})
        if rule.kind in LIMITED:
            found = list(self._nearest(self._extremes.get(place, {}), rule))
        elif rule.kind == "volume_spike":
            found = list(self._rates(tallies))
        else:
            found = list(self._shares(tallies, rule.measure))
        return list(self._with_usual(found, self._usual.get(place, {})))

    def _nearest(
        self, extremes: Mapping[int, float], rule: AlertRule
    ) -> Iterator[tuple[int, int, float]]:
        """Yield the value of every bin; nobody was reached where nothing was judged, a share is unknown there."""
        unknown = 0.0 if rule.kind == "influential_post" else math.nan
        for number in range(self._bins.number):
            if number in extremes or rule.kind != "silence":
                yield number, number, extremes.get(number, unknown)

    def _rates(self, tallies: Mapping[int, Tally]) -> Iterator[tuple[int, int, float]]:
        minutes = self._bins.length_ms / MINUTE_MS
        for number in range(self._bins.number):
            yield number, number, tallies.get(number, _NOTHING).mentions / minutes

    def _shares(
        self, tallies: Mapping[int, Tally], measure: str
    ) -> Iterator[tuple[int, int, float]]:
        head = "emotion" if measure.startswith("emotion:") else "sentiment"
        held, first = Tally(), 0
        for number in range(self._bins.number):
            held.add(tallies.get(number, _NOTHING))
            is_full = held.judged(head) >= SHARE_ANSWERS
            if is_full or number - first + 1 == SHARE_BINS or number + 1 == self._bins.number:
                share = measured(held, measure)
                if share is not None:
                    yield first, number, share
                held, first = Tally(), number + 1

    def _with_usual(
        self, found: Sequence[tuple[int, int, float]], usual: Mapping[int, float]
    ) -> Iterator[Point]:
        """Yield points, each with the newest that was usual by then."""
        known, reached = None, 0
        for first, last, observed in found:
            for number in range(reached, last + 1):
                known = usual.get(number, known)
            reached = last + 1
            yield Point(self._bins.middle_ms(first, last), observed, known)


def _usual(rule: AlertRule, verdict: Verdict) -> float | None:
    """Return what is usual in the unit of the curve; None where the rule was judged by another measure."""
    if rule.kind in LIMITED:
        return verdict.threshold
    if rule.kind == "volume_spike":
        return None if verdict.expected is None else verdict.expected * 60 / verdict.window_s
    return verdict.expected if verdict.measure.startswith(SHARE) else None


_NOTHING = Tally()
