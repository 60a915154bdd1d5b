"""The changelog: state keys to and from Kafka.

In: state changes of a batch, or a partition's changelog. Out: changelog records, or the state replayed.
One input partition p of any topic keeps its state in changelog partition p, its keys under the topic's name.
"""

from collections.abc import Iterable

from kafka import TopicPartition
from kafka.errors import CorruptRecordError, KafkaError

from consumers.protocols import Input, Record
from consumers.runtime.connection import disconnect, reading_consumer
from consumers.runtime.state import PartitionState
from contracts.errors import BrokerUnreachable, StateInvalid
from contracts.settings import KafkaSettings

VERSION_HEADER = "hubbub-state-version"
SEPARATOR = b"\x00"


def change_key(source: Input, key: str) -> bytes:
    """Return the changelog key of one state key."""
    return source.topic.encode() + SEPARATOR + key.encode()


def change_headers(state_version: int) -> list[tuple[str, bytes]]:
    """Return the headers that say how the value is to be read."""
    return [(VERSION_HEADER, str(state_version).encode())]


class Replay:
    """Read the state of one or more arriving partitions, in slices, so that the group stays alive meanwhile.

    Make it only after the committed offsets were fetched: what a dying worker still commits afterwards is fenced.
    The end is the high watermark, so that reading committed records up to it waits for every open transaction.
    """

    def __init__(
        self, kafka: KafkaSettings, *, topic: str, sources: Iterable[Input], state_version: int
    ) -> None:
        self._sources = {source: PartitionState() for source in sources}
        self._topic = topic
        self._state_version = state_version
        self._partitions = sorted({source.partition for source in self._sources})
        self._consumer = reading_consumer(
            kafka, client_id="hubbub-replay", max_partition_fetch_bytes=8 << 20
        )
        self._ends: dict[TopicPartition, int] | None = None
        self._kafka = kafka

    def step(self, budget_ms: int) -> bool:
        """Read for about `budget_ms`; returns True once every partition has reached its end.

        Raises StateInvalid for a state that a newer version wrote, or whose bytes are corrupt.
        """
        try:
            if self._ends is None:
                self._ends = self._begin()
            for records in self._consumer.poll(budget_ms, max_records=10_000).values():
                for record in records:
                    self._take(record)
            return all(self._position(tp) >= end for tp, end in self._ends.items())
        except CorruptRecordError as error:
            raise StateInvalid(f"changelog {self._topic}: {error}") from error
        except KafkaError as error:
            raise BrokerUnreachable(f"changelog {self._topic}: {error!r}") from error

    def states(self) -> dict[Input, PartitionState]:
        """Return the states read; complete once `step` has returned True."""
        return self._sources

    def close(self) -> None:
        """Disconnect."""
        disconnect(self._consumer, wait_ms=self._kafka.request_timeout_ms)

    def _begin(self) -> dict[TopicPartition, int]:
        tps = [TopicPartition(self._topic, partition) for partition in self._partitions]
        self._consumer.assign(tps)
        self._consumer.seek_to_beginning(*tps)
        uncommitted = reading_consumer(
            self._kafka, client_id="hubbub-replay-ends", isolation_level="read_uncommitted"
        )
        try:
            return dict(uncommitted.end_offsets(tps))
        finally:
            disconnect(uncommitted, wait_ms=self._kafka.request_timeout_ms)

    def _position(self, tp: TopicPartition) -> int:
        return int(self._consumer.position(tp, timeout_ms=self._kafka.request_timeout_ms) or 0)

    def _take(self, record: Record) -> None:
        topic, _, name = (record.key or b"").partition(SEPARATOR)
        state = self._sources.get(Input(topic.decode(), record.partition))
        if state is None:
            return
        if record.value is not None:
            self._check_version(dict(record.headers).get(VERSION_HEADER))
        state.apply(name.decode(), record.value)

    def _check_version(self, raw: bytes | None) -> None:
        if raw is None or not raw.isdigit() or int(raw) > self._state_version:
            raise StateInvalid(
                f"{self._topic} holds state of version {raw!r}; this program reads up to "
                f"{self._state_version}: run the newer version, or score into a new group"
            )
