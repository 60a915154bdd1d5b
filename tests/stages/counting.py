"""A stage for tests: counts mentions per watch and pane, its counts in its state.

In: topic `mentions`. Out: nothing but state, so that what a reader finds in the changelog is what was counted.
"""

import json
from collections.abc import Sequence

from consumers.protocols import Batch, Input, Outcome, Progress, State
from consumers.runtime.windows import Panes
from contracts.codec import Codec, epoch_ms
from contracts.mentions import Mention, Tick
from contracts.settings import Settings
from contracts.topics import MENTIONS


class CountingStage:
    """Count mentions by watch and own pane (protocol `Stage`)."""

    name = "count"
    state_version = 1

    def __init__(self, settings: Settings) -> None:
        self.inputs = [settings.topics.names.of(MENTIONS)]
        runtime = settings.runtime
        self._panes = Panes(runtime.pane_s * 1000, int(runtime.lateness_s * 1000))
        self._codec: Codec[Mention | Tick] = Codec(Mention, Tick, limit_bytes=1 << 20)

    def start(self) -> None:
        pass

    def opened(self, source: Input, state: State) -> None:
        pass

    def closed(self, source: Input) -> None:
        pass

    def process(self, batch: Batch, outcome: Outcome) -> None:
        for source, records in batch.records.items():
            state = outcome.state(source)
            for record in records:
                entry = self._codec.decode(record.value, record.headers)
                if isinstance(entry, Mention):
                    pane, _ = self._panes.place(epoch_ms(entry.at), watermark_ms=0)
                    key = f"{entry.watch}/{pane}"
                    state.put(key, json.dumps(json.loads(state.get(key) or b"0") + 1).encode())
                outcome.result(record)

    def applied(self) -> None:
        pass

    def tick(self, progress: Sequence[Progress], outcome: Outcome, *, now_ms: int) -> None:
        pass

    def ticked(self) -> None:
        pass

    def close(self) -> None:
        pass
