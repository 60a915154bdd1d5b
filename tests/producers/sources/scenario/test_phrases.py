"""The written texts and the hand that deals them."""

import random
import re

import pytest

from producers.sources.scenario.phrases import Deck, PhraseBook, Writer, load_book, load_crowd
from producers.sources.scenario.timeline import PLANS

STORYLINES = sorted({plan.storyline for plan in PLANS})
LANGS = ("en", "zh")
SLOT = re.compile(r"\{(\w+)\}")


def sentences(book: PhraseBook) -> list[str]:
    posts = [text for voice in book.social.values() for text in voice.texts]
    news = [text for many in book.news.values() for one in many for text in (one.title, one.text)]
    talks = [turn for many in book.support.values() for one in many for turn in one.turns]
    return [*posts, *news, *talks]


@pytest.mark.parametrize("lang", LANGS)
def test_there_is_enough_to_say(lang: str) -> None:
    posts = {
        text
        for storyline in STORYLINES
        for voice in load_book(storyline, lang).social.values()
        for text in voice.texts
    }
    assert len(posts) >= 100


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("storyline", STORYLINES)
def test_every_slot_has_values_and_every_value_a_slot(storyline: str, lang: str) -> None:
    book = load_book(storyline, lang)
    used = {name for text in sentences(book) for name in SLOT.findall(text)}
    assert used == set(book.slots)


@pytest.mark.parametrize("lang", LANGS)
def test_every_mood_of_the_plans_is_written(lang: str) -> None:
    for plan in PLANS:
        written = getattr(load_book(plan.storyline, lang), plan.kind)
        moods = {mood for phase in plan.phases for mood in phase.moods}
        assert moods <= set(written), plan


def test_a_deck_deals_each_once_before_any_again() -> None:
    deck = Deck("abcde", random.Random(1))
    assert sorted(deck.draw() for _ in range(5)) == sorted("abcde")
    assert sorted(deck.draw() for _ in range(5)) == sorted("abcde")


def test_a_slot_that_opens_a_sentence_has_a_capital_and_names_one_thing_in_a_text() -> None:
    book = PhraseBook(
        slots={"who": ("my aunt",), "n": ("2", "3")},
        news={"quiet": ()},
        support={},
    )
    writer = Writer(book, random.Random(1))
    filled = writer._fill("{who} said {n}, {n}! {who} and {who}.", {"who": "my aunt", "n": "2"})
    assert filled == "My aunt said 2, 2! My aunt and my aunt."


def test_people_have_names_in_both_languages() -> None:
    assert {len(load_crowd(lang).outlets) for lang in LANGS} == {5}
