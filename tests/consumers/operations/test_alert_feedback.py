"""Feedback from words: lengths, ends, targets, and what is refused."""

from datetime import timedelta

import pytest

from consumers.operations.alert_feedback import (
    Says,
    Target,
    check_ended_here,
    check_rule,
    check_watch,
    end_of,
    feedback_of,
    length_of,
    reach_words,
    words_of,
)
from contracts.alerts import Silence
from contracts.errors import InvalidInput, WatchInvalid
from tests.given_alerts import NOON, alert_of, resolved


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30m", 1800), (" 2H ", 7200), ("1d12h", 129_600), ("1w", 604_800)],
)
def test_a_length_is_read(text: str, seconds: int) -> None:
    assert length_of(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["", "2", "h", "2 h", "-2h", "0m", "400d", "2h30", "９".join("ab")]
)
def test_what_is_no_length_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="expected a length such as 30m"):
        length_of(text)


def test_a_silence_ends_after_a_length_or_at_a_time() -> None:
    assert end_of("2h", None, now=NOON) == NOON + timedelta(hours=2)
    assert end_of(None, "2026-01-01T21:00:00+08:00", now=NOON) == NOON + timedelta(hours=1)


@pytest.mark.parametrize(
    ("length", "until", "told"),
    [
        (None, None, "one of the two"),
        ("2h", "2026-01-02T00:00:00Z", "one of the two"),
        (None, "tomorrow", "expected ISO 8601"),
        (None, "2026-01-02T00:00:00", "has no zone"),
        (None, "2026-01-01T11:00:00Z", "expected a time within a year from now"),
        (None, "2031-01-01T11:00:00Z", "expected a time within a year from now"),
    ],
)
def test_an_end_that_cannot_be_is_refused(length: str | None, until: str | None, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        end_of(length, until, now=NOON)


def test_a_target_has_the_alerts_that_it_means() -> None:
    alert = alert_of(group="politics")
    assert Target.of(alert).has(alert)
    assert not Target.of(alert_of()).has(alert)
    assert Target("default", "acme").has(alert)
    assert Target("default", "acme", rule="negative_surge", group="politics").has(alert)
    assert not Target("default", "acme", rule="volume_spike").has(alert)
    assert not Target("default", "acme", group="sport").has(alert)
    assert not Target("other", "acme").has(alert)


def test_feedback_carries_what_was_said_and_its_watch_as_key() -> None:
    says = Says("li", NOON, "known", NOON + timedelta(hours=2))
    feedback = feedback_of("silence", Target("default", "acme", rule="volume_spike"), says=says)
    assert feedback.key == "default/acme"
    assert words_of(feedback) == (
        "silence default/acme volume_spike until 2026-01-01T14:00:00.000Z by li: known"
    )


@pytest.mark.parametrize(
    ("target", "says"),
    [
        (Target("default", "a watch"), Says("li", NOON)),
        (Target("default", "acme"), Says("", NOON)),
        (Target("default", "acme"), Says("li", NOON, "x" * 1001)),
    ],
)
def test_what_a_record_cannot_carry_is_refused(target: Target, says: Says) -> None:
    with pytest.raises(InvalidInput, match="feedback cannot be given"):
        feedback_of("acknowledge", target, says=says)


def test_a_watch_must_be_there_or_have_alerts() -> None:
    target = Target("default", "acme")
    check_watch(target, watches={"default/acme"}, alerts=[])
    check_watch(target, watches=set(), alerts=[alert_of()])
    with pytest.raises(WatchInvalid, match="no watch 'default/acme'; near: default/acne"):
        check_watch(target, watches={"default/acne"}, alerts=[])
    with pytest.raises(WatchInvalid, match="`hubbub watch list` shows them all"):
        check_watch(target, watches=(), alerts=[])


def test_a_silence_of_alertmanager_is_ended_there() -> None:
    until = NOON + timedelta(hours=1)
    check_ended_here(alert_of(silenced=Silence("li", until)))
    with pytest.raises(InvalidInput, match="amtool silence expire 77"):
        check_ended_here(alert_of(silenced=Silence("li", until, id="alertmanager/77")))
    with pytest.raises(InvalidInput, match="is not silenced"):
        check_ended_here(alert_of())


RULES = ["volume_spike-topic", "mute"]


def test_a_rule_must_be_one_of_its_watch_or_have_alerts() -> None:
    for rule in (None, *RULES, "negative_surge"):
        check_rule(Target("default", "acme", rule=rule), RULES, alerts=[alert_of()])


@pytest.mark.parametrize(
    ("rule", "rules", "told"),
    [
        ("volum_spike", RULES, "'volum_spike'; it has volume_spike-topic, mute; near: volume_spike-topic"),
        ("zzz", RULES, "'zzz'; it has volume_spike-topic, mute"),
        ("zzz", [], "'zzz'; it has none"),
    ],
)  # fmt: skip
def test_a_rule_that_nobody_knows_is_refused_with_those_there_are(
    rule: str, rules: list[str], told: str
) -> None:
    target = Target("default", "acme", rule=rule)
    with pytest.raises(InvalidInput) as caught:
        check_rule(target, rules, alerts=[alert_of("globex", rule)])
    assert str(caught.value) == f"watch default/acme has no rule {told}"


def test_a_silence_tells_how_many_it_reaches_and_of_a_group_that_no_alert_has() -> None:
    alerts = [alert_of(group="politics"), resolved(alert_of(group="sport"), NOON)]
    assert reach_words(Target("default", "acme"), alerts) == "1 that fires now"
    assert reach_words(Target("default", "acme", group="sport"), alerts) == "0 that fire now"
    assert reach_words(Target("default", "acme", group="politcs"), alerts) == (
        "0 that fire now; no alert of default/acme has the group 'politcs' yet; near: politics"
    )
    assert reach_words(Target("default", "acme", rule="silence", group="x"), alerts) == (
        "0 that fire now; no alert of default/acme silence has the group 'x' yet"
    )
