"""The scenario source: the written crisis into Kafka, at the speed that is asked for.

In: a scenario, a pace. Out: its events, in transactions. A run that was cut short starts again from the beginning;
the same start gives the same ids, and the same again within a day changes nothing. Imports contracts, the
publisher and the pieces beside it.
"""

import time
from collections.abc import Callable

from contracts.settings import Settings
from contracts.telemetry import SOURCE_EVENTS
from producers.entry import Entry, check_topics
from producers.pacing import Pace
from producers.protocols import SourceReport
from producers.publisher import Publisher
from producers.sources.scenario.scenario import Scenario
from producers.stopping import Stop
from producers.transaction import Transaction

STAGE = "source.scenario"


class ScenarioSource:
    """Publish one scenario. `progress` is called with the number of events published after every commit.

    Two runs of one seed at a time are one too many: the later one shuts the earlier one out.
    """

    def __init__(
        self,
        settings: Settings,
        scenario: Scenario,
        *,
        entry: Entry,
        pace: Pace,
        progress: Callable[[int], None] = lambda published: None,
    ) -> None:
        self._limits = settings.runtime
        self._scenario = scenario
        self._entry = entry
        self._pace = pace
        self._progress = progress
        self._publisher = Publisher(
            settings.kafka, settings.runtime, client_id=f"hubbub-{STAGE}",
            transactional_id=f"{settings.topics.names.prefix}{STAGE}.{scenario.seed}",
        )  # fmt: skip
        self._transaction = Transaction(self._publisher, settings.runtime)
        self._sent = 0
        self._published = 0

    def run(self, stop: Stop) -> SourceReport:
        """Publish every event, or those before the stop; see `producers.protocols.Source`."""
        started = time.monotonic()
        try:
            self._publisher.start()
            check_topics(self._publisher, self._entry.topics)
            self._publish(stop)
        except BaseException:
            self._publisher.abandon()
            raise
        self._publisher.close()
        seconds = time.monotonic() - started
        return SourceReport(read=self._sent, published=self._published, seconds=seconds)

    def _publish(self, stop: Stop) -> None:
        for event in self._scenario.events():
            wait_s = self._pace.wait_s(event.observed_at)
            if wait_s > self._limits.transaction_ms / 1000:
                self._commit()
            if wait_s > 0:
                stop.wait(wait_s)
            if stop.is_set:
                break
            self._transaction.send(self._entry.record(event))
            self._sent += 1
            if self._transaction.is_full:
                self._commit()
        self._commit()

    def _commit(self) -> None:
        self._transaction.commit()
        SOURCE_EVENTS.labels(source="scenario", outcome="published").inc(
            self._sent - self._published
        )
        self._published = self._sent
        self._progress(self._published)
