"""`hubbub alerts explain`: why a watch fired or did not, read from a real broker."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from typer.testing import CliRunner, Result

from consumers.cli.alerts import app
from consumers.operations.watch_store import WatchStore
from contracts.errors import InvalidInput, WatchInvalid
from contracts.settings import Settings
from contracts.topics import MENTIONS
from contracts.watches import Rule, Watch
from producers.publisher import Publisher
from tests.consumers.alerting.desk import BEGIN, arrived, mention, tick, volume_rule, watch_of
from tests.streams import environment_of, stream_settings

PARTITIONS = 3
ACME = watch_of(volume_rule(4, id="many"), Rule("silence", {"for": "30m"}))
Run = Callable[..., Result]


@pytest.fixture(scope="module")
def settings(bootstrap: str) -> Settings:
    """Return a deployment with two watches and what the score stage writes of them: mentions, and time."""
    score = {"model": "identity", "lanes": "text"}
    settings = stream_settings(bootstrap, partitions=PARTITIONS, score=score)
    store = WatchStore(settings)
    store.start()
    for watch in (ACME, Watch(id="globex", query="globex")):
        store.put(watch)
    store.close()
    topic = settings.topics.names.of(MENTIONS)
    publisher = Publisher(settings.kafka, settings.runtime, client_id="test")
    publisher.start()
    for number in range(12):
        at_s = 60 + 5 * number
        for name in ("acme", "globex"):
            out = arrived(mention(number, at_s, watch=name))
            publisher.send(topic, out.value, key=out.key, headers=out.headers)
        for lane in range(PARTITIONS):
            out = arrived(tick(at_s, partition=lane))
            for place in range(PARTITIONS):
                publisher.send(topic, out.value, headers=out.headers, partition=place)
    publisher.close()
    return settings


@pytest.fixture
def run(settings: Settings) -> Run:
    """Run the command; errors of ours are raised."""

    def run(*words: str) -> Result:
        environment = environment_of(settings) | {"HUBBUB_SCORE_LANES": "text"}
        result = CliRunner().invoke(app, ["explain", *words], env=environment)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


def at(seconds: float) -> str:
    return (BEGIN + timedelta(seconds=seconds)).isoformat()


def test_it_tells_what_was_missing_before_a_rule_fired_and_that_it_fires_after(run: Run) -> None:
    # Given mentions every five seconds from the second minute on, and a rule that wants four in a minute
    # When a moment before the fourth and one after it are asked for
    before, after = run("acme", "--at", at(70)).stdout, run("acme", "--at", at(85)).stdout
    # Then the one says what was missing, and the other how the alert stands
    assert "learnt from " in before
    assert "since 2026-01-02 00:01:00Z, the topic's first record" in before
    assert "many: the 1 min to 2026-01-02 00:01:10Z" in before
    assert "  missing   volume 2, needs 4 or more" in before
    assert "  missing   nothing: the rule is broken" in after
    assert " firing since 2026-01-02 00:01:20Z, " in after


def test_one_rule_may_be_asked_for_and_json_has_all_of_it(run: Run) -> None:
    document = json.loads(run("acme", "--at", at(70), "--rule", "many", "--json").stdout)
    (many,) = document["rules"]
    assert (document["watch"], document["is_whole"]) == ("default/acme", True)
    (seen,) = many["seen"]
    assert (seen["observed"], seen["mentions"], seen["threshold"]) == (2, 2, 4)
    assert [lack["condition"] for lack in seen["missing"]] == ["volume"]


def test_the_present_is_as_far_as_time_has_come(run: Run) -> None:
    told = run("acme", "--at", "-1h").stdout
    assert "time has come no further than 2026-01-02 00:01:55Z" in told
    assert "many: the 1 min to 2026-01-02 00:01:50Z" in told


def test_what_cannot_be_is_refused(run: Run) -> None:
    with pytest.raises(WatchInvalid, match="there is no watch 'default/acne'; near: default/acme"):
        run("acne", "--at", "-1h")
    with pytest.raises(InvalidInput, match="before what is kept of default/acme, which begins at"):
        run("acme", "--at", "2025-12-31T00:00:00Z")
    with pytest.raises(InvalidInput, match="lies ahead"):
        run("acme", "--at", "2999-01-01T00:00:00Z")
    with pytest.raises(InvalidInput, match="has no rules, so nothing is judged"):
        run("globex", "--at", "-1h")
    with pytest.raises(InvalidInput, match="has no rule 'any'; it has many, silence"):
        run("acme", "--at", "-1h", "--rule", "any")
