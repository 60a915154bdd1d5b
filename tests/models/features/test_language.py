"""Language: scripts decide, then English function words, then n-grams; without letters the source's claim."""

import time

import pytest

from contracts.errors import ModelInvalid
from models.features.english_words import ENGLISH_ALONE, ENGLISH_TOO
from models.features.language import CERTAIN, LanguageDecider
from tests.models.features.short_posts import CHOSEN_ON, ENGLISH, UNSEEN


@pytest.fixture(scope="module")
def decider() -> LanguageDecider:
    decider = LanguageDecider()
    decider.start()
    return decider


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("the service was so slow and i am angry", "en"),
        ("so angry!", "en"),
        ("lol", "en"),
        ("今天天气真好", "zh"),
        ("我买了iphone 15 pro max", "zh"),
        ("@user 服务太差了 http", "zh"),
        ("服務太差了,我很生氣", "zh"),
        ("i love 北京 and the food there", "en"),
        ("こんにちは世界、元気ですか", "other"),
        ("今日は会議がある", "other"),
        ("오늘 정말 행복해요", "other"),
        ("привет, как дела", "other"),
        ("مرحبا بالعالم", "other"),
        ("je suis vraiment très content aujourd'hui", "other"),
        ("das ist sehr schlecht und ich bin wütend", "other"),
        ("estoy muy enojado con el servicio de hoy", "other"),
    ],
)
def test_the_language_of_a_text_with_letters(
    decider: LanguageDecider, text: str, lang: str
) -> None:
    decision = decider.decide(text, None)
    assert decision.lang == lang
    assert 0 < decision.probability <= 1


def share_of_english(decider: LanguageDecider, texts: list[str], hint: str | None = None) -> float:
    return sum(decider.decide(text, hint).lang == "en" for text in texts) / len(texts)


def test_short_posts_of_other_languages_are_not_taken_for_english(decider: LanguageDecider) -> None:
    assert share_of_english(decider, CHOSEN_ON) <= 0.02
    assert share_of_english(decider, UNSEEN) <= 0.05


def test_short_english_posts_stay_english(decider: LanguageDecider) -> None:
    assert share_of_english(decider, ENGLISH) >= 0.96


def test_what_a_source_claims_of_short_posts_helps(decider: LanguageDecider) -> None:
    assert share_of_english(decider, ENGLISH, "en") == 1
    assert share_of_english(decider, ["Feliz cumple hermano", "Dep trai the"], "es") == 0


@pytest.mark.parametrize("text", ["Was will man mehr", "Want dit is niet leuk", "That la vui the"])
def test_words_that_english_shares_with_others_make_no_text_certain(
    decider: LanguageDecider, text: str
) -> None:
    assert decider.decide(text, None).lang == "other"


def test_words_are_english_alone_or_shared_and_never_both() -> None:
    assert not ENGLISH_ALONE & ENGLISH_TOO
    assert all(word == word.lower() and word.isascii() for word in ENGLISH_ALONE | ENGLISH_TOO)


def test_a_curly_apostrophe_is_one(decider: LanguageDecider) -> None:
    assert decider.decide("i\u2019m drunk", None) == decider.decide("i'm drunk", None)


def test_a_probability_is_no_more_than_what_was_found(decider: LanguageDecider) -> None:
    # Given words that decide, and a text that is English for want of another language
    assert decider.decide("so angry!", None).probability == CERTAIN
    leaning = decider.decide("gutted lads", None)
    # Then the latter has the share that the n-grams give to English, not one that the leaning makes up
    assert leaning.lang == "en"
    assert leaning.probability < 0.5


@pytest.mark.parametrize("text", ["", "😡😡", "123", "!!!", "@user http"])
def test_a_text_without_letters_is_other_until_the_source_claims(
    decider: LanguageDecider, text: str
) -> None:
    assert decider.decide(text, None) == ("other", 0.0)
    assert decider.decide(text, "zh-Hans-CN") == ("zh", 0.5)
    assert decider.decide(text, "en_GB") == ("en", 0.5)
    assert decider.decide(text, "fr") == ("other", 0.5)


def test_a_claim_does_not_overrule_the_text(decider: LanguageDecider) -> None:
    assert decider.decide("今天天气真好", "en").lang == "zh"
    assert decider.decide("the food was good and the staff too", "zh").lang == "en"


def test_han_alone_is_japanese_only_where_the_source_says_so(decider: LanguageDecider) -> None:
    assert decider.decide("東京都知事選挙", None).lang == "zh"
    assert decider.decide("東京都知事選挙", "ja").lang == "other"


def test_a_decision_is_the_same_every_time(decider: LanguageDecider) -> None:
    texts = ["worst. airline. ever.", "haha", "可爱の猫", "ok 好"]
    assert [decider.decide(t, None) for t in texts] == [decider.decide(t, None) for t in texts]


def test_a_decision_takes_a_few_milliseconds_at_most(decider: LanguageDecider) -> None:
    # The promise is 30 microseconds on average; a hundred times that still fails a rule that became quadratic.
    texts = [
        "why is the line at the bank so long today",
        "今天银行排队太久了",
        "que pasa con el banco hoy",
    ] * 200
    began = time.process_time()
    for text in texts:
        decider.decide(text, None)
    assert (time.process_time() - began) / len(texts) < 3e-3


def test_use_before_start_is_refused() -> None:
    with pytest.raises(ModelInvalid, match="before start"):
        LanguageDecider().decide("quelle histoire", None)
