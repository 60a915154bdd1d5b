"""The contracts of the consumers: what a stage gives the loop and what it may rely on.

In: nothing. Out: Protocols. Imports contracts and the standard library alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from contracts.errors import HubbubError


class Input(NamedTuple):
    """Name one partition of one input topic."""

    topic: str
    partition: int


class Record(Protocol):
    """One record as it came from Kafka: bytes, never decoded by the client."""

    @property
    def topic(self) -> str:
        """Return the full name of its topic."""

    @property
    def partition(self) -> int:
        """Return its partition."""

    @property
    def offset(self) -> int:
        """Return its offset."""

    @property
    def timestamp(self) -> int:
        """Return the epoch milliseconds that the broker keeps for it."""

    @property
    def key(self) -> bytes | None:
        """Return its key."""

    @property
    def value(self) -> bytes | None:
        """Return its value."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]:
        """Return its headers, in their order."""


class State(Protocol):
    """The state of one input partition, as the stage sees it inside one batch.

    Reads see the writes of this batch and of those before. Nothing is kept unless the batch's transaction commits.
    """

    def get(self, key: str) -> bytes | None:
        """Return the value of a key, None where there is none."""

    def put(self, key: str, value: bytes) -> None:
        """Set a key; the last value in a batch is the one that is sent."""

    def delete(self, key: str) -> None:
        """Remove a key; its changelog record becomes a tombstone."""

    def scan(self, prefix: str) -> Iterator[tuple[str, bytes]]:
        """Yield every key that begins so, in the order of keys."""


class Outcome(Protocol):
    """Where a stage puts all that comes of one batch.

    Every record must end exactly once, `result`, `dead` or `drop`, but for those that it leaves. The loop adds up and
    stops the process where the sum is not zero.
    """

    def send(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        headers: Sequence[tuple[str, bytes]] = (),
        partition: int | None = None,
    ) -> None:
        """Write one record in this batch's transaction; records of one key keep this order."""

    def result(self, record: Record) -> None:
        """End a record as a result."""

    def dead(self, record: Record, error: HubbubError) -> None:
        """End a record as a dead letter with this reason."""

    def drop(self, record: Record, policy: str) -> None:
        """End a record as a counted drop that a policy names."""

    def leave(self, source: Input, records: Sequence[Record]) -> None:
        """Leave an input's last records for a further batch, which comes at once; none where more work is left alone.

        For a stage whose work for one record may take long: what one transaction holds must end in time.
        """

    def state(self, source: Input) -> State:
        """Return the state of an input partition; raises KeyError for one that is not held."""


class Batch(NamedTuple):
    """The records of one transaction, by input partition and in their order; `now_ms` is the only clock."""

    records: Mapping[Input, Sequence[Record]]
    now_ms: int

    @property
    def size(self) -> int:
        """Return how many records there are."""
        return sum(len(records) for records in self.records.values())

    def without(self, left: Mapping[Input, Sequence[Record]]) -> "Batch":
        """Return the batch without the last records of some inputs."""
        return Batch(
            {
                source: records[: len(records) - len(left.get(source, ()))]
                for source, records in self.records.items()
            },
            self.now_ms,
        )


class Progress(NamedTuple):
    """How one held input stands when a tick is due."""

    source: Input
    drained: bool
    silent_ms: int


class Stage(Protocol):
    """One step of the flow.

    The loop alone calls it, from one thread, in this order: `start` once; `opened` for each partition as it arrives
    with its state replayed; then `process` and `tick` in turn; `closed` for each partition that leaves; `close` once.
    A stage reads no clock, opens no connection to Kafka, and keeps nothing but caches outside its state.
    """

    @property
    def name(self) -> str:
        """The stage's name in metrics, dead letters and logs."""

    @property
    def inputs(self) -> Sequence[str]:
        """Full names of the input topics; the same for the life of the stage."""

    @property
    def state_version(self) -> int:
        """The version of what it writes to its state; a changelog with a higher one stops the worker."""

    def start(self) -> None:
        """Load what takes time; called before the group is joined."""

    def opened(self, source: Input, state: State) -> None:
        """Take over a partition whose state has just been replayed; reads only."""

    def closed(self, source: Input) -> None:
        """Forget a partition."""

    def process(self, batch: Batch, outcome: Outcome) -> None:
        """Do the work of one batch; called again with the same batch after an error, with a new outcome.

        Raises a HubbubError whose disposition decides when the tries are used up.
        """

    def applied(self) -> None:
        """Move on what is kept in memory; called as the batch's transaction begins.

        The next batch follows at once, and is written only after this one. Where the transaction is lost, every
        partition it wrote to is closed and opened again, as of the last one that was not.
        """

    def tick(self, progress: Sequence[Progress], outcome: Outcome, *, now_ms: int) -> None:
        """Write what is due by time; writes no state and ends no records."""

    def ticked(self) -> None:
        """Move on what the tick told; called only after its transaction has committed."""

    def close(self) -> None:
        """Let go of what `start` took."""
