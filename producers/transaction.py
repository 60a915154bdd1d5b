"""Transaction: records gathered until a limit of number, bytes or time is reached, then committed at once.

In: outgoing records. Out: Kafka transactions through the Publisher. Imports contracts and the publisher.
"""

import time

from contracts.settings import RuntimeSettings
from producers.entry import OutgoingRecord
from producers.publisher import Publisher
from producers.stopping import ended_after


class Transaction:
    """Open a transaction with the first record and say when it is full; one owner, one thread.

    The publisher is transactional and started.
    """

    def __init__(self, publisher: Publisher, limits: RuntimeSettings) -> None:
        self._publisher = publisher
        self._limits = limits
        self._opened_s = 0.0
        self._records = 0
        self._bytes = 0

    @property
    def is_open(self) -> bool:
        """Say whether there is a record that is not committed."""
        return self._records > 0

    @property
    def is_full(self) -> bool:
        """Say whether the limits of `runtime` ask for a commit now."""
        if not self._records:
            return False
        return (
            self._records >= self._limits.transaction_records
            or self._bytes >= self._limits.transaction_bytes
            or time.monotonic() - self._opened_s >= self._limits.transaction_ms / 1000
        )

    def send(self, record: OutgoingRecord) -> None:
        """Add a record, opening the transaction with the first."""
        if not self._records:
            self._publisher.begin()
            self._opened_s = time.monotonic()
        self._publisher.send(record.topic, record.value, key=record.key, headers=record.headers)
        self._records += 1
        self._bytes += record.size_bytes

    def commit(self) -> None:
        """Commit what is open; all of it is visible when this returns. Raises TransactionLost."""
        if not self._records:
            return
        with ended_after(self._limits.deadline_s, "a commit"):
            self._publisher.commit()
        self._records = self._bytes = 0
