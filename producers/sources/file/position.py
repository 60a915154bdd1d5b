"""Position: how far a file was published, kept in Kafka in the same transactions as its events.

In: a source's name. Out: its latest committed position. The topic is compacted; the key is `file/NAME`.
Imports contracts and kafka-python.
"""

import hashlib
import time
from collections import deque
from collections.abc import Iterator, Mapping

import msgspec
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from contracts.errors import BrokerUnreachable, Stalled, StateInvalid
from contracts.settings import KafkaSettings, RuntimeSettings
from contracts.topics import SOURCES_GROUP, TopicNames, changelog_of
from producers.entry import OutgoingRecord

HEAD_BYTES = 64 * 1024
STATE_VERSION = 1
CHANGELOG = changelog_of(SOURCES_GROUP)
POLL_MS = 200
NOTHING = hashlib.sha256(b"").hexdigest()


class FilePosition(msgspec.Struct, frozen=True):
    """Hold where a file stands and what became of its rows up to there.

    `line` and `offset` (unpacked bytes) are the end of the last line that was dealt with. `head` is the SHA-256 of the
    first `head_bytes` (64 KiB at most, and none after `offset`); `tail` is that of the last line, which with its
    newline takes the `tail_bytes` before `offset`: by both a changed file is known. `published + bad + filtered` is
    the number of rows so far; blank lines are no rows.
    """

    path: str
    head: str = NOTHING
    head_bytes: int = 0
    line: int = 0
    offset: int = 0
    tail: str = NOTHING
    tail_bytes: int = 0
    published: int = 0
    bad: int = 0
    filtered: int = 0
    state_version: int = STATE_VERSION

    @property
    def rows(self) -> int:
        """Return how many rows were dealt with."""
        return self.published + self.bad + self.filtered


def digest(content: bytes) -> str:
    """Return the SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()


class PositionLog:
    """Read and write positions; `name` is the source's, unique within the topic prefix."""

    def __init__(self, names: TopicNames, name: str) -> None:
        self._topic = names.of(CHANGELOG)
        self._key = f"file/{name}".encode()

    @property
    def topic(self) -> str:
        """Return the changelog's full name."""
        return self._topic

    def record(self, position: FilePosition) -> OutgoingRecord:
        """Return the record that makes `position` the latest, for the events' own transaction."""
        return OutgoingRecord(self._topic, self._key, msgspec.json.encode(position), [])

    def read(self, kafka: KafkaSettings, runtime: RuntimeSettings) -> FilePosition | None:
        """Return the latest committed position, None for a name that was never used.

        To be called once the publisher is started, when no earlier owner can write any more. Reads to the end that
        was there at the start, other sources' open transactions included, and waits for those to end: a reader that
        stops before them would miss what lies behind. Raises BrokerUnreachable, Stalled, StateInvalid.
        """
        try:
            with KafkaConsumer(**_config(kafka, "read_committed")) as consumer:
                values = self._values(consumer, self._ends(kafka), deadline_s=runtime.deadline_s)
                latest = deque(values, maxlen=1)
        except KafkaError as error:
            raise BrokerUnreachable(f"{self._topic} cannot be read: {error!r}") from error
        return _decoded(latest[0], self._topic) if latest else None

    def _ends(self, kafka: KafkaSettings) -> dict[TopicPartition, int]:
        with KafkaConsumer(**_config(kafka, "read_uncommitted")) as consumer:
            partitions = consumer.partitions_for_topic(self._topic) or set()
            found = [TopicPartition(self._topic, number) for number in sorted(partitions)]
            return dict(consumer.end_offsets(found))

    def _values(
        self, consumer: KafkaConsumer, ends: Mapping[TopicPartition, int], *, deadline_s: float
    ) -> Iterator[bytes]:
        consumer.assign(list(ends))
        consumer.seek_to_beginning()
        deadline = time.monotonic() + deadline_s
        while any(consumer.position(partition) < end for partition, end in ends.items()):
            if time.monotonic() > deadline:
                raise Stalled(f"{self._topic} could not be read to its end within {deadline_s:g} s")
            for records in consumer.poll(timeout_ms=POLL_MS).values():
                yield from (r.value for r in records if r.key == self._key and r.value)


def _config(kafka: KafkaSettings, isolation: str) -> dict[str, object]:
    return kafka.client_config() | {
        "isolation_level": isolation,
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "client_id": "hubbub-source-position",
        "bootstrap_timeout_ms": int(kafka.connect_timeout_s * 1000),
        "metrics_enabled": False,
    }


def _decoded(value: bytes, topic: str) -> FilePosition:
    try:
        position = msgspec.json.decode(value, type=FilePosition)
    except msgspec.MsgspecError as error:
        raise StateInvalid(f"a position on {topic} cannot be read: {error}") from error
    if position.state_version != STATE_VERSION:
        raise StateInvalid(
            f"a position on {topic} has version {position.state_version}; expected {STATE_VERSION}"
        )
    return position
