"""Silences made in Alertmanager: what becomes feedback, of whom, once; and what is passed over."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from consumers.delivery.posts import labels_of
from consumers.delivery.silences import HeldSilence, Matcher, Silences, Status, is_ours
from contracts.alerts import Feedback
from tests.given_alerts import NOON, alert_of

END = NOON + timedelta(hours=2)
SURGE = alert_of(group="politics")
SPIKE = alert_of("globex", rule="volume_spike")
ALERTS = [SURGE, SPIKE]
WATCHES = [("default", "acme"), ("other", "acme"), ("default", "globex")]


def held(*matchers: Matcher, state: str = "active", **given: Any) -> HeldSilence:
    """Return a silence that holds, with equality of `labels` beside other matchers."""
    labels = given.pop("labels", {})
    equal = tuple(Matcher(name, value, is_regex=False) for name, value in labels.items())
    usual: dict[str, Any] = {
        "id": "s1",
        "created_by": "maria",
        "comment": "a drill",
        "starts_at": NOON,
    }
    usual |= {"ends_at": END, "updated_at": NOON}
    return HeldSilence(status=Status(state), matchers=equal + matchers, **(usual | given))


def of(**labels: str) -> HeldSilence:
    return held(labels=labels)


def said(*silences: HeldSilence) -> list[Feedback]:
    return Silences().news(silences, alerts=ALERTS, watches=WATCHES).feedback


def test_a_silence_of_a_watch_is_one_of_all_of_it() -> None:
    assert said(of(watch="acme", tenant="default", product="hubbub")) == [
        Feedback(
            "default", "acme", "silence", "maria", NOON, why="a drill", until=END, id="alertmanager/s1"
        )
    ]  # fmt: skip


def test_rule_and_group_narrow_it_and_without_a_tenant_it_is_of_every_one() -> None:
    found = said(of(watch="acme", rule="negative_surge", group="politics"))
    assert [(one.tenant, one.rule, one.group, one.alert) for one in found] == [
        ("default", "negative_surge", "politics", None),
        ("other", "negative_surge", "politics", None),
    ]


def test_a_silence_of_an_alert_by_all_its_labels_is_one_of_it_alone() -> None:
    for silence in (held(labels=labels_of(SURGE)), of(alert=SURGE.id)):
        (found,) = said(silence)
        assert (found.watch, found.alert, found.rule, found.group) == ("acme", SURGE.id, None, None)


@pytest.mark.parametrize(
    "labels",
    [
        {"rule": "volume_spike"},
        {"rule": "volume_spike", "severity": "warning"},
        {"watch": "globex", "alertname": "volume_spike"},
        {"watch": "globex", "severity": "warning"},
        {"alert": SPIKE.id, "group": ""},
    ],
)
def test_what_feedback_cannot_say_of_a_watch_is_said_of_each_alert_that_it_matches(
    labels: dict[str, str],
) -> None:
    (found,) = said(of(**labels))
    assert (found.watch, found.alert) == ("globex", SPIKE.id)


@pytest.mark.parametrize(
    "labels",
    [
        {"watch": "nobody"},
        {"watch": "acme", "tenant": "nobody"},
        {"alert": "0" * 24},
        {"alert": SPIKE.id, "severity": "critical"},
    ],
)
def test_what_matches_none_of_ours_says_nothing(labels: dict[str, str]) -> None:
    assert said(of(**labels)) == []


@pytest.mark.parametrize(
    "silence",
    [
        of(severity="warning"),
        of(product="hubbub"),
        of(tenant="default"),
        of(instance="db-1"),
        of(watch="acme", instance="db-1"),
        of(watch=""),
        of(watch="acme", product="another"),
        held(Matcher("watch", "ac.*", is_regex=True)),
        held(Matcher("rule", "volume_.*", is_regex=True), labels={"watch": "acme"}),
        held(Matcher("group", "sport", is_regex=False, is_equal=False), labels={"watch": "acme"}),
        held(Matcher("watch", "globex", is_regex=False), labels={"watch": "acme"}),
    ],
)
def test_what_would_silence_more_here_than_there_is_passed_over_and_counted_once(
    silence: HeldSilence,
) -> None:
    silences = Silences()
    assert not is_ours(silence)
    assert silences.news([silence], alerts=ALERTS, watches=WATCHES) == ([], 1)
    assert silences.news([silence], alerts=ALERTS, watches=WATCHES) == ([], 0)
    revised = msgspec.structs.replace(silence, updated_at=END)
    assert silences.news([revised], alerts=ALERTS, watches=WATCHES) == ([], 1)


def test_each_revision_is_said_once_also_by_another_process() -> None:
    # Given a silence that was said
    silence = of(watch="globex")
    silences = Silences()
    (first,) = silences.news([silence], alerts=ALERTS, watches=WATCHES).feedback
    assert silences.news([silence], alerts=ALERTS, watches=WATCHES).feedback == [first]
    silences.heard(first)
    # Then it is not said again, by this process or by one that reads what was said
    another = Silences()
    another.heard(first)
    another.heard(msgspec.structs.replace(first, id=None, action="unsilence"))
    for one in (silences, another):
        assert one.news([silence], alerts=ALERTS, watches=WATCHES).feedback == []
    # But its next revision is
    longer = msgspec.structs.replace(
        silence, ends_at=END + timedelta(hours=1), updated_at=NOON + timedelta(minutes=1)
    )
    (found,) = another.news([longer], alerts=ALERTS, watches=WATCHES).feedback
    assert found.until == END + timedelta(hours=1)


def test_an_alert_that_comes_later_is_silenced_when_it_comes() -> None:
    silences = Silences()
    silence = of(rule="volume_spike")
    assert silences.news([silence], alerts=[], watches=[]).feedback == []
    assert len(silences.news([silence], alerts=ALERTS, watches=WATCHES).feedback) == 1


def test_an_end_takes_back_what_was_said_and_nothing_else() -> None:
    # Given a silence of two tenants' watches, said here
    silences = Silences()
    silence = of(watch="acme")
    for one in silences.news([silence], alerts=ALERTS, watches=WATCHES).feedback:
        silences.heard(one)
    # When it ends early
    at = NOON + timedelta(minutes=5)
    expired = msgspec.structs.replace(silence, status=Status("expired"), ends_at=at, updated_at=at)
    ends = silences.news([expired], alerts=ALERTS, watches=WATCHES).feedback
    # Then both are taken back, once
    assert [(one.action, one.tenant, one.at, one.until, one.id) for one in ends] == [
        ("unsilence", "default", at, None, "alertmanager/s1"),
        ("unsilence", "other", at, None, "alertmanager/s1"),
    ]
    for one in ends:
        silences.heard(one)
    assert silences.news([expired], alerts=ALERTS, watches=WATCHES).feedback == []
    # And an end of what was never said is none
    assert said(held(labels={"watch": "acme"}, state="expired")) == []


def test_one_that_has_not_begun_says_nothing_yet() -> None:
    assert said(held(labels={"watch": "acme"}, state="pending")) == []


def test_names_and_reasons_that_are_too_long_are_cut_and_missing_ones_replaced() -> None:
    (long,) = said(held(labels={"watch": "globex"}, created_by="m" * 999, comment="x" * 9999))
    (bare,) = said(held(labels={"watch": "globex"}, created_by="", comment=""))
    assert (len(long.by), len(long.why or "")) == (256, 1000)
    assert (bare.by, bare.why) == ("alertmanager", None)
    for one in (long, bare):
        assert msgspec.json.decode(msgspec.json.encode(one), type=Feedback) == one
