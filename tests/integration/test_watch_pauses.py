"""A watch that is let match again remembers since when, whoever stores it afterwards."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from consumers.operations.watch_store import WatchStore
from contracts.watches import Watch
from tests.streams import stream_settings

FLOODS = Watch(id="floods", query="flood*")


@pytest.mark.parametrize("command", ["resume", "apply"])
def test_a_resumed_watch_says_since_when(bootstrap: str, command: str) -> None:
    settings = stream_settings(bootstrap)
    store = WatchStore(settings)
    store.start()
    assert store.put(FLOODS).resumed_at is None
    paused = store.put(replace(FLOODS, state="paused"))
    assert paused.resumed_at is None
    before = datetime.now(UTC)
    # A file says nothing of when.
    awake = store.put(replace(paused, state="active") if command == "resume" else FLOODS)
    assert awake.resumed_at is not None
    assert before <= awake.resumed_at <= datetime.now(UTC)
    assert store.put(FLOODS) == awake
    changed = store.put(replace(FLOODS, query="flood* OR rain"))
    assert (changed.resumed_at, changed.revision) == (awake.resumed_at, awake.revision + 1)
    store.close()
