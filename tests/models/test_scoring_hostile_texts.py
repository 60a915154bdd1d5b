"""Whatever a text holds, its answer is defined: language, abstention, pieces, vector, and spans that lie inside it."""

from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.scores import Span
from models.features.text import normalize_line
from models.lexicon.spans import MOST_SPANS, NEUTRAL
from models.protocols import TextInput, TextScorer, TextScores
from models.registry import locate_model, open_model
from models.scoring import EMOTION, FRAME

MOST_PIECES = open_model(locate_model("bundled")).manifest.text.token_limit - FRAME


class Defined(NamedTuple):
    """Hold what must be said of a text; `least` and `most` bound its pieces."""

    lang: str
    least: int
    most: int
    truncated: bool = False


def score(scorer: TextScorer, text: str, **more: str) -> TextScores:
    return scorer.score_batch([TextInput(text=text, **more)])[0]


@pytest.mark.parametrize(
    ("text", "defined"),
    [
        pytest.param("", Defined("other", 0, 0), id="nothing"),
        pytest.param("  \t\r\n\u3000\xa0", Defined("other", 0, 0), id="white space"),
        pytest.param("\x00\x01\x02\x03\x1b\x7f", Defined("other", 0, 0), id="control characters"),
        pytest.param("\u200b\u202e\ufeff\U000e0041", Defined("other", 0, 0), id="invisible"),
        pytest.param("\ud83d", Defined("other", 0, 0), id="half of a surrogate pair"),
        pytest.param("\udc00\ud800" * 50_000, Defined("other", 0, 0, True), id="many halves"),
        pytest.param("😡", Defined("other", 1, 4), id="one emoji"),
        pytest.param("😡" * 100_000, Defined("other", 1, 8, True), id="one emoji often"),
        pytest.param("👩\u200d👩\u200d👧❤\ufe0f", Defined("other", 1, 16), id="joined emoji"),
        pytest.param("12345 !!! ???", Defined("other", 1, 20), id="digits and signs"),
        pytest.param(" " * 100_000 + "x", Defined("other", 0, 0, True), id="space without end"),
        pytest.param("a" * 100_000, Defined("other", 1, 8, True), id="one letter without end"),
        pytest.param("qwxz" * 25_000, Defined("", 1, MOST_PIECES, True), id="one word without end"),
        pytest.param(
            "the cat and the dog " * 5_000,
            Defined("en", MOST_PIECES, MOST_PIECES, True),
            id="English without end",
        ),
        pytest.param(
            "天气不错，" * 20_000,
            Defined("zh", MOST_PIECES, MOST_PIECES, True),
            id="Chinese without end",
        ),
        pytest.param("e" + "\u0301" * 100_000, Defined("", 1, MOST_PIECES, True), id="marks"),
        pytest.param("&amp;" * 20_000, Defined("other", 1, 8, True), id="entities without end"),
        pytest.param("@bob " * 20_000, Defined("", 1, MOST_PIECES, True), id="handles"),
        pytest.param("混合 mixed скрипт テキスト 한국어", Defined("other", 5, 40), id="scripts"),
        pytest.param("服务 service 太 bad 了", Defined("", 5, 12), id="two languages"),
        pytest.param("Привет, мне грустно", Defined("other", 3, 40), id="Russian"),
        pytest.param("أنا حزين جدا اليوم", Defined("other", 3, 40), id="Arabic"),
        pytest.param("ᚠᛇᚻ᛫ᛒᛦᚦ", Defined("other", 1, 20), id="runes"),
        pytest.param("<s>", Defined("en", 3, 5), id="begin typed"),
        pytest.param("</s><pad><unk><mask>", Defined("en", 9, 20), id="special names typed"),
    ],
)
def test_a_hostile_text_has_a_defined_answer(
    bundled: TextScorer, text: str, *, defined: Defined
) -> None:
    # When the text is scored, then language, pieces and the cut are as they must be
    scores = score(bundled, text)
    assert scores.lang == (defined.lang or scores.lang)
    assert defined.least <= scores.tokens <= defined.most
    assert scores.truncated is defined.truncated
    # And only what has pieces has a vector, and only a language we know an answer
    assert len(scores.vector) == (bundled.vector_width if scores.tokens else 0)
    if scores.lang == "other" or not scores.tokens:
        assert all(head.abstained for head in scores.heads.values())
        assert (scores.valence, scores.emotion_spans) == (None, ())


@pytest.mark.parametrize("text", ["", "   ", "\x00\x07\u200b", "\ud83d"])
def test_a_text_without_pieces_abstains_whatever_its_source_claims(
    bundled: TextScorer, text: str
) -> None:
    scores = score(bundled, text, lang_hint="en")
    assert scores.lang == "en"
    assert (scores.tokens, scores.vector, scores.truncated) == (0, b"", False)
    assert all(head.abstained for head in scores.heads.values())


def test_an_emoji_alone_is_scored_where_the_source_names_the_language(bundled: TextScorer) -> None:
    assert score(bundled, "😡").lang == "other"
    named = score(bundled, "😡", lang_hint="zh")
    assert named.lang == "zh"
    assert named.heads[EMOTION].label == "anger"


@pytest.mark.parametrize("hint", ["tlh", "\ud83d", "", "x" * 10_000])
def test_a_claim_of_an_unknown_language_makes_a_text_without_letters_other(
    bundled: TextScorer, hint: str
) -> None:
    scores = score(bundled, "😡", lang_hint=hint)
    assert scores.lang == "other"
    assert all(head.abstained for head in scores.heads.values())


def test_the_names_of_special_pieces_are_ordinary_letters(bundled: TextScorer) -> None:
    # Given the names of special pieces in a text, then they are several pieces each, not one
    for typed in ("<s>", "</s>", "<pad>", "<unk>", "[CLS]"):
        assert score(bundled, typed).tokens >= 3
    assert score(bundled, "good <s> day").tokens > score(bundled, "good s day").tokens


def test_the_special_pieces_themselves_cannot_be_typed(bundled: TextScorer) -> None:
    # Given the characters of the special pieces inside a text and inside its context
    plain, typed = bundled.score_batch(
        [
            TextInput(text="what a good day", context="we met"),
            TextInput(text="what\x02 a\x00 good\x03 day\x01", context="\x03we\x02 met\x00"),
        ]
    )
    # Then they are read as if they were not there
    assert typed.heads == plain.heads
    assert typed.tokens == plain.tokens


FRAGMENTS = st.sampled_from(
    [
        *("I am so happy", "not bad", "furious", "I cried", "太难过了", "气死我了", "开心", "the"),
        *(
            " ",
            "\n",
            "\u3000",
            "，",
            "!!!!!!",
            "哈哈哈哈哈",
            "sooooo",
            "&amp;",
            "&lt3",
            "&#128514;",
        ),
        *("@bob ", "https://t.co/x ", "😂", "❤\ufe0f", "\u200b", "\x02", "\ud83d", "\u202e", "<s>"),
        *("Ｈａｐｐｙ", "ﬁne", "e\u0301", "ｶﾞ", "㍿", "한국어", "скрипт", "[泪]", "#tag"),
    ]
)
HOSTILE = st.lists(FRAGMENTS | st.text(max_size=4), max_size=14).map("".join)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=HOSTILE, title=HOSTILE | st.just(""), hint=st.sampled_from(["en", "zh"]))
def test_spans_lie_inside_the_text_as_it_came(
    bundled: TextScorer, text: str, title: str, hint: str
) -> None:
    item = TextInput(text=text, title=title, context=text, lang_hint=hint)
    assert_spans(item, bundled.score_batch([item])[0])


@pytest.mark.parametrize(
    "text",
    [
        "\x00<s> @bob  I am ＳＯ &lt;3 ＨＡＰＰＹ!!!!!! 😂\ud83d https://t.co/x",
        "//@小凡:气死我了&amp;&amp;\u200b\u3000太让人愤怒了！！！！！！！[泪]",
        "\u202eI am heartbroken\u202c and so saaaaaaad\x07, cafe\u0301 closed </s>",
        "I am so sad, I cried. " + "\u3000\t" * 50 + "It is late. " * 8_000,
    ],
)
def test_a_clear_text_in_hostile_dress_has_spans(bundled: TextScorer, text: str) -> None:
    item = TextInput(text=text)
    scores = bundled.score_batch([item])[0]
    assert scores.emotion_spans
    assert_spans(item, scores)


def assert_spans(item: TextInput, scores: TextScores) -> None:
    """Check that spans are few, apart, inside their field, not empty, and for the emotion that was answered."""
    emotion = scores.heads[EMOTION]
    spans = scores.emotion_spans
    assert len(spans) <= MOST_SPANS
    if emotion.abstained or emotion.label == NEUTRAL:
        assert spans == ()
    for span in spans:
        field = item.title if span.in_title else item.text
        assert 0 <= span.start < span.end <= len(field)
        assert normalize_line(field[span.start : span.end])
        assert span.label == emotion.label
        assert 0 < span.weight <= 1
    ordered = sorted(spans, key=_place)
    assert all(
        _place(one)[:1] != _place(two)[:1] or one.end <= two.start for one, two in pairwise(ordered)
    )


def _place(span: Span) -> tuple[bool, int]:
    return span.in_title, span.start
