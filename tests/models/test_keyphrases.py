"""Key phrases: what sets texts apart from the usual ones, in both languages, each text counted once."""

import random
from datetime import UTC, datetime, timedelta
from functools import cache

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.events import Event
from models.keyphrases import PhraseCounts, Phrasing, distinctive, log_odds
from producers.sources.scenario.scenario import Scenario

TEXTS = st.lists(st.frozensets(st.sampled_from([f"word{n}" for n in range(30)])), max_size=40)
HEAT = {"overheating", "overheat", "fire", "hot", "burn", "burned", "smoke"}
HEAT_ZH = ("过热", "发烫", "冒烟", "着火", "烫")


@cache
def phrasing() -> Phrasing:
    return Phrasing.load()


def counts_of(texts: list[str], limit: int = 4000) -> PhraseCounts:
    counts = PhraseCounts(limit)
    counts.add(phrasing().phrases(text) for text in texts)
    return counts


def scenario_texts(seed: int, **shape: bool) -> list[tuple[float, str]]:
    """Return (hours since the turn, text) of all that speaks of the phone maker."""
    start = datetime(2026, 11, 20, tzinfo=UTC)
    scenario = Scenario(seed, start=start, quiet_days=2, **shape)
    turn = start + timedelta(days=2)
    return [
        ((event.observed_at - turn) / timedelta(hours=1), event.text)
        for event in scenario.events()
        if _is_norvia(event)
    ]


def _is_norvia(event: Event) -> bool:
    return event.id.startswith("norvia")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The battery is on fire", {"battery", "fire"}),
        ("Battery fire, smoke", {"battery", "fire", "battery fire", "smoke"}),
        ("@norvia see https://x.example/a #NorviaRecall!", {"norviarecall"}),
        ("not safe", {"not safe", "safe"}),
        ("电池着火了", {"电池", "着火", "电池着火"}),
        ("诺维亚，道歉", {"诺维亚", "道歉"}),
        ("😡😡 [怒] 2026 !!", set()),
    ],
)
def test_phrases_are_neighbouring_words_that_say_something(text: str, expected: set[str]) -> None:
    assert phrasing().phrases(text) == expected


def test_a_reposted_text_has_the_phrases_of_its_original() -> None:
    for original, repost in (
        ("The battery melted", "RT @bob: The battery melted"),
        ("电池着火", "转发微博 //@小王：电池着火"),
    ):
        assert phrasing().phrases(repost) == phrasing().phrases(original)


def test_a_text_counts_a_phrase_once() -> None:
    counts = counts_of(["fire, fire, fire!", "fire"])
    assert (counts.texts, counts.counts["fire"]) == (2.0, 2.0)


@given(texts=TEXTS, order=st.randoms(use_true_random=False))
def test_the_order_of_texts_changes_nothing(
    texts: list[frozenset[str]], order: random.Random
) -> None:
    first, second = PhraseCounts(10), PhraseCounts(10)
    first.add(texts)
    order.shuffle(texts)
    second.add(texts)
    assert first == second


@given(texts=st.lists(TEXTS, max_size=5))
def test_counts_stay_bounded_and_come_back_from_bytes(texts: list[list[frozenset[str]]]) -> None:
    counts = PhraseCounts(10)
    for some in texts:
        counts.decay(0.9)
        counts.add(some)
    assert len(counts.counts) <= 10
    kept = msgspec.msgpack.encode(counts)
    assert msgspec.msgpack.decode(kept, type=PhraseCounts) == counts


def test_what_is_left_out_counts_as_much_as_the_most_that_was_left_out() -> None:
    counts = PhraseCounts(2)
    counts.add([{"a", "b", "c"}, {"a", "b"}, {"a", "c"}, {"b"}])
    assert (counts.counts, counts.floor) == ({"a": 3.0, "b": 3.0}, 2.0)
    counts.decay(0.5)
    assert (counts.counts, counts.floor, counts.texts) == ({"a": 1.5, "b": 1.5}, 1.0, 2.0)


def test_what_is_forgotten_leaves_the_counts() -> None:
    counts = PhraseCounts()
    counts.add([{"old"}])
    for _ in range(5):
        counts.decay(0.5)
    assert counts.counts == {}


def test_a_phrase_as_usual_in_the_window_as_before_is_not_named() -> None:
    # Given a word that half of all texts hold, now as before
    window = counts_of(["my phone rings", "my coffee"] * 20)
    background = counts_of(["a phone call", "a walk"] * 100)
    # Then others are named, and it is not
    named = {found.text for found in distinctive(window, background)}
    assert "coffee" in named
    assert "phone" not in named


def test_a_word_gives_way_to_the_phrase_in_which_it_mostly_stands() -> None:
    background = counts_of(["nice weather", "good match"] * 50)
    window = counts_of(["battery fire again", "a battery fire", "this battery fire!"] * 3)
    assert [found.text for found in distinctive(window, background)] == ["battery fire"]
    # But where it stands alone as often, the word itself is named, without the phrase
    window = counts_of(["battery fire", "battery", "dead battery", "battery gone"] * 3)
    assert [found.text for found in distinctive(window, background)] == ["battery"]


def test_no_more_are_named_than_asked_for_and_none_without_a_background() -> None:
    window = counts_of(["one alpha", "two beta", "three gamma", "four delta"] * 5)
    background = counts_of(["nice weather"] * 50)
    assert len(distinctive(window, background, most=3)) == 3
    assert distinctive(window, PhraseCounts()) == ()


def test_log_odds_are_those_of_the_formula_and_change_sign_with_the_sides() -> None:
    weight, deviations = log_odds((8, 10), (20, 100))
    back, _ = log_odds((20, 100), (8, 10))
    assert weight == pytest.approx(-back)
    assert deviations == pytest.approx(weight / (1 / (8 + 560 / 110) + 1 / (20 + 560 / 110)) ** 0.5)


@pytest.mark.parametrize("share", [1.0, 1 - 1e-16, 0.9999999999])
def test_what_every_text_holds_sets_nothing_apart(share: float) -> None:
    # Given the name that a watch asks for: in every text, now as usual
    weight, _ = log_odds((10.0, 10.0), (50.0 * share, 50.0))
    assert weight == pytest.approx(0.0, abs=0.01)
    window = PhraseCounts(texts=10, counts={"acme": 10.0, "fire": 8.0})
    found = distinctive(window, PhraseCounts(texts=50, counts={"acme": 50.0 * share, "fire": 1.0}))
    assert [one.text for one in found] == ["fire"]


@pytest.mark.parametrize("seed", [5, 8, 11])
def test_a_crisis_is_named_by_its_heat_in_both_languages(seed: int) -> None:
    # Given two quiet days, and some hours of the surge
    texts = scenario_texts(seed)
    background = counts_of([text for hour, text in texts if hour < 0], limit=400)
    window = counts_of([text for hour, text in texts if 2.5 <= hour < 4.5])
    # When it is asked what sets them apart
    named = [found.text for found in distinctive(window, background, most=24)]
    # Then it is heat, in English and in Chinese, and not the brand
    assert any(HEAT & set(phrase.split()) for phrase in named)
    assert any(word in phrase for phrase in named for word in HEAT_ZH)
    assert not {"norvia", "诺维亚", "n9"} & set(named)


def test_quiet_hours_are_set_apart_by_little() -> None:
    # Given quiet days alone
    texts = scenario_texts(5, without_turn=True)
    background = counts_of([text for hour, text in texts if hour < 0], limit=400)
    window = counts_of([text for hour, text in texts if 0 <= hour < 12])
    # Then nothing of heat is named
    named = " ".join(found.text for found in distinctive(window, background))
    assert not HEAT & set(named.split())
