"""The alert stage: mentions, ticks and feedback in; alerts and their transitions out.

In: records of `mentions` and `feedback`. Out: Alert, the latest of each, and AlertTransition, numbered, on the watch's
partition. Bad records become dead letters; a mention counted before, one of a watch that is no more, and feedback that
means nothing, are counted drops. Knows neither Kafka nor the clock: time is what ticks say, `now_ms` serves metrics.

Both inputs have equal partitions of one key, and one worker holds both of a number: the state lies with `mentions`.
"""

from collections.abc import Sequence

from consumers.alerting.baselines import Memory
from consumers.alerting.batch import BatchWork, Means
from consumers.alerting.deciding import Listener
from consumers.alerting.episodes import held_alerts
from consumers.alerting.keeping import due_times
from consumers.alerting.publishing import Publishing
from consumers.alerting.rulebook import Rulebook
from consumers.alerting.telling import Gauges
from consumers.alerting.watched import Setup, Timing
from consumers.protocols import Batch, Input, Outcome, Progress, State
from contracts.alerts import Feedback
from contracts.codec import Codec
from contracts.mentions import Mention, Tick
from contracts.settings import Settings
from contracts.topics import FEEDBACK, MENTIONS
from models.keyphrases import Phrasing

RECORD_LIMIT_BYTES = 1 << 20


class AlertStage:
    """Judge mentions (protocol `Stage`). `partitions` is how many each lane of events has: so many tell the time.

    `listener` is told every verdict, with its watch.
    """

    state_version = 1

    def __init__(
        self,
        settings: Settings,
        *,
        rulebook: Rulebook,
        phrasing: Phrasing,
        partitions: int,
        listener: Listener | None = None,
    ) -> None:
        names = settings.topics.names
        self._mentions, self._feedback = names.of(MENTIONS), names.of(FEEDBACK)
        timing = Timing(
            settings.runtime.pane_s * 1000,
            settings.alert.step_s * 1000,
            int(settings.runtime.lateness_s * 1000),
        )
        self._gauges = Gauges(settings.alert.exported_watches)
        self._rulebook = rulebook
        self._memory = Memory()
        self._due: dict[Input, dict[str, int]] = {}
        self._moved: dict[Input, dict[str, int | None]] = {}
        self._means = Means(
            expected=[
                (lane, number) for lane in settings.score.lanes for number in range(partitions)
            ],
            rulebook=rulebook,
            setup=Setup(
                timing, phrasing, self._memory, rulebook.labels("emotion"), settings.alert.groups
            ),
            listener=listener,
            publishing=Publishing(settings),
            gauges=self._gauges,
            due=self._due,
            mention_codec=Codec(Mention, Tick, limit_bytes=RECORD_LIMIT_BYTES),
            feedback_codec=Codec(Feedback, limit_bytes=RECORD_LIMIT_BYTES),
        )

    @property
    def name(self) -> str:
        """Return `alert`."""
        return "alert"

    @property
    def inputs(self) -> Sequence[str]:
        """Return mentions and feedback."""
        return [self._mentions, self._feedback]

    def start(self) -> None:
        """Read every watch."""
        self._rulebook.start()

    def opened(self, source: Input, state: State) -> None:
        """Take over which watches are due, and when, and which alerts there are."""
        if source.topic == self._mentions:
            self._due[source] = dict(due_times(state))
            self._gauges.opened(source, held_alerts(state))

    def closed(self, source: Input) -> None:
        """Forget a partition."""
        self._due.pop(source, None)
        self._gauges.closed(source)
        self._memory.forget()

    def process(self, batch: Batch, outcome: Outcome) -> None:
        """Count mentions, decide what time has passed, and hear feedback after the mentions of the batch."""
        self._rulebook.refresh(batch.now_ms)
        self._gauges.discarded()
        work = BatchWork(self._means, outcome, now_ms=batch.now_ms)
        self._moved = work.moved
        for source, records in batch.records.items():
            if source.topic == self._mentions:
                work.follow(source, records)
        for source, records in batch.records.items():
            if source.topic == self._feedback:
                work.hear(Input(self._mentions, source.partition), records)

    def applied(self) -> None:
        """Keep what the committed batch moved."""
        for source, moved in self._moved.items():
            due = self._due.setdefault(source, {}) | moved
            self._due[source] = {key: due_ms for key, due_ms in due.items() if due_ms is not None}
        self._moved = {}
        self._gauges.applied()

    def tick(self, progress: Sequence[Progress], outcome: Outcome, *, now_ms: int) -> None:
        """Follow the watches; time comes with the ticks in `mentions`."""
        self._rulebook.refresh(now_ms)

    def ticked(self) -> None:
        """Do nothing: a tick of the loop tells nobody."""

    def close(self) -> None:
        """Let go of the watches."""
        self._rulebook.close()
