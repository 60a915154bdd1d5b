"""The meter: what a worker tells Prometheus, once a batch.

In: batches, outcomes, positions. Out: the metrics of contracts/telemetry. Imports contracts and the runtime.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from consumers.protocols import Batch, Input, Record
from consumers.runtime.ledger import KEY, read_ledger
from consumers.runtime.outcome import BatchOutcome
from consumers.runtime.profile import Spent
from consumers.runtime.state import PartitionState
from contracts import telemetry
from contracts.errors import HubbubError
from contracts.timing import taken


class Meter:
    """Record for one stage."""

    def __init__(self, stage: str) -> None:
        self._stage = stage
        self._held: Mapping[Input, PartitionState] = {}
        self._lagging: set[Input] = set()
        self._seconds: dict[str, float] = defaultdict(float)
        self._beside: dict[str, float] = defaultdict(float)
        self._records = self._batches = 0
        self._has_begun = False
        self._began = time.perf_counter()

    def _begin(self) -> None:
        """Begin to count time: the stage is loaded, the group joined."""
        taken()
        self._seconds.clear()
        self._beside.clear()
        self._began = time.perf_counter()

    @property
    def spent(self) -> Spent:
        """Return where the time went so far."""
        whole_s = time.perf_counter() - self._began
        return Spent(dict(self._seconds), dict(self._beside), self._records, self._batches, whole_s)

    def poll(self, look: Callable[[], dict[Input, list[Record]]]) -> dict[Input, list[Record]]:
        """Look for records and count the time: to get some, or idle."""
        began = time.perf_counter()
        polled = look()
        seconds = time.perf_counter() - began
        if polled:
            telemetry.STEP_SECONDS.labels(self._stage, "poll").observe(seconds)
        self._seconds["poll" if polled else "idle"] += seconds
        return polled

    def _note_steps(self, beside: Mapping[str, float]) -> None:
        for seconds, total in ((taken(), self._seconds), (beside, self._beside)):
            for step, value in seconds.items():
                telemetry.STEP_SECONDS.labels(self._stage, step).observe(value)
                total[step] += value

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time one step."""
        started = time.perf_counter()
        yield
        telemetry.STEP_SECONDS.labels(self._stage, name).observe(time.perf_counter() - started)

    def holds(self, held: Mapping[Input, PartitionState]) -> None:
        """Note the partitions whose ledgers this worker answers for."""
        for source in self._lagging - held.keys():
            telemetry.LAG.remove(self._stage, source.topic, str(source.partition))
        self._lagging &= held.keys()
        if held and not self._has_begun:
            self._has_begun = True
            self._begin()
        self._held = held
        telemetry.PARTITIONS.labels(self._stage).set(len(held))

    def committed(
        self, batch: Batch, outcome: BatchOutcome, *, seconds: Mapping[str, float]
    ) -> None:
        """Count a committed batch, and the `seconds` of each step of its transaction."""
        stage = self._stage
        self._note_steps(seconds)
        self._records += batch.size
        self._batches += 1
        telemetry.BATCH_RECORDS.labels(stage).observe(batch.size)
        telemetry.TRANSACTIONS.labels(stage, "committed").inc()
        for ended in outcome.ends.values():
            telemetry.RECORDS_IN.labels(stage).inc(ended.taken)
            telemetry.RECORDS_RESULT.labels(stage).inc(ended.result)
            for policy, count in ended.dropped.items():
                telemetry.RECORDS_DROPPED.labels(stage, policy).inc(count)
        for code in outcome.dead_codes:
            telemetry.RECORDS_DEAD.labels(stage, code).inc()
        for topic, count in outcome.counts().items():
            telemetry.RECORDS_OUT.labels(stage, topic).inc(count)
        telemetry.BALANCE.labels(stage).set(
            sum(read_ledger(state.get(KEY)).balance for state in self._held.values())
        )

    def lags(self, positions: Mapping[Input, tuple[int, int]]) -> None:
        """Tell how far each partition is behind."""
        self._lagging |= positions.keys()
        for source, (position, end) in positions.items():
            telemetry.LAG.labels(self._stage, source.topic, str(source.partition)).set(
                max(0, end - position)
            )

    def rejoined(self, error: HubbubError) -> None:
        """Count a tear-down."""
        telemetry.REJOINS.labels(self._stage, error.code).inc()
        telemetry.TRANSACTIONS.labels(self._stage, "lost").inc()
