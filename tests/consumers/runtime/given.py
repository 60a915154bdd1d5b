"""What tests of the runtime give it: records without a broker."""

from collections.abc import Sequence
from typing import NamedTuple

from consumers.protocols import Batch, Input
from consumers.runtime.outcome import BatchOutcome
from consumers.runtime.state import PartitionState

LEFT, RIGHT = Input("in", 0), Input("in", 1)


class GivenRecord(NamedTuple):
    """A record as Kafka gives one (protocol `Record`)."""

    topic: str
    partition: int
    offset: int
    value: bytes | None = b"value"
    key: bytes | None = b"key"
    headers: Sequence[tuple[str, bytes | None]] = ()
    timestamp: int = 0


def records_of(source: Input, count: int, *, first: int = 0) -> list[GivenRecord]:
    return [GivenRecord(*source, offset) for offset in range(first, first + count)]


def batch_of(**counts: int) -> Batch:
    """Return a batch with so many records on the `left` and the `right` input."""
    sources = {"left": LEFT, "right": RIGHT}
    return Batch(
        {sources[name]: records_of(sources[name], count) for name, count in counts.items()},
        now_ms=1000,
    )


def outcome_on(*sources: Input) -> BatchOutcome:
    """Return an outcome over empty states."""
    return BatchOutcome(
        "test", {source: PartitionState() for source in sources}, letters="letters", now_ms=1000
    )
