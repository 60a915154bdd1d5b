"""The bundled scorer: clear texts are read rightly, unclear ones abstained from, neighbours do not matter."""

import os
import random
import time
from collections.abc import Iterator

import numpy as np
import pytest

from contracts.errors import ModelInvalid
from models.protocols import TextInput, TextScorer, TextScores
from models.registry import build_text_scorer

ENGLISH = "the a staff service queue delay phone battery match goal vote flood hospital love hate great awful".split()
CHINESE = list("今天服务很好非常生气手机电池比赛进球选举洪水医院喜欢讨厌难过开心价格便宜物流慢")


@pytest.fixture(scope="module")
def scorer() -> Iterator[TextScorer]:
    scorer = build_text_scorer()
    scorer.start()
    yield scorer
    scorer.close()


def score(scorer: TextScorer, text: str, **more: str) -> TextScores:
    return scorer.score_batch([TextInput(text=text, **more)])[0]


@pytest.mark.parametrize(
    ("text", "emotion", "sentiment"),
    [
        ("I am so happy, this is the best day of my life!", "joy", "positive"),
        ("Absolutely furious. Terrible service, I am so angry with you!", "anger", "negative"),
        ("I am heartbroken and so sad, I miss her and cry every night", "sadness", "negative"),
        ("今天太开心了，真的好喜欢，谢谢大家！", "joy", "positive"),
        ("气死我了，什么垃圾服务，太让人愤怒了！", "anger", "negative"),
        ("心里好难过，忍不住哭了", "sadness", "negative"),
    ],
)
def test_a_clear_text_is_read_rightly(
    scorer: TextScorer, text: str, emotion: str, sentiment: str
) -> None:
    scores = score(scorer, text)
    assert (scores.heads["emotion"].label, scores.heads["sentiment"].label) == (emotion, sentiment)
    assert not scores.heads["emotion"].abstained


def test_valence_has_the_sign_of_the_sentiment(scorer: TextScorer) -> None:
    good, bad = score(scorer, "I love it, great work!"), score(scorer, "I hate it, awful work!")
    assert good.valence is not None
    assert bad.valence is not None
    assert bad.valence < 0 < good.valence


def test_headlines_have_their_topic(scorer: TextScorer) -> None:
    assert score(scorer, "皇马3-1逆转巴萨 C罗梅开二度").heads["topic"].label == "sport"
    assert (
        score(scorer, "央行下调存款准备金率 沪指高开收涨").heads["topic"].label
        == "economy_business_and_finance"
    )


@pytest.mark.parametrize(
    "text",
    ["je suis vraiment très content aujourd'hui", "今日はとても嬉しいです", "오늘 정말 행복해요"],
)
def test_another_language_is_answered_with_abstentions(scorer: TextScorer, text: str) -> None:
    scores = score(scorer, text)
    assert scores.lang == "other"
    assert all(head.abstained for head in scores.heads.values())
    assert scores.valence is None


@pytest.mark.parametrize("text", ["", "   ", "\x00\x07\u200b", "\ud83d"])
def test_a_text_without_pieces_abstains_and_has_no_vector(scorer: TextScorer, text: str) -> None:
    scores = score(scorer, text, lang_hint="en")
    assert scores.lang == "en"
    assert (scores.tokens, scores.vector, scores.truncated) == (0, b"", False)
    assert all(head.abstained for head in scores.heads.values())


def test_an_emoji_alone_is_scored_where_the_source_names_the_language(scorer: TextScorer) -> None:
    assert score(scorer, "😡").lang == "other"
    assert score(scorer, "😡", lang_hint="zh").lang == "zh"


@pytest.mark.parametrize(
    "text",
    ["a" * 100_000, "word " * 20_000, "好" * 100_000, "天气不错，" * 20_000, " " * 100_000 + "x"],
)
def test_a_text_of_a_hundred_thousand_characters_is_read_in_part(
    scorer: TextScorer, text: str
) -> None:
    scores = score(scorer, text)
    assert scores.truncated
    assert scores.tokens <= 256


def test_special_words_typed_by_a_user_are_ordinary(scorer: TextScorer) -> None:
    # Given the names of special pieces in a text, then they are several pieces each, not one
    for typed in ("<s>", "</s>", "<pad>", "<unk>"):
        assert score(scorer, typed).tokens >= 3
    assert score(scorer, "good <s> day").tokens > score(scorer, "good s day").tokens


def test_a_title_is_read_with_the_text(scorer: TextScorer) -> None:
    bare, titled = (
        score(scorer, "it was"),
        score(scorer, "it was", title="Terrible flight, so angry"),
    )
    assert titled.tokens > bare.tokens


def test_a_score_does_not_depend_on_the_batch(scorer: TextScorer) -> None:
    # Given 1,500 generated texts of 1 to 300 words in two languages
    generator = random.Random(5)
    texts = [
        (" " if words is ENGLISH else "").join(
            generator.choices(words, k=int(generator.paretovariate(0.7)) % 300 + 1)
        )
        for words in (ENGLISH, CHINESE)
        for _ in range(750)
    ]
    # When they are scored alone and in four shuffled batchings
    alone = flat(batched(scorer, texts, order=range(len(texts)), size=1))
    for size in (5, 64, 400, len(texts)):
        order = generator.sample(range(len(texts)), len(texts))
        gap = np.abs(flat(batched(scorer, texts, order=order, size=size)) - alone)
        # Then 99.9 % of probabilities agree within 1e-5 and all within 5e-3
        assert (gap <= 1.0001e-5).mean() >= 0.999
        assert gap.max() <= 5e-3


def batched(
    scorer: TextScorer, texts: list[str], *, order: range | list[int], size: int
) -> list[TextScores]:
    answers: dict[int, TextScores] = {}
    for first in range(0, len(texts), size):
        part = order[first : first + size]
        answers.update(
            zip(part, scorer.score_batch([TextInput(text=texts[i]) for i in part]), strict=True)
        )
    return [answers[i] for i in range(len(texts))]


def flat(scores: list[TextScores]) -> np.ndarray:
    return np.array(
        [
            [p for head in s.heads.values() for p in (head.probabilities or {}).values()]
            for s in scores
        ]
    )


def test_a_thousand_short_texts_take_well_under_a_second(scorer: TextScorer) -> None:
    # The aim is 8,000 a second on one core; an eighth of it still fails a step that became slow for every text.
    texts = [TextInput(text=" ".join([*ENGLISH[i % 7 :], str(i)])) for i in range(500)]
    texts += [TextInput(text="".join(CHINESE[i % 7 : 20]) + str(i)) for i in range(500)]
    began = time.process_time()
    scorer.score_batch(texts)
    assert time.process_time() - began < 1


def test_one_process_tokenizes_on_one_core(scorer: TextScorer) -> None:
    assert scorer.score_batch([TextInput(text="hi")])
    assert os.environ["TOKENIZERS_PARALLELISM"] == "false"


def test_use_before_start_is_refused() -> None:
    with pytest.raises(ModelInvalid, match="before start"):
        build_text_scorer().score_batch([TextInput(text="hi")])


def test_the_budget_of_a_forward_pass_changes_no_score() -> None:
    # Given the bundled model with a small budget and a large one
    small, large = (build_text_scorer(batch_tokens=budget) for budget in (64, 8192))
    texts = [TextInput(text="so happy today " * length) for length in range(1, 30)]
    # When both score the same texts
    for scorer in (small, large):
        scorer.start()
    answers = [scorer.score_batch(texts) for scorer in (small, large)]
    # Then they agree
    for one, other in zip(*answers, strict=True):
        for head in one.heads:
            assert one.heads[head].label == other.heads[head].label
            assert abs(one.heads[head].probability - other.heads[head].probability) < 1e-4
