"""One batch of events that hundreds of watches want: more output than one transaction should hold."""

from collections import Counter

from consumers.operations.watch_store import WatchStore
from consumers.runtime.faults import Faults
from consumers.runtime.loop import OUTPUTS_LIMIT, Worker
from contracts.topics import MENTIONS, SCORED
from contracts.watches import Watch
from tests.stages.score import score_stage
from tests.streams import event_of, publish_events, read_committed, stream_settings


def test_a_batch_whose_outputs_are_too_many_goes_in_parts_and_loses_nothing(bootstrap: str) -> None:
    # Given 150 watches that every event matches, and 200 events in one batch
    settings = stream_settings(
        bootstrap, "score", partitions=2, score={"model": "identity"},
        runtime={"transaction_records": 1000},
    )  # fmt: skip
    store = WatchStore(settings)
    store.start()
    for number in range(150):
        store.put(Watch(id=f"w{number}", query="hello"))
    store.close()
    publish_events(settings, [event_of(f"t{n % 20}", n) for n in range(200)])
    assert OUTPUTS_LIMIT < 150 * 200
    # When a worker runs until there is nothing left
    stage = score_stage(settings)
    Worker(settings, stage, group="score", faults=Faults(), until_idle_s=1).run()
    # Then each event is scored once, and mentioned once for each watch
    assert len(read_committed(settings, SCORED)) == 200
    keys = Counter(
        record.key
        for record in read_committed(settings, MENTIONS)
        if ("ce_type", b"hubbub.mention.v1") in record.headers
    )
    assert set(keys.values()) == {200}
    assert len(keys) == 150
