"""A stage for tests: every event becomes one scored record and two mentions, whatever it says.

In: topic `events.text`. Out: `scored` under the event's key, `mentions` under two watches, all with the event's id in
`ce_id`; a count of what it saw in its state. What it is to do wrong is given: how a test makes a stage fail.
"""

import json
from collections.abc import Callable, Sequence

from consumers.protocols import Batch, Input, Outcome, Progress, Record, State
from contracts.settings import Settings
from contracts.topics import EVENTS_TEXT, MENTIONS, SCORED

SEEN = "seen"
WATCHES = (b"default/left", b"default/right")


def nothing_wrong(record: Record) -> None:
    """Let every record pass."""


class ForkingStage:
    """Fork records (protocol `Stage`); `wrong` is called for each, and may raise or end the process."""

    name = "fork"
    state_version = 1

    def __init__(self, settings: Settings, wrong: Callable[[Record], None] = nothing_wrong) -> None:
        names = settings.topics.names
        self.inputs = [names.of(EVENTS_TEXT)]
        self._scored, self._mentions = names.of(SCORED), names.of(MENTIONS)
        self._wrong = wrong
        self.opened_with: dict[Input, dict[str, bytes]] = {}
        self.processed: list[int] = []

    def start(self) -> None:
        pass

    def opened(self, source: Input, state: State) -> None:
        self.opened_with[source] = dict(state.scan(""))

    def closed(self, source: Input) -> None:
        del self.opened_with[source]

    def process(self, batch: Batch, outcome: Outcome) -> None:
        self.processed.append(batch.size)
        for source, records in batch.records.items():
            state = outcome.state(source)
            for record in records:
                self._wrong(record)
                headers = [(name, value or b"") for name, value in record.headers]
                outcome.send(self._scored, record.value, key=record.key, headers=headers)
                for watch in WATCHES:
                    outcome.send(self._mentions, record.value, key=watch, headers=headers)
                outcome.result(record)
            seen = json.loads(state.get(SEEN) or b"0") + len(records)
            state.put(SEEN, json.dumps(seen).encode())

    def applied(self) -> None:
        pass

    def tick(self, progress: Sequence[Progress], outcome: Outcome, *, now_ms: int) -> None:
        pass

    def ticked(self) -> None:
        pass

    def close(self) -> None:
        pass
