"""Mentions counted into the open panes of one watch.

In: mentions with their times, and the watermark. Out: panes, in the state. Pure but for that; the order of mentions
within the allowed lateness changes nothing.
"""

from collections.abc import Iterable

from consumers.alerting.keeping import Keeping, Kept
from consumers.alerting.panes import OpenPane
from consumers.alerting.rule import TOTAL
from consumers.alerting.sampling import GROUP_LIMITS, WATCH_LIMITS, Samples, rank_of
from consumers.alerting.tallies import Tally, bound, groups_of
from consumers.alerting.watched import Setup, Watched
from consumers.runtime.windows import Panes
from contracts.codec import epoch_ms
from contracts.mentions import Mention

HEARD_LIMIT = 64
MODELS_LIMIT = 4
# Repeats are known for so many panes behind the one that is decided next.
REMEMBERED_PANES = 6


class Counter:
    """Count mentions of one watch within one batch."""

    def __init__(self, watched: Watched, keeping: Keeping, *, setup: Setup) -> None:
        self._watched = watched
        self._keeping = keeping
        self._timing = timing = setup.timing
        self._limit = setup.limit
        self._panes = Panes(timing.pane_ms, timing.lateness_ms)

    def take(self, mentions: Iterable[Mention], *, watermark_ms: int) -> list[bool]:
        """Count mentions; returns for each whether it counted, which one counted before does not."""
        counted, kept = self._keeping.counted(), self._keeping.kept()
        changed: dict[int, OpenPane] = {}
        answers = []
        for mention in mentions:
            at_ms = epoch_ms(mention.at)
            start_ms, is_late = self._panes.place(at_ms, watermark_ms=watermark_ms)
            answers.append(not counted.is_repeat(rank_of(mention.id), start_ms=start_ms))
            if not answers[-1]:
                continue
            pane = changed.get(start_ms) or self._keeping.pane(start_ms) or OpenPane(start_ms)
            changed[start_ms] = pane
            pane.late += is_late
            self._count(pane, mention)
            kept = self._heard(kept, mention, start_ms=start_ms)
        counted.forget_before(
            self._panes.first_open(watermark_ms) - REMEMBERED_PANES * self._timing.pane_ms
        )
        self._write(changed.values(), kept)
        self._keeping.put_counted(counted)
        return answers

    def _write(self, panes: Iterable[OpenPane], kept: Kept | None) -> None:
        for pane in panes:
            self._keeping.put_pane(pane)
        if kept is not None:
            self._keeping.put_kept(kept)

    def _count(self, pane: OpenPane, mention: Mention) -> None:
        if mention.model_version not in pane.models:
            pane.models = sorted([*pane.models, mention.model_version])[:MODELS_LIMIT]
        for group in groups_of(mention, self._watched.heads):
            pane.groups.setdefault(group, Tally()).take(mention)
        bound(pane.groups, self._limit)
        for group in groups_of(mention, self._watched.sampled_heads):
            if group in pane.groups:
                limits = GROUP_LIMITS if group else WATCH_LIMITS
                pane.samples.setdefault(group, Samples(limits)).offer(mention)

    def _heard(self, kept: Kept | None, mention: Mention, *, start_ms: int) -> Kept:
        end_ms, at_ms = start_ms + self._timing.pane_ms, epoch_ms(mention.at)
        if kept is None:
            kept = Kept(first_ms=start_ms, decided_ms=start_ms, due_ms=end_ms)
        kept.first_ms = min(kept.first_ms, start_ms)
        kept.due_ms = min(kept.due_ms, end_ms)
        for source in (TOTAL, mention.source):
            kept.heard_ms[source] = max(kept.heard_ms.get(source, at_ms), at_ms)
        bound(kept.heard_ms, HEARD_LIMIT)
        return kept
