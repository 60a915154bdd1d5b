"""Language: scripts decide, then English function words, then n-grams; without letters the source's claim."""

import time

import pytest

from contracts.errors import ModelInvalid
from models.features.language import LanguageDecider


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
