"""The written crisis: repeatable, ordered, varied, and turning where it says."""

import itertools
import re
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import SourceInvalid
from contracts.events import Event
from producers.sources.scenario.scenario import Scenario
from producers.sources.scenario.timeline import CRISIS_H, PLANS, rhythm
from producers.sources.scenario.watches import scenario_watches

START = datetime(2026, 3, 1, tzinfo=UTC)
TURN = START + timedelta(days=3)
BRAND = re.compile(r"norvia|诺维亚|\bn9\b", re.IGNORECASE)
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def story() -> list[Event]:
    return list(Scenario(7, start=START).events())


def share(events: list[Event], words: str) -> float:
    found = [event for event in events if re.search(words, event.text, re.IGNORECASE)]
    return len(found) / max(1, len(events))


def norvia(story: list[Event], from_h: float, to_h: float) -> list[Event]:
    begin, end = TURN + timedelta(hours=from_h), TURN + timedelta(hours=to_h)
    return [e for e in story if e.id.startswith("norvia") and begin <= e.observed_at < end]


def test_the_same_seed_and_start_write_the_same_and_another_seed_another(
    story: list[Event],
) -> None:
    assert list(Scenario(7, start=START).events()) == story
    other = list(Scenario(8, start=START).events())
    assert {event.text for event in other} != {event.text for event in story}


def test_events_come_in_order_of_time_with_ids_of_their_own(story: list[Event]) -> None:
    times = [event.observed_at for event in story]
    assert times == sorted(times)
    assert START <= times[0] < START + timedelta(hours=1)
    assert TURN + timedelta(hours=CRISIS_H - 0.5) < times[-1] < TURN + timedelta(hours=CRISIS_H)
    assert len({(event.source, event.id) for event in story}) == len(story)


def test_the_volume_is_what_a_demonstration_needs(story: list[Event]) -> None:
    assert 6000 <= len(story) <= 10_000
    double = sum(1 for _ in Scenario(7, start=START, scale=2).events())
    assert double == pytest.approx(2 * len(story), rel=0.1)


def test_a_whole_number_is_the_same_story_however_it_is_written() -> None:
    first = Scenario(7, start=START, scale=1, quiet_days=1)
    assert list(first.events()) == list(
        Scenario(7, start=START, scale=1.0, quiet_days=1.0).events()
    )


def test_every_kind_and_both_languages_speak(story: list[Event]) -> None:
    kinds = Counter(event.kind for event in story)
    assert min(kinds[kind] for kind in ("social", "news", "support")) > 200
    chinese = sum(1 for event in story if CHINESE.search(event.text))
    assert 0.4 < chinese / len(story) < 0.6
    tagged = [event for event in story if event.lang]
    assert all((event.lang == "zh") == bool(CHINESE.search(event.text)) for event in tagged)
    assert len(tagged) < len(story)


def test_texts_vary(story: list[Event]) -> None:
    said = Counter(e.text for e in story if e.kind == "social" and e.repost_of is None)
    assert len(said) > 0.65 * said.total()
    assert max(said.values()) < 0.004 * said.total()
    assert not [text for text in said if "{" in text or not text.strip()]


def test_conversations_have_their_context_and_news_their_title(story: list[Event]) -> None:
    known = {event.id: event for event in story}
    replies = [event for event in story if event.reply_to]
    assert len(replies) > 500
    for event in replies:
        before = known[event.reply_to or ""]
        assert before.thread == event.thread
        assert before.observed_at < event.observed_at
        assert (event.context or "").endswith(before.text[-200:])
    news = [event for event in story if event.kind == "news"]
    assert all(e.title and e.url and e.author and (e.author.followers or 0) > 1e5 for e in news)


def test_a_repost_names_an_earlier_post_and_carries_its_words(story: list[Event]) -> None:
    known = {event.id: event for event in story}
    reposts = [event for event in story if event.repost_of]
    assert len(reposts) > 300
    for event in reposts:
        original = known[event.repost_of or ""]
        assert original.observed_at <= event.observed_at
        assert event.text.endswith(original.text)


def test_the_quiet_days_are_quiet_and_the_surge_is_angry_and_afraid(story: list[Event]) -> None:
    heat = r"overheat|\bhot\b|burn|smok|furious|livid|scared|afraid|烫|过热|冒烟|气死|害怕|不敢"
    thanks = r"relie|thank|refund|replacement|sorted|谢|安心|退款|松了口气|召回"
    quiet, surge, relief = norvia(story, -72, 0), norvia(story, 3, 6), norvia(story, 11, 16)
    assert len(surge) / 3 > 15 * len(quiet) / 72
    assert share(quiet, heat) < 0.02
    assert share(surge, heat) > 4 * share(relief, heat)
    assert share(relief, thanks) > 4 * share(surge, thanks)


def test_turns_are_where_the_volume_or_the_mood_turns(story: list[Event]) -> None:
    turns = {(turn.storyline, turn.kind): turn.at for turn in Scenario(7, start=START).turns()}
    assert turns["norvia", "complaints"] == TURN
    assert list(turns.values()) == sorted(turns.values())
    hour = timedelta(hours=1)

    def count(prefix: str, begin: datetime) -> int:
        return sum(e.id.startswith(prefix) and begin <= e.observed_at < begin + hour for e in story)

    surge = turns["norvia", "surge"]
    assert count("norvia", surge) > 2 * count("norvia", surge - hour)
    backlog = turns["larkpost", "backlog"]
    assert count("larkpost", backlog) > 2 * count("larkpost", backlog - hour)


def test_without_a_turn_every_day_is_like_the_first() -> None:
    calm = Scenario(7, start=START, without_turn=True)
    assert calm.turns() == []
    days = Counter(
        (event.observed_at - START).days for event in calm.events() if BRAND.search(event.text)
    )
    whole = [days[day] for day in range(3)]
    assert max(whole) < 1.3 * min(whole)


def test_it_ends_about_now_unless_told_otherwise() -> None:
    span = Scenario(7, quiet_days=0.5).span
    assert timedelta(0) <= datetime.now(UTC) - span.end < timedelta(minutes=1)
    assert span.turn - span.start == timedelta(days=0.5)


@pytest.mark.parametrize("wrong", [{"scale": 0}, {"scale": float("nan")}, {"quiet_days": -1}])
def test_a_volume_or_length_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(SourceInvalid, match="expected"):
        Scenario(7, **wrong)  # type: ignore[arg-type]


@given(st.integers(0, 2**32), st.floats(0.05, 0.5))
@settings(max_examples=5)
def test_every_seed_makes_valid_events_in_order(seed: int, scale: float) -> None:
    scenario = Scenario(seed, start=START, scale=scale, quiet_days=1)
    for before, after in itertools.pairwise(scenario.events()):
        assert before.observed_at <= after.observed_at


def test_watches_name_both_firms_in_both_languages() -> None:
    watches = scenario_watches("acme")
    assert [watch.id for watch in watches] == [
        "norvia", "norvia-danger", "norvia-support", "larkpost",
    ]  # fmt: skip
    assert {watch.tenant for watch in watches} == {"acme"}
    assert all(CHINESE.search(watch.query) for watch in watches)


def test_a_days_rhythm_has_mean_one_and_a_phase_is_never_above_its_plans_peak() -> None:
    for lang in ("en", "zh"):
        assert sum(rhythm(hour, lang) for hour in range(24)) / 24 == pytest.approx(1)
    for plan in PLANS:
        for minute in range(-600, int(CRISIS_H * 60)):
            phase, end = plan.phase_at(minute / 60)
            assert phase.rate_at(minute / 60, end=end) <= plan.peak()
