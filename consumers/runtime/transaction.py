"""One transaction: outputs, changelog and input offsets of a batch, all or none.

In: a settled outcome. Out: everything visible at once, and only then the state in memory moves on. The named steps
are fault points.
"""

from collections.abc import Mapping

from kafka import ConsumerGroupMetadata, OffsetAndMetadata, TopicPartition

from consumers.protocols import Input
from consumers.runtime.attempts import Mark
from consumers.runtime.changelog import change_headers, change_key
from consumers.runtime.faults import Faults
from consumers.runtime.outcome import BatchOutcome
from consumers.runtime.watchdog import Watchdog
from contracts.timing import timed
from producers.publisher import Publisher


class Transactor:
    """Commit outcomes through one publisher, each step under the watchdog."""

    def __init__(
        self, publisher: Publisher, *, changelog: str, watchdog: Watchdog, faults: Faults
    ) -> None:
        self._publisher = publisher
        self._changelog = changelog
        self._watchdog = watchdog
        self._faults = faults

    def run(
        self,
        outcome: BatchOutcome,
        offsets: Mapping[Input, tuple[int, Mark]],
        *,
        group: ConsumerGroupMetadata,
        state_version: int,
    ) -> None:
        """Write and commit an outcome with the offsets to go on from; raises TransactionLost.

        After an error the fate of the transaction is unknown, and this publisher must not be used again.
        """
        with self._watchdog.step("transaction"):
            with timed("send"):
                self._publisher.begin()
                self._send_outputs(outcome)
                self._send_changes(outcome, state_version)
            with timed("commit"):
                self._send_offsets(offsets, group)
                self._publisher.commit()
        self._faults.reach("committed")
        outcome.apply()

    def _send_outputs(self, outcome: BatchOutcome) -> None:
        for output in outcome.outputs:
            self._publisher.send(
                output.topic,
                output.value,
                key=output.key,
                headers=output.headers,
                partition=output.partition,
            )
        self._faults.reach("sent", settle=self._publisher.flush)

    def _send_changes(self, outcome: BatchOutcome, state_version: int) -> None:
        headers = change_headers(state_version)
        for source, key, value in outcome.changes():
            self._publisher.send(
                self._changelog,
                value,
                key=change_key(source, key),
                headers=headers,
                partition=source.partition,
            )
        self._faults.reach("changelog", settle=self._publisher.flush)

    def _send_offsets(
        self, offsets: Mapping[Input, tuple[int, Mark]], group: ConsumerGroupMetadata
    ) -> None:
        if offsets:
            self._publisher.send_offsets(
                {
                    TopicPartition(*source): OffsetAndMetadata(offset, mark.text(), -1)
                    for source, (offset, mark) in offsets.items()
                },
                group,
            )
        self._faults.reach("offsets", settle=self._publisher.flush)
