"""Surges, flapping and silence through the stage: an alert comes when something turned, comes once and says why."""

import random
from collections.abc import Iterator
from itertools import pairwise

import pytest

from contracts.mentions import Mention
from contracts.topics import ALERTS
from contracts.watches import Rule
from tests.consumers.alerting.desk import (
    BEGIN,
    Desk,
    alerts_in,
    by_key,
    changes,
    mention,
    moment,
    tick,
    volume_rule,
    watch_of,
    word,
)

QUIET_MINUTES = 70
# Longer panes than in service, for the sake of the test's time.
PANE = {"pane_s": 30}
TOPICS = {"health": (6, 0.1), "sport": (24, 0.3), "weather": (30, 0.3)}


def minute_of(
    minute: int, dice: random.Random, *, angry: str = "", times: float = 1.0
) -> Iterator[Mention]:
    """Yield a minute of 60 mentions in three topics, of which `angry` is all but one negative; or `times` as many."""
    number = 1000 * minute
    for topic, (usual, share) in TOPICS.items():
        for place in range(round(usual * times)):
            number += 1
            is_negative = place > 0 if topic == angry else dice.random() < share
            yield mention(
                number, 60 * minute + dice.uniform(0, 60), topic=topic,
                sentiment="negative" if is_negative else "neutral",
                emotion="anger" if is_negative else "neutral",
                text=f"{word(number)}: {'the battery is on fire' if topic == angry else 'a usual day'}",
            )  # fmt: skip


def lived(desk: Desk, minutes: range, **turn: object) -> Desk:
    dice = random.Random(minutes.start)
    for minute in minutes:
        desk.give(*minute_of(minute, dice, **turn))  # type: ignore[arg-type]
        desk.pass_to(60 * minute + 60)
    return desk


def test_a_planted_surge_fires_once_with_its_proof_and_names_what_sets_it_apart() -> None:
    # Given a quiet hour and more of which nothing comes
    desk = lived(
        Desk(watch_of(Rule("volume_spike"), name="Acme"), runtime=PANE), range(QUIET_MINUTES)
    )
    assert desk.transitions == []
    # When ten minutes bring six times as much, and then it is as before
    lived(desk, range(QUIET_MINUTES, QUIET_MINUTES + 10), times=6.0, angry="weather")
    lived(desk, range(QUIET_MINUTES + 10, QUIET_MINUTES + 40))
    # Then it fires within a minute, once, and ends once.
    told = changes(desk.transitions)
    assert (told[0], told[-1], told.count("fired"), told.count("resolved")) == (
        "fired",
        "resolved",
        1,
        1,
    )
    assert desk.transitions[0].at <= moment(60 * QUIET_MINUTES + 60)
    alert = alerts_in(desk.written[:2], desk.names.of(ALERTS))[0]
    evidence = alert.evidence
    # At least three quotes of two sources, probability, threshold, what was usual, curve, phrases,
    assert len(evidence.quotes) >= 3
    assert len({quote.source for quote in evidence.quotes}) >= 2
    assert evidence.probability is not None
    assert evidence.expected is not None
    assert evidence.probability <= evidence.threshold == 1e-7
    assert evidence.observed > 3 * evidence.expected
    assert evidence.voices <= evidence.mentions
    assert len(evidence.curve) >= 10
    assert "fire" in " ".join(phrase.text for phrase in evidence.phrases)
    # versions, and a sentence in both languages.
    assert (alert.model_versions, len(alert.rule_version)) == (("v1",), 16)
    assert evidence.says["en"].startswith("Acme: ")
    assert evidence.says["zh"].startswith("【Acme】")


def test_anger_in_one_topic_that_the_total_hides_is_seen_by_topic_and_named() -> None:
    # Given a topic of a tenth of the volume, of which one in ten is negative as a rule
    rules = (Rule("negative_surge"), Rule("negative_surge", {"by": "topic"}))
    desk = lived(Desk(watch_of(*rules), runtime=PANE), range(QUIET_MINUTES))
    assert desk.transitions == []
    # When nearly all of it is, for five minutes
    lived(desk, range(QUIET_MINUTES, QUIET_MINUTES + 5), angry="health")
    # Then the rule by topic fires, once, and names the topic; the one without is silent.
    assert changes(desk.transitions).count("fired") == 1
    assert {one.rule for one in desk.transitions} == {"negative_surge-topic"}
    (alert,) = desk.alerts
    assert (alert.by, alert.group) == ("topic", "health")
    assert "on the topic health" in alert.evidence.says["en"]
    assert "健康" in alert.evidence.says["zh"]
    assert len(alert.evidence.quotes) >= 3
    assert {quote.label for quote in alert.evidence.quotes[:3]} == {"anger"}
    assert len({quote.source for quote in alert.evidence.quotes}) >= 2


def test_a_thousand_duplicates_with_a_restart_between_are_one_voice_and_one_alert() -> None:
    # Given a rule that two mentions break
    desk = Desk(watch_of(volume_rule(2)))
    desk.give(mention(1, 1), mention(2, 2))
    # When one of them comes a thousand times more within a minute, with a restart half way
    for second in range(10, 60):
        desk.give(*[mention(1, 1)] * 20, tick(second))
        if second == 30:
            desk.restart()
    desk.pass_to(1800)
    # Then there is one alert, told once, and every other one is a counted drop.
    assert changes(desk.transitions) == ["fired", "resolved"]
    assert desk.alerts[0].evidence.observed == 2.0
    assert desk.ledger().dropped == {"repeat": 1000}


@pytest.mark.parametrize("period", [1, 2, 5, 7])
def test_an_hour_of_flapping_around_a_threshold_fires_once_and_resolves_once_at_most(
    period: int,
) -> None:
    # Given an hour in which minutes above and below the limit take turns
    desk = Desk(watch_of(volume_rule(5)))
    for minute in range(60):
        many = 6 if minute // period % 2 == 0 else 1
        desk.give(*(mention(100 * minute + n, 60 * minute + 5 * n) for n in range(many)))
        desk.pass_to(60 * minute + 60)
    # When it is quiet at last
    desk.pass_to(3 * 3600)
    # Then it fired once and ended once.
    told = changes(desk.transitions)
    assert (told.count("fired"), told.count("resolved"), told.count("reopened")) == (1, 1, 0)
    # And people were told anew at most every five minutes.
    times = [one.at for one in desk.transitions if one.change in {"fired", "updated"}]
    assert all((after - before).total_seconds() >= 300 for before, after in pairwise(times))


def test_hours_of_silence_cost_nothing() -> None:
    # Given a watch with an alert that ends
    desk = Desk(watch_of(volume_rule(3), Rule("volume_spike")))
    desk.give(*(mention(n, n) for n in range(5)))
    desk.pass_to(3 * 3600)
    assert (
        changes(desk.transitions)
        == ["fired", "updated", "resolved"][:: 2 if len(desk.transitions) == 2 else 1]
    )
    # When half a day more brings nothing
    before, kept = len(desk.judged), desk.kept()
    for hour in range(4, 16):
        desk.pass_to(3600 * hour)
    # Then no rule is judged, and nothing but time is written.
    assert len(desk.judged) == before
    assert {key for key, value in desk.kept().items() if kept.get(key) != value} == {
        "ticks",
        "~ledger",
    }


@pytest.mark.parametrize("step", [5, 10, 60, 3600])
def test_silence_in_one_leap_is_as_silence_lived_through(step: int) -> None:
    # Given mentions, four hours of nothing, and mentions again
    rules = (volume_rule(3), Rule("volume_spike", id="spike"), Rule("silence", {"for": "1h"}))
    leap, slow = Desk(watch_of(*rules)), Desk(watch_of(*rules))
    for desk, ticks in ((leap, range(14_400, 14_401)), (slow, range(60, 14_401, step))):
        desk.give(*(mention(n, n) for n in range(8)))
        desk.give(tick(20))
        for at in ticks:
            desk.give(tick(at))
        desk.give(*(mention(100 + n, 14_400 + n) for n in range(8)))
        desk.pass_to(20_000)
    # Then both tell the same, to the last byte.
    assert by_key(leap.written) == by_key(slow.written)
    # Twice the threshold, twice the silence.
    assert changes(leap.transitions).count("fired") == 4


def test_a_step_of_a_pane_tells_the_same_and_a_longer_one_at_most_a_step_later() -> None:
    # Given a stage that judges every pane for ever, as its step is a pane, and the usual one
    dice = random.Random(7)
    seconds = sorted(dice.sample(range(1200), 90))
    desks = [
        Desk(watch_of(volume_rule(6, resolve="1m"))),
        Desk(watch_of(volume_rule(6, resolve="1m")), alert={"step_s": 10}),
    ]
    for desk in desks:
        desk.give(*(mention(n, at) for n, at in enumerate(seconds)))
        desk.pass_to(3600)
    # Then they tell the same; what silence brings about comes at the end of a step.
    usual, every = (desk.transitions for desk in desks)
    assert changes(usual) == changes(every)
    late = [(one.at - other.at).total_seconds() for one, other in zip(usual, every, strict=True)]
    assert set(late[:-1]) == {0.0}
    assert 0.0 <= late[-1] <= 60.0


def test_little_talk_that_becomes_more_for_an_hour_fires_and_ends_soon_after_it_is_over() -> None:
    # Given a day and a half with about 8 mentions an hour, then two hours with 44, then again 8
    dice = random.Random(11)
    turn, over, end = 36 * 3600, 38 * 3600, 42 * 3600
    seconds = [
        *moments(0, turn, 8, dice),
        *moments(turn, over, 44, dice),
        *moments(over, end, 8, dice),
    ]
    desk = Desk(watch_of(Rule("volume_spike")))
    desk.give(*(mention(n, at) for n, at in enumerate(seconds)))
    desk.pass_to(end)
    # When it is told, then once, an hour being what showed it
    assert [one for one in changes(desk.transitions) if one not in {"updated", "raised"}] == [
        "fired",
        "resolved",
    ]
    fired = desk.transitions[0]
    assert turn + 600 < (fired.at - BEGIN).total_seconds() < turn + 4500
    assert [one.evidence.window_s for one in desk.alerts] == [3600]
    # And it ends within three quarters of an hour of its own end, not of the hour's.
    assert (desk.transitions[-1].at - BEGIN).total_seconds() < over + 2700


def moments(begin: int, end: int, hourly: float, dice: random.Random) -> list[float]:
    """Return times at which mentions come, as by chance."""
    times, at = [], begin + dice.expovariate(hourly / 3600)
    while at < end:
        times.append(at)
        at += dice.expovariate(hourly / 3600)
    return times
