"""Mentions counted into the open panes of one watch.

In: mentions with their times, and the watermark. Out: panes, in the state. Pure but for that; the order of mentions
within the allowed lateness changes nothing.
"""

from collections.abc import Iterable

from consumers.alerting.keeping import Keeping, Kept
from consumers.alerting.panes import OpenPane
from consumers.alerting.sampling import GROUP_LIMITS, WATCH_LIMITS, Samples, rank_of
from consumers.alerting.tallies import Tally, groups_of
from consumers.alerting.watched import Setup, Watched
from consumers.runtime.windows import Panes
from contracts.codec import epoch_ms
from contracts.mentions import Mention

MODELS_LIMIT = 4
# Repeats are known for so many panes behind the one that is decided next.
REMEMBERED_PANES = 6
# So many times the groups that are followed have room in an open pane: which of them are is known when it is decided.
OPEN_ROOM = 4


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
        before = None if kept is None else (kept.first_ms, kept.due_ms)
        counted.forget_before(
            self._panes.first_open(watermark_ms) - REMEMBERED_PANES * self._timing.pane_ms
        )
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
            kept = self._with_due(kept, start_ms)
        for pane in changed.values():
            pane.trim(OPEN_ROOM * self._limit, wanted=self._watched.silent_sources)
            self._keeping.put_pane(pane)
        if kept is not None and (kept.first_ms, kept.due_ms) != before:
            self._keeping.put_kept(kept)
        if any(answers):
            self._keeping.put_counted(counted)
        return answers

    def _count(self, pane: OpenPane, mention: Mention) -> None:
        if mention.model_version not in pane.models:
            pane.models = sorted([*pane.models, mention.model_version])[:MODELS_LIMIT]
        for group in groups_of(mention, self._watched.heads):
            pane.groups.setdefault(group, Tally()).take(mention)
            limits = GROUP_LIMITS if group else WATCH_LIMITS
            pane.samples.setdefault(group, Samples(limits)).offer(mention)
        pane.hear(mention.source, epoch_ms(mention.at))

    def _with_due(self, kept: Kept | None, start_ms: int) -> Kept:
        """Return the watch's record, due when the pane that begins at `start_ms` ends."""
        end_ms = start_ms + self._timing.pane_ms
        if kept is None:
            return Kept(first_ms=start_ms, decided_ms=start_ms, due_ms=end_ms)
        kept.first_ms = min(kept.first_ms, start_ms)
        kept.due_ms = min(kept.due_ms, end_ms)
        return kept
