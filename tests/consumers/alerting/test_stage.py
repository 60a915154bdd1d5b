"""The alert stage on batches: how records end, what moves alerts, and what is left when watches and rules go."""

import msgspec
import pytest

from consumers.alerting.batch import NO_CHANGE, NO_WATCH, REPEAT
from consumers.alerting.episodes import NO_RULE
from consumers.alerting.episodes import NO_WATCH as WATCH_GONE
from contracts.alerts import Silence
from contracts.errors import BrokerUnreachable
from contracts.watches import Rule
from tests.consumers.alerting.desk import (
    BEGIN_MS,
    Desk,
    Item,
    changes,
    feedback,
    mention,
    moment,
    tick,
    volume_rule,
    watch_of,
)

THREE = volume_rule()
BY_TOPIC = volume_rule(by="topic")


def firing(rule: Rule = THREE) -> Desk:
    """Return a desk at which three mentions have made the rule fire, at second 10."""
    desk = Desk(watch_of(rule))
    desk.give(*(mention(n, n, topic="health") for n in range(3)))
    desk.pass_to(10)
    assert changes(desk.transitions) == ["fired"]
    return desk


def test_three_mentions_in_a_minute_fire_at_the_end_of_their_pane() -> None:
    desk = firing()
    (alert,) = desk.alerts
    assert (alert.watch, alert.rule, alert.state, alert.number) == (
        "acme",
        "threshold",
        "firing",
        1,
    )
    assert alert.fired_at == moment(10)
    assert (alert.evidence.observed, alert.evidence.sources) == (
        3.0,
        {"chirp": 1, "newswire": 1, "weiyu": 1},
    )
    assert alert.model_versions == ("v1",)


def test_every_record_ends_and_what_cannot_be_read_is_a_dead_letter_with_its_bytes() -> None:
    desk = Desk(watch_of())
    made = desk.give(mention(1, 1), b"\x00no mention", mention(2, 2, watch="gone"), mention(1, 1))
    made += desk.give(tick(20), b"")
    ledger = desk.ledger()
    assert (ledger.taken, ledger.result, ledger.dead) == (6, 2, 2)
    assert ledger.dropped == {NO_WATCH: 1, REPEAT: 1}
    assert [output.value for output in made] == [b"\x00no mention", b""]


def test_the_models_of_an_alert_are_those_that_scored_its_window() -> None:
    # Given a model that is replaced by another, in a minute of which an alert speaks
    desk = Desk(watch_of(volume_rule(update=10, resolve="1m")))
    desk.give(*(mention(n, 1, model_version="f0") for n in range(3)))
    desk.pass_to(10)
    desk.give(*(mention(10 + n, 21, model_version="a7") for n in range(3)))
    desk.pass_to(40)
    assert [alert.model_versions for alert in desk.alerts] == [("a7", "f0")]
    # When only the new one scores, then it alone is told, and also when the alert is over.
    desk.give(*(mention(20 + n, 91, model_version="a7") for n in range(3)))
    desk.pass_to(100)
    assert [alert.model_versions for alert in desk.alerts] == [("a7",)]
    desk.pass_to(600)
    (alert,) = desk.alerts
    assert (alert.state, alert.model_versions) == ("resolved", ("a7",))


def test_an_alert_lies_on_the_partition_and_under_the_key_of_its_watch() -> None:
    desk = firing()
    alert, transition = desk.alerts[0], desk.transitions[0]
    assert {(output.partition, output.key) for output in desk.written} == {
        (0, alert.key.encode()),
        (0, b"default/acme"),
    }
    assert transition.alert == alert.id


def test_the_group_of_an_alert_is_the_topic_itself() -> None:
    desk = firing(BY_TOPIC)
    (alert,) = desk.alerts
    assert (alert.by, alert.group, desk.transitions[0].group) == ("topic", "health", "health")
    assert "on the topic health" in alert.evidence.says["en"]


def test_a_person_acknowledges_silences_and_lets_speak() -> None:
    desk = firing()
    until = moment(9000)
    desk.give(
        feedback("acknowledge", 20, why="on it"),
        feedback("silence", 21, until=until),
        feedback("unsilence", 22),
        feedback("useful", 23),
    )
    assert changes(desk.transitions) == [
        "fired",
        "acknowledged",
        "silenced",
        "unsilenced",
        "useful",
    ]
    assert [one.number for one in desk.transitions] == [1, 2, 3, 4, 5]
    (alert,) = desk.alerts
    assert (alert.state, alert.acknowledged_by, alert.silenced) == ("acknowledged", "ana", None)
    ledger = desk.ledger(desk.feedback)
    assert (ledger.taken, ledger.result) == (4, 4)


def test_feedback_that_means_nothing_is_a_counted_drop() -> None:
    desk = firing()
    desk.give(
        feedback("acknowledge", 20, alert="nobody"),
        feedback("unsilence", 20),
        feedback("silence", 20),
        feedback("acknowledge", 20, watch="gone"),
        feedback("acknowledge", 20, group="sport"),
        feedback("acknowledge", 20, rule="other"),
    )
    assert desk.ledger(desk.feedback).dropped == {NO_CHANGE: 5, NO_WATCH: 1}
    assert changes(desk.transitions) == ["fired"]


def test_feedback_that_cannot_be_read_is_a_dead_letter() -> None:
    desk = firing()
    desk.give(feedback("acknowledge", 20, group="other"), b"?")
    assert desk.ledger(desk.feedback).dead == 1


def test_a_silence_of_a_topic_covers_its_alerts_to_come() -> None:
    desk = Desk(watch_of(BY_TOPIC))
    desk.give(feedback("silence", 0, group="health", until=moment(9000), why="known"))
    desk.give(*(mention(n, 1, topic="health" if n < 3 else "sport") for n in range(6)))
    desk.pass_to(10)
    by_group = {alert.group: alert for alert in desk.alerts}
    assert by_group["health"].silenced == Silence("ana", moment(9000), why="known")
    assert by_group["sport"].silenced is None


def test_a_watch_that_is_deleted_ends_its_alerts_and_leaves_nothing() -> None:
    # Given two watches, one with an alert, a silence and everything else that is kept,
    desk = Desk(watch_of(volume_rule(), Rule("volume_spike")), watch_of(volume_rule(), id="acme2"))
    for minute in (0, 61, 62):
        at = 60 * minute
        desk.give(*(mention(at + n, at + n) for n in range(min(minute, 20) or 1)))
        desk.give(*(mention(at + n, at + n, watch="acme2") for n in range(min(minute, 20) or 1)))
        desk.pass_to(at + 60)
    desk.give(feedback("silence", 3800, until=moment(9000)))
    desk.give(mention(999, 3785))
    assert {key.partition("/")[0] for key in desk.kept() if "acme/" in f"{key}/"} == {
        "base", "counted", "curves", "episode", "kept", "open", "phrases", "silences", "since",
    }  # fmt: skip
    # When one is deleted and time moves on
    desk.remove("default/acme")
    desk.pass_to(3800)
    # Then its alert is closed, its records are gone, and the other's are not.
    assert not [key for key in desk.kept() if "acme/" in f"{key}/"]
    assert any("acme2" in key for key in desk.kept())
    ended = [one for one in desk.transitions if one.watch == "acme"][-1]
    assert (ended.change, ended.state, ended.why) == ("closed", "resolved", WATCH_GONE)
    assert {alert.watch: alert.state for alert in desk.alerts} == {
        "acme": "resolved",
        "acme2": "firing",
    }
    # And a mention of it is a counted drop.
    desk.give(mention(1000, 3802))
    assert desk.ledger().dropped == {NO_WATCH: 1}


@pytest.mark.parametrize("restarts", [False, True])
def test_a_silence_of_a_watch_that_was_never_mentioned_goes_with_it(restarts: bool) -> None:
    desk = Desk(watch_of(volume_rule()))
    desk.give(tick(0))
    desk.give(feedback("silence", 0, until=moment(9000)))
    if restarts:
        desk.restart()
    desk.pass_to(10)
    assert "silences/default/acme" in desk.kept()
    desk.remove("default/acme")
    desk.pass_to(20)
    assert [key for key in desk.kept() if "acme" in key] == []


def test_a_rule_that_is_removed_ends_its_alerts() -> None:
    desk = firing()
    desk.put(watch_of(revision=2))
    desk.pass_to(60)
    assert changes(desk.transitions) == ["fired", "closed"]
    assert desk.transitions[-1].why == NO_RULE
    assert not [key for key in desk.kept() if key.startswith("episode/")]


def test_a_rule_that_looks_for_something_else_under_its_old_id_ends_the_alert_before_it_judges() -> (
    None
):
    # Given an alert of all mentions, and then the same rule by topic
    desk = firing()
    desk.put(watch_of(Rule("threshold", BY_TOPIC.settings, id="threshold"), revision=2))
    desk.give(*(mention(10 + n, 11, topic="sport") for n in range(5)))
    desk.pass_to(20)
    assert [(one.change, one.group) for one in desk.transitions] == [
        ("fired", None),
        ("closed", None),
        ("fired", "sport"),
    ]


def test_a_limit_on_another_measure_under_the_old_id_ends_the_alert_too() -> None:
    desk = firing()
    other = Rule("threshold", {"measure": "reach", "above": 10_000_000}, id="threshold")
    desk.put(watch_of(other, revision=2))
    desk.give(*(mention(10 + n, 11) for n in range(5)))
    desk.pass_to(20)
    assert changes(desk.transitions) == ["fired", "closed"]


def test_a_mention_of_a_newer_revision_waits_for_the_table() -> None:
    # Given a table whose changes come slowly, and a mention that names the new revision
    desk = Desk(watch_of())
    desk.rows.is_slow = True
    desk.put(watch_of(volume_rule(), revision=2))
    reads = desk.rows.reads
    desk.give(*(mention(n, 1, watch_revision=2) for n in range(3)))
    # Then the table was read to its end, once, and the rule is there.
    assert desk.rows.reads == reads + 1
    desk.pass_to(10)
    assert changes(desk.transitions) == ["fired"]
    assert desk.alerts[0].watch_revision == 2


def test_a_mention_that_comes_late_counts_in_the_pane_that_is_open() -> None:
    # Given time at 100 s
    desk = Desk(watch_of(volume_rule()))
    desk.pass_to(100)
    # When mentions of second 1 come, and one of second 101
    desk.give(mention(1, 1), mention(2, 2), mention(3, 101))
    desk.pass_to(110)
    # Then they count together.
    (alert,) = desk.alerts
    assert (alert.fired_at, alert.evidence.observed) == (moment(110), 3.0)


def test_the_same_mention_again_counts_once_also_in_another_batch_and_after_a_restart() -> None:
    desk = Desk(watch_of(volume_rule(above=2)))
    desk.give(mention(1, 1), mention(1, 1))
    desk.give(mention(1, 1))
    desk.restart()
    desk.give(mention(1, 1))
    desk.pass_to(10)
    desk.give(mention(1, 1))
    desk.pass_to(60)
    assert desk.transitions == []
    assert desk.ledger().dropped == {REPEAT: 4}


def test_whether_a_mention_is_a_repeat_does_not_hang_on_batches() -> None:
    # Given a mention that is just forgotten when time has come to 200 s
    asked = [mention(2, 200), mention(1, 200)]
    ends = []
    for batches in ([asked], [asked[:1], asked[1:]]):
        desk = Desk(watch_of())
        desk.give(mention(1, 1), tick(200))
        # When it comes again, with another one or after it
        for batch in batches:
            desk.give(*batch)
        ends.append(desk.ledger().dropped)
    # Then both end alike.
    assert ends[0] == ends[1]


def test_one_mention_of_wide_reach_is_told_with_that_mention_first() -> None:
    desk = Desk(watch_of(Rule("influential_post", {"reach": 5000, "only": "negative"})))
    desk.give(mention(1, 1, sentiment="positive", reach=9000), mention(2, 2, reach=4000))
    desk.pass_to(10)
    assert desk.transitions == []
    desk.give(mention(3, 11, sentiment="negative", reach=6000))
    desk.pass_to(20)
    (alert,) = desk.alerts
    assert (alert.kind, alert.evidence.observed) == ("influential_post", 6000.0)
    assert (alert.evidence.quotes[0].event, alert.evidence.quotes[0].reach) == ("3", 6000)


def test_a_post_that_goes_much_farther_is_told_at_once_though_the_first_was_just_told() -> None:
    desk = Desk(watch_of(Rule("influential_post", {"reach": 100_000})))
    desk.give(mention(1, 5, reach=150_000))
    desk.pass_to(60)
    desk.give(mention(2, 125, reach=900_000))
    desk.pass_to(180)
    assert changes(desk.transitions) == ["fired", "updated"]
    assert desk.alerts[0].evidence.observed == 900_000


def test_between_two_steps_a_window_that_lacks_its_first_panes_is_not_too_quiet() -> None:
    """Given two mentions in each minute, Then ten minutes hold twenty, whichever pane has just been decided."""
    rule = Rule("threshold", {"measure": "volume", "below": 19, "window": "10m"})
    desk = Desk(watch_of(rule))
    for minute in range(20):
        desk.give(mention(2 * minute, 60 * minute + 5), mention(2 * minute + 1, 60 * minute + 6))
        for pane in range(1, 7):
            desk.pass_to(60 * minute + 10 * pane)
    assert desk.transitions == []


def test_too_few_mentions_fire_below_also_when_none_comes_at_all() -> None:
    desk = Desk(watch_of(Rule("threshold", {"measure": "volume", "below": 2})))
    for minute in range(3):
        desk.give(*(mention(10 * minute + n, 60 * minute + 55 + n) for n in range(4)))
        desk.pass_to(60 * minute + 60)
    assert desk.transitions == []
    desk.pass_to(3600)
    assert changes(desk.transitions)[:2] == ["fired", "updated"]
    assert desk.transitions[0].at == moment(240)


def test_a_source_that_stops_speaks_and_ends_when_it_is_back() -> None:
    settings: dict[str, str | float | bool] = {"source": "rss", "for": "10m", "resolve": "1m"}
    desk = Desk(watch_of(Rule("silence", settings)))
    desk.give(mention(1, 5, source="rss"), mention(2, 300, source="chirp"))
    desk.pass_to(600)
    assert desk.transitions == []
    # 605 s lie within the pane that ends at 610 s.
    desk.pass_to(610)
    assert [(one.change, one.at) for one in desk.transitions] == [("fired", moment(610))]
    assert "nothing from rss" in desk.alerts[0].evidence.says["en"]
    desk.give(mention(3, 630, source="rss"))
    desk.pass_to(720)
    assert changes(desk.transitions) == ["fired", "resolved"]


def test_a_mention_ahead_of_its_time_does_not_end_a_silence_that_came_before_it() -> None:
    # Given a source that was silent from 5 s to 700 s, and its next mention read early or late
    settings: dict[str, str | float | bool] = {"for": "10m", "resolve": "1m"}
    told = []
    for is_early in (True, False):
        desk = Desk(watch_of(Rule("silence", settings)))
        desk.give(mention(1, 5))
        desk.give(tick(604), *([mention(2, 700)] if is_early else []))
        desk.pass_to(620)
        desk.give(*([] if is_early else [mention(2, 700)]), tick(800))
        told.append([(one.change, one.at) for one in desk.transitions])
    # Then the same is told.
    assert told[0] == told[1]
    assert told[0][0] == ("fired", moment(610))


def test_the_silence_of_one_source_among_many_is_seen() -> None:
    settings: dict[str, str | float | bool] = {"source": "zz-last", "for": "10m"}
    desk = Desk(watch_of(Rule("silence", settings)))
    desk.give(mention(1, 1, source="zz-last"))
    desk.give(*(mention(2 + n, 2, source=f"source-{n}") for n in range(100)))
    desk.pass_to(700)
    assert changes(desk.transitions) == ["fired"]


def test_an_error_in_the_middle_of_a_batch_leaves_nothing_and_the_batch_goes_again() -> None:
    # Given a batch whose last mention needs the table, and a table that is away
    items: list[Item] = [
        *(mention(n, n) for n in range(3)),
        tick(15),
        mention(9, 12, watch_revision=2),
    ]
    undisturbed, desk = Desk(watch_of(volume_rule())), Desk(watch_of(volume_rule()))
    undisturbed.put(watch_of(volume_rule(), revision=2))
    undisturbed.rows.is_slow = True
    undisturbed.give(*items)
    desk.rows.is_away = True
    before = desk.kept()
    with pytest.raises(BrokerUnreachable):
        desk.give(*items)
    # Then nothing is kept of it, and when it goes again all is as if it had gone once.
    assert desk.kept() == before
    desk.rows.is_away = False
    desk.rows.is_slow = True
    desk.put(watch_of(volume_rule(), revision=2))
    desk.give(*items)
    undisturbed.pass_to(60)
    desk.pass_to(60)
    assert desk.written == undisturbed.written
    assert desk.kept() == undisturbed.kept()


def test_what_is_open_and_kept_of_a_watch_is_small_whatever_comes() -> None:
    desk = Desk(watch_of(volume_rule(above=1000)))
    for minute in range(13):
        batch = [
            mention(
                1000 * minute + n, 60 * minute + n % 60, source=f"s{n}", text=f"{n} " + "text " * 400,
                url="https://example.org/" + "x" * 600, vector=bytes(384),
                topic="health", sentiment="negative", emotion="anger",
            )
            for n in range(400)
        ]  # fmt: skip
        desk.pass_to(60 * minute)
        desk.give(*batch)
    sizes = {key: len(value) for key, value in desk.kept().items()}
    assert sum(sizes.values()) < 200_000, sizes


def test_an_unreadable_row_of_watches_leaves_the_others_in_peace() -> None:
    desk = Desk(watch_of(volume_rule()))
    desk.rows.put_raw("default/broken", b"{")
    desk.give(*(mention(n, n) for n in range(3)))
    desk.pass_to(10)
    assert changes(desk.transitions) == ["fired"]


def test_times_in_transitions_are_those_of_events() -> None:
    desk = firing()
    raw = [msgspec.json.decode(output.value or b"") for output in desk.written]
    assert desk.now_ms != BEGIN_MS + 10_000
    assert {one.get("at", one.get("updated_at")) for one in raw} == {"2026-01-02T00:00:10Z"}
