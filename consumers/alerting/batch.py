"""One batch of the alert stage: its records in their order, and what comes of them.

In: records of one partition of `mentions` or `feedback`. Out: ends of records, state, alerts. `moved` says which
watches are due when, to be kept once the batch has committed; None for one that is no more.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from consumers.alerting.counting import Counter
from consumers.alerting.deciding import Decider, Listener
from consumers.alerting.episodes import Episodes
from consumers.alerting.input_time import InputTime
from consumers.alerting.keeping import NEVER_MS, Keeping
from consumers.alerting.publishing import Publishing
from consumers.alerting.rulebook import Rulebook
from consumers.alerting.telling import Gauges
from consumers.alerting.watched import Setup, Watched
from consumers.protocols import Input, Outcome, Record
from contracts.alerts import Feedback
from contracts.codec import Codec
from contracts.errors import RecordInvalid, Unavailable
from contracts.mentions import Mention, Tick
from contracts.watches import Watch

REPEAT = "repeat"
NO_WATCH = "no_watch"
NO_CHANGE = "no_change"
# A pane takes some milliseconds to judge; a transaction must end long before its deadline.
PANES_A_BATCH = 1000


class Waiting(NamedTuple):
    """Hold a mention that waits to be counted, with its record."""

    record: Record
    mention: Mention


class Means(NamedTuple):
    """Hold what a batch needs of its stage; `due` is when each watch of a partition is due, as committed."""

    expected: list[tuple[str, int]]
    rulebook: Rulebook
    setup: Setup
    listener: Listener | None
    publishing: Publishing
    gauges: Gauges
    due: dict[Input, dict[str, int]]
    mention_codec: Codec[Mention | Tick]
    feedback_codec: Codec[Feedback]


class BatchWork:
    """Do the work of one batch for the stage."""

    def __init__(self, means: Means, outcome: Outcome, *, now_ms: int) -> None:
        self._means = means
        self._outcome = outcome
        self._now_ms = now_ms
        self._panes_left = PANES_A_BATCH
        self.moved: dict[Input, dict[str, int | None]] = {}

    def follow(self, source: Input, records: Sequence[Record]) -> None:
        """Go through a partition's mentions and ticks in order: mentions wait until time moves on.

        Where time moved so far that a batch cannot hold it, the records behind are left, and what is due comes first.
        """
        state = self._outcome.state(source)
        time = InputTime.read(state, expected=self._means.expected)
        if not self._decide(source, self._decided_ms(time.merged_ms)):
            self._outcome.leave(source, records)
            return
        waiting: dict[str, list[Waiting]] = {}
        for number, record in enumerate(records, 1):
            try:
                item = self._means.mention_codec.decode(record.value, record.headers)
            except RecordInvalid as error:
                self._outcome.dead(record, error)
                continue
            if isinstance(item, Mention):
                waiting.setdefault(item.key, []).append(Waiting(record, item))
                continue
            self._outcome.result(record)
            before = self._decided_ms(time.merged_ms)
            self._count(source, waiting, watermark_ms=time.merged_ms)
            waiting = {}
            decided_ms = self._decided_ms(time.observe(item))
            if decided_ms > before:
                self._end_gone(source, decided_ms)
                if not self._decide(source, decided_ms):
                    self._outcome.leave(source, records[number:])
                    break
        self._count(source, waiting, watermark_ms=time.merged_ms)
        time.write(state)

    def hear(self, source: Input, records: Iterable[Record]) -> None:
        """Apply feedback in order; `source` is the partition of mentions whose state it means."""
        for record in records:
            try:
                feedback = self._means.feedback_codec.decode(record.value, record.headers)
            except RecordInvalid as error:
                self._outcome.dead(record, error)
                continue
            watched = self._means.rulebook.find(feedback.key)
            if watched is None:
                self._outcome.drop(record, NO_WATCH)
                continue
            episodes = self._episodes(source, watched)
            judged_ms = self._judged_ms(source, feedback.key)
            if episodes.hear(feedback, judged_ms=judged_ms):
                self._outcome.result(record)
            else:
                self._outcome.drop(record, NO_CHANGE)
            self._send(source, episodes)
            self._note_kept(source, feedback.key)

    def _decided_ms(self, watermark_ms: int) -> int:
        """Return the end of the last pane that is decided."""
        timing = self._means.setup.timing
        return (watermark_ms - timing.lateness_ms) // timing.pane_ms * timing.pane_ms

    def _judged_ms(self, source: Input, key: str) -> int:
        """Return up to when no window of a watch is still to be judged: time came so far, and no pane is due before."""
        time = InputTime.read(self._outcome.state(source), expected=self._means.expected)
        due_ms = self._all_due(source).get(key)
        decided_ms = self._decided_ms(time.merged_ms)
        return decided_ms if due_ms is None else min(decided_ms, due_ms - 1)

    def _count(
        self, source: Input, waiting: dict[str, list[Waiting]], *, watermark_ms: int
    ) -> None:
        for key, items in waiting.items():
            revision = max(item.mention.watch_revision for item in items)
            watched = self._means.rulebook.find(key, revision=revision)
            if watched is None:
                for item in items:
                    self._outcome.drop(item.record, NO_WATCH)
                continue
            keeping = Keeping(key, self._outcome.state(source))
            counter = Counter(watched, keeping, setup=self._means.setup)
            answers = counter.take([item.mention for item in items], watermark_ms=watermark_ms)
            for item, is_new in zip(items, answers, strict=True):
                if is_new:
                    self._outcome.result(item.record)
                else:
                    self._outcome.drop(item.record, REPEAT)
            self._note_due(source, keeping)

    def _decide(self, source: Input, decided_ms: int) -> bool:
        """Judge every watch that is due, in the order of their names.

        Returns whether all is done; else some are still due.
        """
        for key in self._due_by(source, decided_ms):
            watched = self._means.rulebook.get(key)
            if watched is None:
                continue
            keeping = Keeping(key, self._outcome.state(source))
            episodes = self._episodes(source, watched)
            decider = Decider(
                watched, keeping, setup=self._means.setup, listener=self._means.listener
            )
            due_ms = decider.advance(decided_ms, episodes, most=self._panes_left)
            self._panes_left -= decider.judged
            if decider.newest is not None:
                self._means.gauges.note_window(source, key, tallies=decider.newest)
            self._send(source, episodes)
            self._note_due(source, keeping)
            if due_ms <= decided_ms:
                return False
        return True

    def _due_by(self, source: Input, decided_ms: int) -> list[str]:
        """Return the watches that are due, by name."""
        due = self._all_due(source)
        return sorted(k for k, at_ms in due.items() if at_ms is not None and at_ms <= decided_ms)

    def _all_due(self, source: Input) -> Mapping[str, int | None]:
        """Return when each watch is due, as this batch has it."""
        due = self._means.due.get(source, {})
        moved = self.moved.get(source)
        return due | moved if moved else due

    def _end_gone(self, source: Input, decided_ms: int) -> None:
        """End the watches that are no more."""
        for key, due_ms in sorted(self._all_due(source).items()):
            if due_ms is not None and self._means.rulebook.is_gone(key):
                self._end(source, key, at_ms=decided_ms)

    def _end(self, source: Input, key: str, *, at_ms: int) -> None:
        """Resolve the alerts of a watch that is no more, and remove all that is kept of it."""
        tenant, _, name = key.partition("/")
        episodes = self._episodes(source, Watched(Watch(id=name, query="-", tenant=tenant)))
        episodes.close_all(at_ms)
        self._send(source, episodes)
        Keeping(key, self._outcome.state(source)).forget()
        self._means.gauges.note_ended(source, key)
        self.moved.setdefault(source, {})[key] = None

    def _episodes(self, source: Input, watched: Watched) -> Episodes:
        try:
            return Episodes(watched, self._outcome.state(source))
        except KeyError as error:
            raise Unavailable(
                f"{source.topic}:{source.partition} is not held, and feedback of its number is; a group with equal "
                "partitions of both topics holds both"
            ) from error

    def _send(self, source: Input, episodes: Episodes) -> None:
        self._means.publishing.send(
            episodes.steps, partition=source.partition, outcome=self._outcome
        )
        gauges = self._means.gauges
        for step in episodes.steps:
            gauges.note_step(source, step, now_ms=self._now_ms)
        for id in episodes.forgotten:
            gauges.note_forgotten(source, id)

    def _note_kept(self, source: Input, key: str) -> None:
        """Note a watch of which something is kept though it was never mentioned, so that its end is seen."""
        moved = self.moved.setdefault(source, {})
        if moved.get(key, self._means.due.get(source, {}).get(key)) is None:
            moved[key] = NEVER_MS

    def _note_due(self, source: Input, keeping: Keeping) -> None:
        kept = keeping.kept()
        if kept is not None:
            self.moved.setdefault(source, {})[keeping.watch_key] = kept.due_ms
