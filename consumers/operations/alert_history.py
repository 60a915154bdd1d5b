"""The transitions of alerts, as topic `alert-transitions` keeps them: of one alert, or of all as they come.

In: a reader. Out: transitions in order. A record that cannot be read is left out and told.
"""

from collections.abc import Iterable, Iterator

import structlog
from kafka.partitioner.default import murmur2

from consumers.operations.reading import Reader
from consumers.operations.tail import Where, tail
from consumers.protocols import Input, Record
from contracts.alerts import Alert, AlertTransition
from contracts.codec import Codec
from contracts.errors import RecordInvalid
from contracts.topics import ALERT_TRANSITIONS, TopicNames

_CODEC = Codec(AlertTransition, limit_bytes=ALERT_TRANSITIONS.limit_bytes)
_LOG = structlog.get_logger()


def history_of(reader: Reader, names: TopicNames, *, alert: Alert) -> list[AlertTransition]:
    """Return the transitions of one alert by number: read from the end of its watch's partition to its first one."""
    topic = names.of(ALERT_TRANSITIONS)
    spans = reader.spans([topic])
    source = Input(topic, _partition_of(f"{alert.tenant}/{alert.watch}", len(spans)))
    found: dict[int, AlertTransition] = {}
    for window in reader.windows_back(source, spans[source]):
        own = [one for one in transitions_of(window) if one.alert == alert.id]
        found |= {one.number: one for one in own}
        if 1 in found:
            break
    return [found[number] for number in sorted(found)]


def coming(reader: Reader, names: TopicNames, *, where: Where) -> Iterator[AlertTransition]:
    """Return the transitions of all alerts as they come; `where` says from where on."""
    return transitions_of(tail(reader, names.of(ALERT_TRANSITIONS), where=where))


def transitions_of(records: Iterable[Record]) -> Iterator[AlertTransition]:
    """Decode records; those that cannot be read are left out and told."""
    for record in records:
        try:
            yield _CODEC.decode(record.value, record.headers)
        except RecordInvalid as error:
            _LOG.error("transition_unreadable", offset=record.offset, code=error.code)


def _partition_of(key: str, count: int) -> int:
    """Return where Kafka's own partitioner, which every writer of ours uses, puts a key."""
    return int(murmur2(key.encode()) & 0x7FFFFFFF) % count
