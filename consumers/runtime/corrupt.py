"""Corrupt batches: how many offsets lie in one, so that exactly it is set aside.

In: a partition and the offset where a batch with a wrong checksum begins. Out: the first offset after it. The batch's
own header is not believed. Found by asking for later offsets: while the broker answers with the same batch, the
offset lies inside it.
"""

import time

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import CorruptRecordError, KafkaError

from consumers.protocols import Input
from consumers.runtime.connection import disconnect, reading_consumer
from contracts.errors import BrokerUnreachable
from contracts.settings import KafkaSettings

PROBE_S = 10


def end_of_corrupt(kafka: KafkaSettings, source: Input, *, offset: int) -> int:
    """Return the first offset after the corrupt batch that begins at `offset`; about 2·log2(its size) fetches."""
    tp = TopicPartition(*source)
    consumer = reading_consumer(
        kafka, client_id="hubbub-corrupt-probe", isolation_level="read_uncommitted"
    )
    try:
        consumer.assign([tp])
        end = consumer.end_offsets([tp])[tp]
        inside, outside = offset, _first_outside(consumer, tp, base=offset, end=end)
        while outside - inside > 1:
            middle = (inside + outside) // 2
            if _is_inside(consumer, tp, base=offset, offset=middle):
                inside = middle
            else:
                outside = middle
        return outside
    except CorruptRecordError:
        raise
    except KafkaError as error:
        raise BrokerUnreachable(f"{tp}: {error!r}") from error
    finally:
        disconnect(consumer, wait_ms=kafka.request_timeout_ms)


def _first_outside(consumer: KafkaConsumer, tp: TopicPartition, *, base: int, end: int) -> int:
    reach = 1
    while base + reach < end and _is_inside(consumer, tp, base=base, offset=base + reach):
        reach *= 2
    return min(base + reach, end)


def _is_inside(consumer: KafkaConsumer, tp: TopicPartition, *, base: int, offset: int) -> bool:
    consumer.seek(tp, offset)
    until = time.monotonic() + PROBE_S
    while time.monotonic() < until:
        try:
            polled = consumer.poll(PROBE_S * 100, max_records=1)
        except CorruptRecordError as error:
            return f"at offset {base} " in str(error)
        # Behind the batch there may be nothing but marks of transactions: no record comes, but the position moves.
        if polled or consumer.position(tp) > offset:
            return False
    raise BrokerUnreachable(f"{tp}: nothing came from offset {offset} in {PROBE_S} s")
