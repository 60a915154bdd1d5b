"""Reading: ranges of offsets of assigned partitions, to an end that is known before.

In: topics and offsets. Out: committed records, forwards, or from the end backwards until enough was seen. Belongs to
no group and commits nothing. Imports contracts and the runtime.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple, Self, TypeVar

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import CorruptRecordError, KafkaError

from consumers.protocols import Input, Record
from consumers.runtime.connection import disconnect, reading_consumer
from contracts.errors import BrokerUnreachable, CorruptBatch, TopicInvalid
from contracts.settings import KafkaSettings

POLL_MS = 200
MOST_RECORDS = 2000
FIRST_WINDOW = 256
T = TypeVar("T")


class Span(NamedTuple):
    """Hold the offsets [begin, end) of one partition; fewer records than offsets may lie there."""

    begin: int
    end: int

    @property
    def width(self) -> int:
        """Return how many offsets there are: the most records that there can be."""
        return max(0, self.end - self.begin)


class Reader:
    """Read committed records; `start` first, `close` last, or as a context. Not for two threads."""

    def __init__(self, kafka: KafkaSettings, *, client_id: str) -> None:
        self._kafka = kafka
        self._client_id = client_id
        self._consumer: KafkaConsumer | None = None

    def start(self) -> None:
        """Connect; raises BrokerUnreachable, saying where."""
        self._consumer = reading_consumer(self._kafka, client_id=self._client_id)

    def close(self) -> None:
        """Disconnect."""
        if self._consumer is not None:
            disconnect(self._consumer, wait_ms=self._kafka.request_timeout_ms)
            self._consumer = None

    def __enter__(self) -> Self:
        """Connect."""
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Disconnect."""
        self.close()

    def spans(self, topics: Iterable[str]) -> dict[Input, Span]:
        """Return where each partition begins and where what is committed ends; raises TopicInvalid."""
        tps = [tp for topic in topics for tp in self._partitions(topic)]
        begins = self._asked(lambda: self._live.beginning_offsets(tps)) if tps else {}
        ends = self._asked(lambda: self._live.end_offsets(tps)) if tps else {}
        return {Input(tp.topic, tp.partition): Span(begins[tp], ends[tp]) for tp in tps}

    def read(self, spans: Mapping[Input, Span]) -> Iterator[Record]:
        """Yield every record of the spans, in order within a partition.

        Raises BrokerUnreachable when nothing moves for a request's timeout, CorruptBatch for what cannot be read.
        """
        left = {TopicPartition(*source): span for source, span in spans.items() if span.width}
        self._go_to({tp: span.begin for tp, span in left.items()})
        moved = time.monotonic()
        while left:
            for record in self._polled(POLL_MS):
                moved = time.monotonic()
                span = left.get(TopicPartition(record.topic, record.partition))
                if span is not None and record.offset < span.end:
                    yield record
            done = [tp for tp, span in left.items() if self._position(tp) >= span.end]
            for tp in done:
                moved = time.monotonic()
                del left[tp]
            self._live.pause(*done)
            if time.monotonic() - moved > self._kafka.request_timeout_ms / 1000:
                raise BrokerUnreachable(f"no answer for {sorted(left)} at {self._kafka.bootstrap}")

    def windows_back(self, source: Input, span: Span) -> Iterator[list[Record]]:
        """Yield a partition's records from its end backwards, in windows that double; each window is in order.

        Stop asking once enough was seen: what lies before is then never read.
        """
        end, width = span.end, FIRST_WINDOW
        while end > span.begin:
            begin = max(span.begin, end - width)
            yield list(self.read({source: Span(begin, end)}))
            end, width = begin, width * 2

    def follow(self, starts: Mapping[Input, int]) -> Iterator[Record | None]:
        """Yield records from these offsets on, for ever; None whenever there is nothing for now."""
        self._go_to({TopicPartition(*source): offset for source, offset in starts.items()})
        while True:
            records = self._polled(POLL_MS)
            yield from records
            if not records:
                yield None

    @property
    def _live(self) -> KafkaConsumer:
        if self._consumer is None:
            raise RuntimeError("the reader is not started")
        return self._consumer

    def _partitions(self, topic: str) -> list[TopicPartition]:
        numbers = self._asked(lambda: self._live.partitions_for_topic(topic))
        if not numbers:
            raise TopicInvalid(f"topic {topic} is missing; `hubbub topics create` makes ours")
        return [TopicPartition(topic, number) for number in sorted(numbers)]

    def _go_to(self, offsets: Mapping[TopicPartition, int]) -> None:
        self._live.assign(list(offsets))
        # A partition that stays assigned stays paused.
        self._live.resume(*offsets)
        for tp, offset in offsets.items():
            self._live.seek(tp, offset)

    def _position(self, tp: TopicPartition) -> int:
        timeout_ms = self._kafka.request_timeout_ms
        return int(self._asked(lambda: self._live.position(tp, timeout_ms=timeout_ms)) or 0)

    def _polled(self, wait_ms: int) -> list[Record]:
        polled = self._asked(lambda: self._live.poll(wait_ms, max_records=MOST_RECORDS))
        return [record for records in polled.values() for record in records]

    def _asked(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except CorruptRecordError as error:
            raise CorruptBatch(f"the broker serves what cannot be read: {error}") from error
        except KafkaError as error:
            raise BrokerUnreachable(f"{self._kafka.bootstrap}: {error!r}") from error
