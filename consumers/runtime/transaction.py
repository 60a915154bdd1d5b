"""One transaction: outputs, changelog and input offsets of a batch, all or none.

In: what a batch writes. Out: everything visible at once, or nothing. The named steps are fault points.
"""

from collections.abc import Mapping

from kafka import ConsumerGroupMetadata, OffsetAndMetadata, TopicPartition

from consumers.protocols import Input
from consumers.runtime.attempts import Mark
from consumers.runtime.changelog import change_headers, change_key
from consumers.runtime.faults import Faults
from consumers.runtime.outcome import Writes
from consumers.runtime.watchdog import Watchdog
from contracts.timing import timed
from producers.publisher import Publisher


class Transactor:
    """Commit through one publisher, each transaction under the watchdog. Not for two threads at once."""

    def __init__(
        self, publisher: Publisher, *, changelog: str, watchdog: Watchdog, faults: Faults
    ) -> None:
        self._publisher = publisher
        self._changelog = changelog
        self._watchdog = watchdog
        self._faults = faults

    def run(
        self,
        writes: Writes,
        offsets: Mapping[Input, tuple[int, Mark]],
        *,
        group: ConsumerGroupMetadata,
        state_version: int,
    ) -> None:
        """Write and commit, with the offsets to go on from; raises TransactionLost.

        After an error the fate of the transaction is unknown, and this publisher must not be used again.
        """
        with self._watchdog.step("transaction"):
            with timed("send"):
                self._publisher.begin()
                self._send_outputs(writes)
                self._send_changes(writes, state_version)
            with timed("commit"):
                self._send_offsets(offsets, group)
                self._publisher.commit()
        self._faults.reach("committed")

    def _send_outputs(self, writes: Writes) -> None:
        for output in writes.outputs:
            self._publisher.send(
                output.topic,
                output.value,
                key=output.key,
                headers=output.headers,
                partition=output.partition,
            )
        self._faults.reach("sent", settle=self._publisher.flush)

    def _send_changes(self, writes: Writes, state_version: int) -> None:
        headers = change_headers(state_version)
        for source, key, value in writes.changes:
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
