"""What every source is to the command that runs it.

In: a Stop. Out: a report that adds up. Imports msgspec and the stop alone.
"""

from typing import Protocol, runtime_checkable

import msgspec

from producers.stopping import Stop


class SourceReport(msgspec.Struct, frozen=True):
    """Count what one run of a source did: `read` is always `published + bad + filtered`.

    `seconds` is how long it ran.
    """

    read: int = 0
    published: int = 0
    bad: int = 0
    filtered: int = 0
    seconds: float = 0.0

    @property
    def balance(self) -> int:
        """Return what is unaccounted for; anything but 0 is a defect."""
        return self.read - self.published - self.bad - self.filtered

    @property
    def rate(self) -> float:
        """Return rows or events read in a second."""
        return self.read / self.seconds if self.seconds > 0 else 0.0


@runtime_checkable
class Source(Protocol):
    """Bring events from one place into Kafka. Built in cli, run once, by the main thread."""

    def run(self, stop: Stop) -> SourceReport:
        """Connect, publish until the end or until `stop` is set, disconnect, and report.

        Called once. When it returns, everything in the report is acknowledged by Kafka; after a stop it returns
        within 10 s. Raises SourceInvalid for what a person must mend, BrokerUnreachable, TransactionLost or Stalled
        where Kafka failed, TopicInvalid where a topic is missing; what was acknowledged before stays.
        """
        ...
