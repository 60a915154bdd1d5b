"""The mentions of one watch run through the alert stage again, in memory, up to a moment.

In: the records of the watch's partition of `mentions`, and what people said of it. Out: what each rule saw last, and
the alerts as they stood. Records of other watches are passed over by their key, undecoded. The stage is that of
service, with the watch as it stands now; nothing is written.

Ticks that leave every pane open that was open before change nothing, and are not handed on.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from kafka.partitioner.default import murmur2

from consumers.alerting.deciding import Judged
from consumers.alerting.rule import AlertRule, Verdict
from consumers.alerting.rulebook import Rulebook
from consumers.alerting.stage import AlertStage
from consumers.alerting.watched import Watched
from consumers.operations.reading import Reader, Span
from consumers.operations.rehearsing import GivenWatches
from consumers.operations.seen import group_of
from consumers.protocols import Input, Record
from consumers.runtime.outcome import Output
from consumers.runtime.rehearsal import MemoryRecord, Rehearsal, written_to
from consumers.runtime.windows import UNKNOWN_MS, Watermarks
from contracts.alerts import Alert
from contracts.codec import Codec, encode_value, epoch_ms, make_headers
from contracts.errors import RecordInvalid
from contracts.mentions import Tick
from contracts.settings import Settings
from contracts.topics import ALERTS, FEEDBACK, MENTIONS
from contracts.watches import Watch
from models.keyphrases import Phrasing

BATCH_RECORDS = 1000
TICK_LIMIT_BYTES = 1 << 20


class Kept(NamedTuple):
    """Hold where the mentions of a watch lie, how many partitions there are, and what people said of it."""

    source: Input
    span: Span
    partitions: int
    feedback: Sequence[Record]


class Replayed(NamedTuple):
    """Hold what came of a replay: the last verdict of each rule and group, the alerts, and what it could go by.

    `from_ms` is the earliest time of events that was met, `reached_ms` how far time came; None where there is none.
    """

    last: Mapping[tuple[str, str], tuple[AlertRule, Verdict]]
    alerts: Sequence[Alert]
    mentions: int
    from_ms: int | None
    reached_ms: int | None


def kept_of(reader: Reader, settings: Settings, *, key: str) -> Kept:
    """Return where the mentions of a watch lie, and what was said of it; raises TopicInvalid."""
    names = settings.topics.names
    spans = reader.spans([names.of(MENTIONS), names.of(FEEDBACK)])
    count = sum(source.topic == names.of(MENTIONS) for source in spans)
    # Where Kafka's own partitioner, which every writer of ours uses, puts a key.
    number = int(murmur2(key.encode()) & 0x7FFFFFFF) % count
    source, said = Input(names.of(MENTIONS), number), Input(names.of(FEEDBACK), number)
    feedback = [r for r in reader.read({said: spans[said]}) if r.key == key.encode()]
    return Kept(source, spans[source], count, feedback)


class Replay:
    """Replay one watch; `heads` are those that rules may name, with their labels."""

    def __init__(
        self, settings: Settings, watch: Watch, *, kept: Kept, heads: Mapping[str, Collection[str]]
    ) -> None:
        self._settings = settings
        self._watch = watch
        self._kept = kept
        self._heads = heads
        self._last: dict[tuple[str, str], tuple[AlertRule, Verdict]] = {}
        self._alerts: dict[bytes | None, Alert] = {}
        self._mentions = 0
        self._at_ms = 0

    def run(self, records: Iterable[Record], *, at_ms: int) -> Replayed:
        """Replay records of the partition until the windows that end at `at_ms` have been judged."""
        self._at_ms = at_ms
        sieve = TickSieve(self._settings, self._kept.partitions)
        with Rehearsal(self._stage(), partition=self._kept.source.partition) as rehearsal:
            if self._kept.span.begin > 0:
                rehearsal.take(filter(sieve.wants, self._idle()), 0)
            for batch in _batches(self._chosen(records, sieve), self._kept.feedback):
                self._keep(rehearsal.take(batch, batch[-1].timestamp))
                if sieve.decided_ms > at_ms:
                    break
        return Replayed(
            self._last, list(self._alerts.values()), self._mentions, sieve.from_ms, sieve.reached_ms
        )

    def _stage(self) -> AlertStage:
        rulebook = Rulebook(
            GivenWatches([self._watch]), heads=self._heads, pane_s=self._settings.runtime.pane_s
        )
        return AlertStage(
            self._settings, rulebook=rulebook, phrasing=Phrasing.load(),
            partitions=self._kept.partitions, listener=self._hear,
        )  # fmt: skip

    def _hear(self, watched: Watched, judged: Judged) -> None:
        if judged.verdict.end_ms <= self._at_ms:
            group = group_of(judged.rule, judged.verdict)
            self._last[judged.rule.id, group] = (judged.rule, judged.verdict)

    def _keep(self, outputs: Iterable[Output]) -> None:
        for output in written_to(self._settings.topics.names.of(ALERTS), outputs):
            updated_at = datetime.fromisoformat(dict(output.headers)["ce_time"].decode())
            if epoch_ms(updated_at) > self._at_ms:
                continue
            if output.value is None:
                self._alerts.pop(output.key, None)
            else:
                self._alerts[output.key] = msgspec.json.decode(output.value, type=Alert)

    def _chosen(self, records: Iterable[Record], sieve: "TickSieve") -> Iterator[Record]:
        """Yield the watch's own mentions, and the ticks that close a pane."""
        key = self._watch.key.encode()
        for record in records:
            if record.key is None:
                if sieve.wants(record):
                    yield record
            elif record.key == key:
                sieve.note(record)
                self._mentions += 1
                yield record

    def _idle(self) -> Iterator[Record]:
        """Yield a tick of every input that says nothing: of one that is never used, the only one may have expired."""
        for number, (lane, partition) in enumerate(_inputs(self._settings, self._kept.partitions)):
            tick = Tick(lane, partition, UNKNOWN_MS, idle=True)
            headers = make_headers(Tick, f"idle/{number}", source="hubbub/command")
            yield MemoryRecord(*self._kept.source, 0, 0, None, encode_value(tick), headers)


class TickSieve:
    """Follow time by all ticks, and let through those that move an input's first open pane, or wake or rest it."""

    def __init__(self, settings: Settings, partitions: int) -> None:
        self._pane_ms = settings.runtime.pane_s * 1000
        self._lateness_ms = int(settings.runtime.lateness_s * 1000)
        self._codec = Codec(Tick, limit_bytes=TICK_LIMIT_BYTES)
        self._told: dict[tuple[str, int], tuple[int, bool]] = {}
        self._watermarks = Watermarks(_inputs(settings, partitions))
        self.from_ms: int | None = None
        self._reached_ms = UNKNOWN_MS

    @property
    def reached_ms(self) -> int | None:
        """Return the furthest time that a tick told, None where none did."""
        return None if self._reached_ms == UNKNOWN_MS else self._reached_ms

    @property
    def decided_ms(self) -> int:
        """Return the end of the last pane that is decided."""
        return self._first_open(self._watermarks.merged_ms)

    def wants(self, record: Record) -> bool:
        """Take in a tick and say whether it may change anything; what is no tick does not."""
        try:
            tick = self._codec.decode(record.value, record.headers)
        except RecordInvalid:
            return False
        self._met(tick.watermark_ms)
        self._reached_ms = max(self._reached_ms, tick.watermark_ms)
        source, told = (tick.lane, tick.partition), (self._first_open(tick.watermark_ms), tick.idle)
        if self._told.get(source) == told:
            return False
        self._told[source] = told
        self._watermarks.observe(tick)
        return True

    def note(self, record: Record) -> None:
        """Take in the time of the first mention."""
        if self.from_ms is None and record.value is not None:
            self._met(epoch_ms(msgspec.json.decode(record.value, type=_Timed).at))

    def _met(self, at_ms: int) -> None:
        if at_ms != UNKNOWN_MS and (self.from_ms is None or at_ms < self.from_ms):
            self.from_ms = at_ms

    def _first_open(self, watermark_ms: int) -> int:
        return (watermark_ms - self._lateness_ms) // self._pane_ms * self._pane_ms


class _Timed(msgspec.Struct):
    at: datetime


def _inputs(settings: Settings, partitions: int) -> list[tuple[str, int]]:
    return [(lane, number) for lane in settings.score.lanes for number in range(partitions)]


def _batches(records: Iterable[Record], feedback: Sequence[Record]) -> Iterator[list[Record]]:
    """Yield batches in order; feedback, by the broker's time, comes after the mentions that came before it."""
    waiting = list(feedback)
    batch: list[Record] = []
    for record in records:
        while waiting and waiting[0].timestamp <= record.timestamp:
            yield [*batch, waiting.pop(0)]
            batch = []
        batch.append(record)
        if len(batch) >= BATCH_RECORDS:
            yield batch
            batch = []
    yield from ([one] for one in waiting) if not batch else ([*batch, *waiting],)
