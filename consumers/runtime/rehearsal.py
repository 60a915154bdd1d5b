"""Stages run in one process without Kafka: their own code and the loop's rules, over records in memory.

In: a stage, and records for its inputs. Out: the records that it writes, in their order. What holds in service holds
here: every record ends once, state moves on with the batch alone. For trying out what stages would have made of
recorded events; nothing is kept afterwards. Knows no stage.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from consumers.protocols import Batch, Input, Progress, Record, Stage
from consumers.runtime.outcome import BatchOutcome, Output
from consumers.runtime.state import Overlay, PartitionState


class MemoryRecord(NamedTuple):
    """Hold one record that was never in Kafka (protocol `Record`)."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


class Rehearsal:
    """Run one stage over the partitions of one number of its inputs; use it as a context."""

    def __init__(self, stage: Stage, *, partition: int = 0) -> None:
        self._stage = stage
        self._partition = partition
        self._states = {Input(topic, partition): PartitionState() for topic in stage.inputs}
        self._offsets = dict.fromkeys(self._states, 0)

    def __enter__(self) -> "Rehearsal":
        """Start the stage and hand it its partitions."""
        self._stage.start()
        for source, state in self._states.items():
            self._stage.opened(source, Overlay(state))
        return self

    def __exit__(self, *error: object) -> None:
        """Let the stage go."""
        for source in self._states:
            self._stage.closed(source)
        self._stage.close()

    def state(self, topic: str) -> PartitionState:
        """Return the committed state of an input."""
        return self._states[Input(topic, self._partition)]

    def feed(self, topic: str, outputs: Iterable[Output], *, now_ms: int) -> list[Output]:
        """Process what another stage wrote to `topic`, in one batch."""
        source = Input(topic, self._partition)
        return self.take((self._record(source, item, now_ms=now_ms) for item in outputs), now_ms)

    def take(self, records: Iterable[Record], now_ms: int) -> list[Output]:
        """Process records that name an input of this partition themselves, in one batch."""
        by_input: dict[Input, list[Record]] = {}
        for record in records:
            by_input.setdefault(Input(record.topic, record.partition), []).append(record)
        return self._process(by_input, now_ms) if by_input else []

    def tick(self, *, now_ms: int) -> list[Output]:
        """Let the stage write what is due by time; every input counts as drained and awake."""
        outcome = self._outcome(now_ms)
        progress = [Progress(source, drained=True, silent_ms=0) for source in self._states]
        self._stage.tick(progress, outcome, now_ms=now_ms)
        outcome.check_tick()
        self._stage.ticked()
        return outcome.outputs

    def _process(self, records: Mapping[Input, Sequence[Record]], now_ms: int) -> list[Output]:
        outputs: list[Output] = []
        left = records
        while left:
            outcome = self.process_part(left, now_ms)
            outputs += outcome.outputs
            left = outcome.left
        return outputs

    def process_part(self, records: Mapping[Input, Sequence[Record]], now_ms: int) -> BatchOutcome:
        """Process records as one transaction; `left` of what is returned is for the next."""
        batch, outcome = Batch(records, now_ms), self._outcome(now_ms)
        self._stage.process(batch, outcome)
        outcome.settle(batch)
        outcome.apply()
        self._stage.applied()
        return outcome

    def _outcome(self, now_ms: int) -> BatchOutcome:
        return BatchOutcome(self._stage.name, self._states, letters="dead-letter", now_ms=now_ms)

    def _record(self, source: Input, output: Output, *, now_ms: int) -> MemoryRecord:
        offset = self._offsets[source]
        self._offsets[source] = offset + 1
        return MemoryRecord(*source, offset, now_ms, output.key, output.value, output.headers)


def written_to(topic: str, outputs: Iterable[Output]) -> list[Output]:
    """Return those of the outputs that go to a topic."""
    return [output for output in outputs if output.topic == topic]
