"""The meter: time counts from the first partition held, once."""

import time

from consumers.runtime.meter import Meter
from consumers.runtime.state import PartitionState
from tests.consumers.runtime.given import LEFT


def test_loading_and_joining_are_no_part_of_the_time() -> None:
    # Given a worker that waits for its partitions
    meter = Meter("fork")
    meter.holds({})
    meter.poll(dict)
    time.sleep(0.2)
    assert meter.spent.whole_s >= 0.2
    # When the first comes
    meter.holds({LEFT: PartitionState()})
    # Then time counts from there, and does not begin anew where partitions go and come
    spent = meter.spent
    assert spent.whole_s < 0.2
    assert "idle" not in spent.seconds
    time.sleep(0.2)
    meter.holds({})
    meter.holds({LEFT: PartitionState()})
    assert meter.spent.whole_s >= 0.2
