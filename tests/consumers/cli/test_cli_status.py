"""`hubbub status`: the books as Kafka has them, a lag that counts records, and who is working."""

import json
from typing import Any

import pytest

from consumers.cli.score import build_stage
from consumers.protocols import Input
from consumers.runtime.changelog import change_headers, change_key
from consumers.runtime.faults import Faults
from consumers.runtime.ledger import KEY, Ledger, write_ledger
from consumers.runtime.loop import Worker
from contracts.codec import encode_value
from contracts.errors import TopicInvalid
from contracts.settings import Settings, load
from contracts.topics import EVENTS_TEXT, changelog_of
from producers.publisher import Publisher
from tests.streams import (
    event_of,
    eventually,
    publish_events,
    stopped,
    stream_settings,
    worker_process,
)


@pytest.fixture
def settings(bootstrap: str) -> Settings:
    return stream_settings(bootstrap, "score", partitions=2, score={"model": "identity"})


def score(settings: Settings) -> None:
    stage = build_stage(settings, settings.topics.partitions)
    Worker(settings, stage, group="score", faults=Faults(), until_idle_s=0.5).run()


def transactions(settings: Settings, *sizes: int, commit: bool = True) -> None:
    """Publish events in transactions of these sizes."""
    name = f"{settings.topics.prefix}test"
    publisher = Publisher(settings.kafka, settings.runtime, client_id=name, transactional_id=name)
    publisher.start()
    for number, size in enumerate(sizes):
        publisher.begin()
        for item in range(size):
            event = event_of(f"x{number}", item)
            publisher.send(
                settings.topics.names.of(EVENTS_TEXT), encode_value(event), key=event.key.encode()
            )
        if commit:
            publisher.commit()
        else:
            publisher.abort()
    publisher.close()


def told(run: Any, settings: Settings, *words: str) -> dict[str, Any]:
    return dict(json.loads(run(settings, "status", "--json", *words).stdout))


def test_the_books_and_the_true_lag_are_told(run: Any, settings: Settings) -> None:
    # Given 100 events scored, one of them twice, one bad record, and then more in small transactions
    publish_events(settings, [event_of(f"t{n % 4}", n) for n in range(100)] + [event_of("t0", 0)])
    transactions(settings, 1)
    score(settings)
    transactions(settings, 3, 1, 2)
    transactions(settings, 5, commit=False)
    # When the status is asked for
    found = told(run, settings)
    (stage,) = found["stages"]
    # Then what came in is accounted for, and the lag counts records, neither marks nor what was aborted
    assert {key: stage[key] for key in ("in", "result", "dead", "dropped", "balance")} == {
        "in": 102, "result": 101, "dead": 0, "dropped": {"repeat": 1}, "balance": 0,
    }  # fmt: skip
    assert stage["lag"] == {"records": 6, "exact": True}
    offsets = [item["end"] - item["committed"] for item in stage["inputs"]]
    assert sum(offsets) > 6
    assert (stage["ready"], stage["workers"], len(stage["inputs"])) == (False, [], 4)
    # And the words for people say the same
    words = run(settings, "status")
    assert words.exit_code == 0
    assert "1 (repeat 1)" in words.stdout


def test_a_wide_gap_is_an_upper_bound_and_says_so(run: Any, settings: Settings) -> None:
    transactions(settings, 1500)
    (stage,) = told(run, settings)["stages"]
    wide = [item for item in stage["inputs"] if not item["lag"]["exact"]]
    assert [item["lag"]["records"] >= 1500 for item in wide] == [True]
    assert stage["lag"]["exact"] is False
    assert "at most 1,5" in run(settings, "status").stdout


def test_deep_counts_what_was_written(run: Any, settings: Settings) -> None:
    publish_events(settings, [event_of("t", n) for n in range(10)])
    score(settings)
    shallow, deep = told(run, settings), told(run, settings, "--deep")
    name = settings.topics.prefix
    assert shallow["topics"][0]["records"]["exact"] is False
    assert deep["topics"][0] == {
        "topic": f"{name}scored", "records": {"records": 10, "exact": True},
        "by_type": {"hubbub.scored-event.v1": 10},
    }  # fmt: skip
    assert deep["topics"][1]["by_type"].keys() == {"hubbub.tick.v1"}


def test_a_balance_that_is_not_zero_ends_with_one(run: Any, settings: Settings) -> None:
    # Given a ledger that lost one record
    publish_events(settings, [event_of("t", n) for n in range(10)])
    score(settings)
    (stage,) = told(run, settings)["stages"]
    used = next(item for item in stage["inputs"] if item["in"])
    source = Input(used["topic"], used["partition"])
    publisher = Publisher(settings.kafka, settings.runtime, client_id="test")
    publisher.start()
    publisher.send(
        settings.topics.names.of(changelog_of("score")),
        write_ledger(Ledger(taken=10, result=9)),
        key=change_key(source, KEY),
        headers=change_headers(1),
        partition=source.partition,
    )
    publisher.close()
    # When the status is asked for
    result = run(settings, "status")
    # Then the place is named and the exit code is 1
    assert result.exit_code == 1
    assert f"NOT BALANCED {source.topic}:{source.partition}: +1" in result.stdout
    assert told(run, settings)["balance"] == 1


def test_a_live_worker_is_seen(run: Any, settings: Settings) -> None:
    words = ("score", "--model", "identity")
    with worker_process(settings, *words, command="hubbub") as process:
        assert eventually(lambda: told(run, settings)["stages"][0]["ready"], within_s=60)
        (worker,) = told(run, settings)["stages"][0]["workers"]
        assert worker["client"] == f"{settings.topics.prefix}score.0"
        assert (worker["host"], worker["partitions"]) == ("127.0.0.1", 4)
        assert stopped(process)[0] == 0
    assert eventually(lambda: told(run, settings)["stages"][0]["workers"] == [])


def test_missing_topics_are_named_with_their_remedy(run: Any, bootstrap: str) -> None:
    settings = load(flags={"kafka": {"bootstrap": bootstrap}, "topics": {"prefix": "nowhere."}})
    with pytest.raises(TopicInvalid, match=r"nowhere\.scored.*`hubbub topics create` makes them"):
        run(settings, "status")
