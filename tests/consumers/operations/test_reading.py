"""Reading: forwards and backwards every committed record comes once, whatever else lies between."""

from collections.abc import Iterator

import pytest

from consumers.operations.counting import Count, count_records, total
from consumers.operations.ledgers import read_ledgers
from consumers.operations.reading import FIRST_WINDOW, Reader, Span
from consumers.protocols import Input
from consumers.runtime.changelog import change_key
from consumers.runtime.ledger import KEY, Ledger, write_ledger
from contracts.errors import TopicInvalid
from contracts.settings import Settings
from contracts.topics import changelog_of
from producers.publisher import Publisher
from tests.streams import stream_settings


@pytest.fixture(scope="module")
def settings(bootstrap: str) -> Settings:
    """Fill a changelog: in partition 0 a ledger, then 2,000 other changes; in partition 1 a ledger at the end."""
    settings = stream_settings(bootstrap, "deep", partitions=2)
    topic = settings.topics.names.of(changelog_of("deep"))
    name = f"{settings.topics.prefix}test"
    publisher = Publisher(settings.kafka, settings.runtime, client_id=name, transactional_id=name)
    publisher.start()
    for first in (True, False):
        publisher.begin()
        for partition in (0, 1):
            if first or partition:
                ledger = write_ledger(Ledger(taken=partition + 7, result=partition + 7 - first))
                key = change_key(Input("in", partition), KEY)
                publisher.send(topic, ledger, key=key, partition=partition)
        publisher.commit()
        for number in range(4):
            publisher.begin()
            for item in range(250):
                publisher.send(topic, b"x", key=b"in\x00%d" % (number * 250 + item), partition=0)
            publisher.commit()
    publisher.close()
    return settings


@pytest.fixture
def reader(settings: Settings) -> Iterator[Reader]:
    with Reader(settings.kafka, client_id="test-reader") as reader:
        yield reader


def spans(settings: Settings, reader: Reader) -> dict[Input, Span]:
    return reader.spans([settings.topics.names.of(changelog_of("deep"))])


def test_a_span_is_read_once_and_in_order(settings: Settings, reader: Reader) -> None:
    found = spans(settings, reader)
    (first, span), (second, _) = sorted(found.items())
    offsets = [record.offset for record in reader.read({first: span})]
    assert offsets == sorted(set(offsets))
    assert len(offsets) == 2001
    assert span.width > 2001
    # A partition that was read once can be read again, and with another.
    both = [Input(record.topic, record.partition) for record in reader.read(found)]
    assert (both.count(first), both.count(second)) == (2001, 2)


def test_windows_go_back_doubling_and_cover_all(settings: Settings, reader: Reader) -> None:
    source, span = min(spans(settings, reader).items())
    windows = list(reader.windows_back(source, span))
    assert [record.offset for window in reversed(windows) for record in window] == [
        record.offset for record in reader.read({source: span})
    ]
    assert len(windows) == 4
    assert FIRST_WINDOW - 10 <= len(windows[0]) <= FIRST_WINDOW


def test_the_last_ledger_is_found_near_and_far(settings: Settings, reader: Reader) -> None:
    inputs = [Input("in", 0), Input("in", 1), Input("other", 1)]
    found = read_ledgers(reader, spans(settings, reader), inputs=inputs)
    assert found == {inputs[0]: Ledger(taken=7, result=6), inputs[1]: Ledger(taken=8, result=8)}


def test_a_count_is_exact_where_it_is_read_and_a_bound_elsewhere(
    settings: Settings, reader: Reader
) -> None:
    found = spans(settings, reader)
    (wide, span), (narrow, _) = sorted(found.items())
    counts = count_records(reader, found)
    assert counts[narrow] == Count(2)
    assert counts[wide] == Count(span.width, exact=False)
    assert str(total(counts.values())) == f"at most {span.width + 2:,}"
    assert count_records(reader, found, read_at_most=5000)[wide] == Count(2001)


def test_an_empty_span_reads_nothing_and_a_missing_topic_is_told(reader: Reader) -> None:
    assert list(reader.read({Input("nowhere", 0): Span(5, 5)})) == []
    with pytest.raises(TopicInvalid, match=r"missing\.topic is missing"):
        reader.spans(["missing.topic"])
