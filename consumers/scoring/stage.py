"""The score stage: events in; scored events, mentions and ticks out.

In: records of `events.text` and `events.media`. Out: one ScoredEvent for each event, one Mention for each watch it
matches, Ticks for every partition of `mentions`. Bad records become dead letters, repeats and (with `only_matching`)
what no watch wants become counted drops. Knows the models by protocol, and neither Kafka nor the clock.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from consumers.protocols import Batch, Input, Outcome, Progress, Record, State
from consumers.scoring.event_time import EventTime
from consumers.scoring.matching import Candidates, Match
from consumers.scoring.mentioning import make_mention, make_scored, match_input, text_input
from consumers.scoring.repeats import Repeats, repeat_hash
from consumers.scoring.watchlist import Watchlist
from contracts import telemetry
from contracts.codec import Codec, encode_value, epoch_ms, make_headers, rfc3339
from contracts.errors import RecordInvalid
from contracts.events import Event
from contracts.mentions import Mention, Tick
from contracts.scores import ScoredEvent
from contracts.settings import Settings
from contracts.timing import timed
from contracts.topics import LANES, MENTIONS, SCORED
from models.protocols import TextScorer, TextScores

REPEAT = "repeat"
UNMATCHED = "unmatched"
SOURCE = "hubbub/score"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Taken(NamedTuple):
    """One event of a batch that is to be scored; `at` is when it happened, no later than its receipt."""

    record: Record
    event: Event
    candidates: Candidates
    at: datetime


class ScoreStage:
    """Score a batch (protocol `Stage`). `mention_partitions` is how many partitions get each tick."""

    state_version = 1

    def __init__(
        self,
        settings: Settings,
        *,
        scorer: TextScorer,
        watchlist: Watchlist,
        mention_partitions: int,
    ) -> None:
        names = settings.topics.names
        self._lanes = {names.of(LANES[lane]): lane for lane in settings.score.lanes}
        self._scored = names.of(SCORED)
        self._mentions = names.of(MENTIONS)
        self._mention_partitions = mention_partitions
        self._codec = Codec(Event, limit_bytes=settings.score.record_bytes)
        self._only_matching = settings.score.only_matching
        self._repeat_hours = settings.runtime.repeat_hours
        self._idle_ms = settings.runtime.idle_ms
        self._scorer = scorer
        self._watchlist = watchlist
        self._repeats: dict[Input, Repeats] = {}
        self._times: dict[Input, EventTime] = {}
        self._told: dict[Input, tuple[int, bool]] = {}
        self._telling: dict[Input, tuple[int, bool]] = {}

    @property
    def name(self) -> str:
        """Return `score`."""
        return "score"

    @property
    def inputs(self) -> Sequence[str]:
        """Return the lanes' topics."""
        return list(self._lanes)

    def start(self) -> None:
        """Load the model and every watch."""
        self._scorer.start()
        self._watchlist.start()

    def opened(self, source: Input, state: State) -> None:
        """Take over what the partition remembers."""
        self._repeats[source] = Repeats(self._repeat_hours)
        self._repeats[source].load(state)
        self._times[source] = EventTime.read(state)

    def closed(self, source: Input) -> None:
        """Forget a partition."""
        for held in (self._repeats, self._times, self._told):
            held.pop(source, None)

    def process(self, batch: Batch, outcome: Outcome) -> None:
        """Score one batch."""
        self._watchlist.refresh(batch.now_ms)
        for repeats in self._repeats.values():
            repeats.discarded()
        for times in self._times.values():
            times.discarded()
        taken = [
            item
            for many in batch.records.values()
            for item in self._take(many, outcome, now_ms=batch.now_ms)
        ]
        scores = self._scorer.score_batch([text_input(item.event) for item in taken])
        _record(taken, scores, now_ms=batch.now_ms)
        for item, answer in zip(taken, scores, strict=True):
            self._publish(item, answer, outcome=outcome)
        for source, records in batch.records.items():
            state = outcome.state(source)
            self._repeats[source].write(state, records[0].offset)
            self._times[source].write(state)

    def applied(self) -> None:
        """Keep what the committed batch taught."""
        for repeats in self._repeats.values():
            repeats.applied()
        for times in self._times.values():
            times.applied()

    def tick(self, progress: Sequence[Progress], outcome: Outcome, *, now_ms: int) -> None:
        """Tell every partition of `mentions` how far each held input has come, where that has changed."""
        self._watchlist.refresh(now_ms)
        self._telling = {}
        for item in progress:
            is_idle = item.drained and item.silent_ms >= self._idle_ms
            reached = self._times[item.source].reached_ms(
                now_ms, idle_ms=item.silent_ms if is_idle else 0
            )
            if self._told.get(item.source) != (reached, is_idle):
                self._telling[item.source] = (reached, is_idle)
                lane = self._lanes[item.source.topic]
                self._send_tick(Tick(lane, item.source.partition, reached, is_idle), outcome)

    def ticked(self) -> None:
        """Remember what has been told."""
        self._told |= self._telling

    def close(self) -> None:
        """Let go of model and watches."""
        self._watchlist.close()
        self._scorer.close()

    def _take(self, records: Iterable[Record], outcome: Outcome, *, now_ms: int) -> Iterable[Taken]:
        """Decode, and end what will not be scored."""
        for record in records:
            try:
                with timed("decode"):
                    event = self._codec.decode(record.value, record.headers)
            except RecordInvalid as error:
                outcome.dead(record, error)
                continue
            source = Input(record.topic, record.partition)
            value = repeat_hash(event.tenant, event.source, event_id=event.id)
            received_ms = _received_ms(event, record, now_ms=now_ms)
            self._times[source].note(epoch_ms(event.observed_at), received_ms)
            if self._repeats[source].seen(value, now_ms):
                outcome.drop(record, REPEAT)
                continue
            with timed("match"):
                candidates = self._watchlist.candidates(match_input(event))
            if self._only_matching and not candidates:
                outcome.drop(record, UNMATCHED)
                continue
            yield Taken(record, event, candidates, _time_of(event, received_ms))

    def _publish(self, item: Taken, answer: TextScores, *, outcome: Outcome) -> None:
        record, event = item.record, item.event
        lane = self._lanes[record.topic]
        time = rfc3339(event.observed_at)
        with timed("encode"):
            scored = make_scored(event, answer, lane=lane, scorer=self._scorer)
            outcome.send(
                self._scored,
                encode_value(scored),
                key=f"{event.tenant}/{event.thread_key}".encode(),
                headers=make_headers(ScoredEvent, event.id, source=event.source, time=time),
            )
        with timed("match"):
            matches = self._watchlist.decide(item.candidates, answer)
        with timed("encode"):
            for match in matches:
                self._send_mention(match, item, scored=scored, time=time, outcome=outcome)
        if matches:
            telemetry.MENTIONS.inc(len(matches))
        outcome.result(record)

    def _send_mention(
        self, match: Match, item: Taken, *, scored: ScoredEvent, time: str, outcome: Outcome
    ) -> None:
        watch = self._watchlist.watch(match.watch_key)
        place = (item.record.partition, item.record.offset)
        mention = make_mention(scored, watch, match=match, place=place, at=item.at)
        outcome.send(
            self._mentions,
            encode_value(mention),
            key=watch.key.encode(),
            headers=make_headers(Mention, mention.id, source=SOURCE, time=time),
        )

    def _send_tick(self, tick: Tick, outcome: Outcome) -> None:
        value = encode_value(tick)
        name = f"{tick.lane}/{tick.partition}/{tick.watermark_ms}"
        headers = make_headers(Tick, name, source=SOURCE)
        for partition in range(self._mention_partitions):
            outcome.send(self._mentions, value, headers=headers, partition=partition)


def _received_ms(event: Event, record: Record, *, now_ms: int) -> int:
    """Return when an event was received, epoch milliseconds: no later than Kafka has it, whatever the event says."""
    at_ms = record.timestamp if record.timestamp >= 0 else now_ms
    return at_ms if event.received_at is None else min(epoch_ms(event.received_at), at_ms)


def _time_of(event: Event, received_ms: int) -> datetime:
    """Return when an event happened: none from the future may wait there in a pane that years keep open."""
    if epoch_ms(event.observed_at) <= received_ms:
        return event.observed_at
    return _EPOCH + timedelta(milliseconds=received_ms)


def _record(taken: Sequence[Taken], scores: Sequence[TextScores], *, now_ms: int) -> None:
    """Tell Prometheus of one batch: tokens, answers held back, and the age of its oldest event."""
    telemetry.TOKENS.inc(sum(answer.tokens for answer in scores))
    held_back = Counter(
        name for answer in scores for name, head in answer.heads.items() if head.abstained
    )
    for name, count in held_back.items():
        telemetry.ABSTAINED.labels(name).inc(count)
    entered = [epoch_ms(item.event.received_at) for item in taken if item.event.received_at]
    if entered:
        telemetry.EVENT_AGE.observe(max(0, now_ms - min(entered)) / 1000)
