"""Metrics of the alert stage: told after the commit, for watches and alerts that are still there."""

from collections.abc import Iterator

import pytest

from contracts.errors import BrokerUnreachable
from contracts.telemetry import REGISTRY
from tests.consumers.alerting.desk import Desk, mention, tick, volume_rule, watch_of

RULE = volume_rule(resolve="1m", severity="info")


@pytest.fixture
def desk() -> Iterator[Desk]:
    """Give a desk with two watches of which one has a gauge, and let it go afterwards."""
    desk = Desk(watch_of(RULE), watch_of(RULE, id="other"), alert={"exported_watches": 1})
    yield desk
    desk.rehearsal.__exit__()


def told(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(f"hubbub_{name}", labels)


def held(state: str) -> float | None:
    return told("alert_held_alerts", state=state, kind="threshold", severity="info")


def test_gauges_show_the_last_minute_of_a_watch(desk: Desk) -> None:
    desk.give(
        mention(1, 1, sentiment="negative", emotion="anger", valence=-0.5),
        mention(2, 2, sentiment="positive", emotion="joy", valence=0.1),
    )
    desk.pass_to(60)
    watch = {"watch": "default/acme"}
    assert told("alert_watch_mentions", **watch) == 2
    assert told("alert_watch_negative_ratio", **watch) == 0.5
    assert told("alert_watch_mood_valence", **watch) == pytest.approx(-0.2)
    assert told("alert_watch_emotion_ratio", **watch, emotion="anger") == 0.5
    # When nothing more comes, they go back,
    desk.pass_to(180)
    assert told("alert_watch_mentions", **watch) == 0
    assert told("alert_watch_emotion_ratio", **watch, emotion="anger") == 0


def test_no_more_watches_have_gauges_than_asked_for_and_one_that_ends_makes_room(
    desk: Desk,
) -> None:
    desk.give(mention(1, 1))
    desk.pass_to(60)
    desk.give(mention(2, 61, watch="other"), mention(3, 61))
    desk.pass_to(120)
    assert told("alert_watch_mentions", watch="other") is None
    assert told("alert_watch_mentions", watch="default/other") is None
    desk.remove("default/acme")
    desk.pass_to(180)
    assert told("alert_watch_mentions", watch="default/acme") is None
    desk.give(mention(4, 181, watch="other"))
    desk.pass_to(240)
    assert told("alert_watch_mentions", watch="default/other") == 1


def test_alerts_are_counted_by_state_as_long_as_they_are_kept(desk: Desk) -> None:
    desk.give(*(mention(n, n) for n in range(3)))
    desk.pass_to(10)
    assert held("firing") == 1
    # After a restart they are still there,
    desk.restart()
    assert held("firing") == 1
    # resolved ones for an hour,
    desk.pass_to(600)
    assert (held("firing"), held("resolved")) == (None, 1)
    # and then no more.
    desk.pass_to(2 * 3600)
    assert held("resolved") is None


def test_what_a_worker_gives_away_it_tells_no_more(desk: Desk) -> None:
    desk.give(*(mention(n, n) for n in range(3)))
    desk.pass_to(60)
    desk.rehearsal.__exit__()
    assert held("firing") is None
    assert told("alert_watch_mentions", watch="default/acme") is None


def test_transitions_are_counted_once_though_their_batch_goes_again(desk: Desk) -> None:
    labels = {"change": "fired", "kind": "threshold"}
    before = told("alert_made_transitions_total", **labels) or 0
    seconds = told("alert_detection_seconds_count") or 0
    # Given a batch that fails after an alert has fired in it
    desk.give(*(mention(n, n) for n in range(3)))
    desk.rows.is_away = True
    items = tick(15), mention(9, 20, watch="unknown")
    for _ in range(3):
        with pytest.raises(BrokerUnreachable):
            desk.give(*items)
    assert (held("firing"), told("alert_made_transitions_total", **labels) or 0) == (None, before)
    # When it goes through
    desk.rows.is_away = False
    desk.give(*items)
    # Then it counts once.
    assert held("firing") == 1
    assert told("alert_made_transitions_total", **labels) == before + 1
    assert told("alert_detection_seconds_count") == seconds + 1
