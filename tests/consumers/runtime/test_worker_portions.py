"""A worker takes no more at once than it works off soon, while few wait."""

import time

from consumers.protocols import Batch, Outcome
from consumers.runtime.faults import Faults
from consumers.runtime.loop import Worker
from tests.stages.forking import ForkingStage
from tests.streams import event_of, publish_events, quiet_clients, stream_settings


def test_of_what_came_while_it_was_busy_a_slow_worker_takes_little_first(bootstrap: str) -> None:
    # Given a stage that takes long for one record, and twelve more that come meanwhile
    settings = stream_settings(bootstrap, "fork", partitions=1)
    publish_events(settings, [event_of("t", 0)])
    stage, sizes = ForkingStage(settings), list[int]()
    process = stage.process

    def slow(batch: Batch, outcome: Outcome) -> None:
        sizes.append(batch.size)
        if len(sizes) == 1:
            publish_events(settings, [event_of("t", number) for number in range(1, 13)])
            time.sleep(0.5)
        process(batch, outcome)

    stage.process = slow  # type: ignore[method-assign]
    # When it goes on
    with quiet_clients():
        Worker(settings, stage, group="fork", faults=Faults(), until_idle_s=1).run()
    # Then it takes one, and the rest once it knows how many wait
    assert sizes[:2] == [1, 1]
    assert sum(sizes) == 13
