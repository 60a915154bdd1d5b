"""Transactions that nobody will end: found by their owner and aborted, all others left alone."""

from kafka import KafkaConsumer, TopicPartition

from contracts.settings import Settings
from contracts.topics import EVENTS_TEXT
from producers.left_open import abort_left_open
from producers.publisher import Publisher
from tests.streams import read_committed, stream_settings


def opened(settings: Settings, name: str, *, partition: int) -> Publisher:
    """Return a publisher in the midst of a transaction whose record has reached the broker."""
    publisher = Publisher(
        settings.kafka, settings.runtime, client_id=name,
        transactional_id=settings.topics.prefix + name,
    )  # fmt: skip
    publisher.start()
    publisher.begin()
    topic = settings.topics.names.of(EVENTS_TEXT)
    publisher.send(topic, name.encode(), key=b"k", partition=partition)
    publisher.flush()
    return publisher


def readable_to(settings: Settings, partition: int) -> int:
    """Return the offset behind which a reader of committed records does not get."""
    tp = TopicPartition(settings.topics.names.of(EVENTS_TEXT), partition)
    with KafkaConsumer(
        bootstrap_servers=settings.kafka.bootstrap, isolation_level="read_committed"
    ) as consumer:
        return int(consumer.end_offsets([tp])[tp])


def test_what_an_id_left_open_is_aborted_and_readers_pass(bootstrap: str) -> None:
    # Given two transactions that are open, of two owners.
    settings = stream_settings(bootstrap, partitions=2, runtime={"transaction_timeout_ms": 60_000})
    left, other = opened(settings, "left", partition=0), opened(settings, "other", partition=1)
    assert [readable_to(settings, partition) for partition in (0, 1)] == [0, 0]
    # When the heir of one looks for what is open under its id.
    name = f"{settings.topics.prefix}left"
    prefix = settings.topics.prefix
    assert abort_left_open(settings.kafka, name, prefix=prefix) == 1
    # Then readers get past it and find nothing; the other goes on as if nothing had been.
    assert readable_to(settings, 0) == 2
    assert abort_left_open(settings.kafka, name, prefix=prefix) == 0
    left.abandon()
    other.commit()
    other.close()
    assert [record.value for record in read_committed(settings, EVENTS_TEXT)] == [b"other"]


def test_an_id_that_has_left_nothing_is_told_so(bootstrap: str) -> None:
    settings = stream_settings(bootstrap)
    publisher = opened(settings, "tidy", partition=0)
    publisher.commit()
    name = f"{settings.topics.prefix}tidy"
    assert abort_left_open(settings.kafka, name, prefix=settings.topics.prefix) == 0
    publisher.close()
    assert len(read_committed(settings, EVENTS_TEXT)) == 1
