"""The outcome of one batch: outputs, ends of records, and writes to state, before any of it is sent.

In: calls of a stage. Out: what the transaction writes. Checks that every record ended exactly once.
Imports contracts and the rest of the runtime; knows no stage.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from consumers.protocols import Batch, Input, Record
from consumers.runtime.dead_letter import letter_headers
from consumers.runtime.ledger import KEY, Ledger, read_ledger, write_ledger
from consumers.runtime.state import Overlay, PartitionState
from contracts.errors import HubbubError


class Output(NamedTuple):
    """One record to write."""

    topic: str
    value: bytes | None
    key: bytes | None
    headers: Sequence[tuple[str, bytes]]
    partition: int | None


class Writes(NamedTuple):
    """What one transaction writes: records, and the last value of every state key, the ledgers last."""

    outputs: Sequence[Output]
    changes: Sequence[tuple[Input, str, bytes | None]]


class BalanceBroken(HubbubError):
    """Stop: a stage ended a record twice, or not at all."""

    code = "balance_broken"


class BatchOutcome:
    """Collect what a stage makes of one batch (protocol `Outcome`)."""

    def __init__(
        self, stage: str, states: Mapping[Input, PartitionState], *, letters: str, now_ms: int = 0
    ) -> None:
        self._stage = stage
        self._letters = letters
        self._now_ms = now_ms
        self._overlays = {source: Overlay(state) for source, state in states.items()}
        self._ends: dict[Input, Ledger] = {}
        self._results: dict[Input, int] = {}
        self._dead: dict[Input, list[str]] = {}
        self._dropped: dict[Input, dict[str, int]] = {}
        self.outputs: list[Output] = []
        self.left: dict[Input, Sequence[Record]] = {}

    def send(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        headers: Sequence[tuple[str, bytes]] = (),
        partition: int | None = None,
    ) -> None:
        """Write one record in the transaction to come."""
        self.outputs.append(Output(topic, value, key, headers, partition))

    def result(self, record: Record) -> None:
        """End a record as a result."""
        source = Input(record.topic, record.partition)
        self._results[source] = self._results.get(source, 0) + 1

    def dead(self, record: Record, error: HubbubError) -> None:
        """End a record as a dead letter, its bytes as they came."""
        source = Input(record.topic, record.partition)
        self._dead.setdefault(source, []).append(error.code)
        headers = letter_headers(record, error, stage=self._stage, now_ms=self._now_ms)
        self.send(self._letters, record.value, key=record.key, headers=headers)

    def drop(self, record: Record, policy: str) -> None:
        """End a record as a counted drop."""
        source = Input(record.topic, record.partition)
        dropped = self._dropped.setdefault(source, {})
        dropped[policy] = dropped.get(policy, 0) + 1

    def leave(self, source: Input, records: Sequence[Record]) -> None:
        """Leave an input's last records for a further batch."""
        self.left[source] = records

    def state(self, source: Input) -> Overlay:
        """Return one partition's state with this batch's writes."""
        return self._overlays[source]

    def settle(self, batch: Batch) -> None:
        """Enter in the ledgers how every record ended that was not left; raises BalanceBroken unless each did once."""
        for source, records in batch.without(self.left).records.items():
            ended = Ledger(
                taken=len(records),
                result=self._results.get(source, 0),
                dead=len(self._dead.get(source, ())),
                dropped=self._dropped.get(source, {}),
            )
            if ended.balance:
                raise BalanceBroken(f"{source.topic}:{source.partition}: {ended} of one batch")
            self._ends[source] = ended
            overlay = self._overlays[source]
            overlay.put(KEY, write_ledger(read_ledger(overlay.get(KEY)).plus(ended)))

    def check_tick(self) -> None:
        """Raise BalanceBroken where a tick ended a record or wrote to a state."""
        if self._results or self._dead or self._dropped or self.changes():
            raise BalanceBroken(
                f"{self._stage}: a tick ended records or wrote state; it may only send"
            )

    @property
    def ends(self) -> Mapping[Input, Ledger]:
        """Return how the records of this batch ended, by input partition."""
        return self._ends

    @property
    def dead_codes(self) -> list[str]:
        """Return the reasons of this batch's dead letters."""
        return [code for codes in self._dead.values() for code in codes]

    def counts(self) -> Mapping[str, int]:
        """Return how many records go to each topic."""
        return Counter(output.topic for output in self.outputs)

    def changes(self) -> list[tuple[Input, str, bytes | None]]:
        """Return every state key that the batch wrote, with its last value; the ledger comes last."""
        return [
            (source, key, value)
            for source, overlay in self._overlays.items()
            for key, value in sorted(overlay.written.items(), key=lambda item: item[0] == KEY)
        ]

    def apply(self) -> Writes:
        """Let the state move on for the batches to come; returns what the transaction must write before they may."""
        writes = Writes(self.outputs, self.changes())
        for overlay in self._overlays.values():
            overlay.apply()
        return writes
