"""The bundled scorer: clear texts are read rightly, unclear ones abstained from, neighbours do not matter."""

import os
import time

import pytest

from contracts.errors import ModelInvalid
from models.forwarding import Limits
from models.protocols import TextInput, TextScorer, TextScores
from models.registry import Running, build_text_scorer
from tests.bench.bench_batching import CHINESE, ENGLISH, FAR, gaps, made_texts


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
    bundled: TextScorer, text: str, emotion: str, sentiment: str
) -> None:
    scores = score(bundled, text)
    assert (scores.heads["emotion"].label, scores.heads["sentiment"].label) == (emotion, sentiment)
    assert not scores.heads["emotion"].abstained


def test_valence_has_the_sign_of_the_sentiment(bundled: TextScorer) -> None:
    good, bad = score(bundled, "I love it, great work!"), score(bundled, "I hate it, awful work!")
    assert good.valence is not None
    assert bad.valence is not None
    assert bad.valence < 0 < good.valence


def test_headlines_have_their_topic(bundled: TextScorer) -> None:
    assert score(bundled, "皇马3-1逆转巴萨 C罗梅开二度").heads["topic"].label == "sport"
    assert (
        score(bundled, "央行下调存款准备金率 沪指高开收涨").heads["topic"].label
        == "economy_business_and_finance"
    )


@pytest.mark.parametrize(
    "text",
    ["je suis vraiment très content aujourd'hui", "今日はとても嬉しいです", "오늘 정말 행복해요"],
)
def test_another_language_is_answered_with_abstentions(bundled: TextScorer, text: str) -> None:
    scores = score(bundled, text)
    assert scores.lang == "other"
    assert all(head.abstained for head in scores.heads.values())
    assert scores.valence is None


def test_a_title_is_read_with_the_text(bundled: TextScorer) -> None:
    bare, titled = (
        score(bundled, "it was"),
        score(bundled, "it was", title="Terrible flight, so angry"),
    )
    assert titled.tokens > bare.tokens


def test_a_score_does_not_depend_on_the_batch(bundled: TextScorer) -> None:
    # Given texts of 1 to 200 words in two languages, some with a context
    # When they are scored alone and in shuffled batches
    found = gaps(bundled, made_texts(90, seed=5), sizes=(1, 7, 90), seed=5)
    # Then the scores agree
    assert found.within >= 0.999
    assert found.largest <= FAR
    assert found.labels == 0


def test_short_texts_are_scored_at_twenty_a_second_at_least(bundled: TextScorer) -> None:
    # One core does 400; a twentieth of it still fails a step that became slow for every text.
    texts = [TextInput(text=" ".join([*ENGLISH[at % 7 :], str(at)])) for at in range(100)]
    texts += [TextInput(text="".join(CHINESE[at % 7 : 20]) + str(at)) for at in range(100)]
    began = time.process_time()
    bundled.score_batch(texts)
    assert time.process_time() - began < 10


def test_one_process_tokenizes_on_one_core(bundled: TextScorer) -> None:
    assert bundled.score_batch([TextInput(text="hi")])
    assert os.environ["TOKENIZERS_PARALLELISM"] == "false"


def test_use_before_start_is_refused() -> None:
    with pytest.raises(ModelInvalid, match="before start"):
        build_text_scorer().score_batch([TextInput(text="hi")])


def test_the_budget_of_a_forward_pass_changes_no_score() -> None:
    # Given the bundled model with a small budget and a large one
    texts = [TextInput(text="so happy today " * length) for length in range(1, 30)]
    answers = []
    # When both score the same texts
    for budget in (64, 8192):
        scorer = build_text_scorer(running=Running(limits=Limits(budget)))
        scorer.start()
        answers.append(scorer.score_batch(texts))
        scorer.close()
    # Then they agree
    for one, other in zip(*answers, strict=True):
        for head in one.heads:
            assert one.heads[head].label == other.heads[head].label
            assert abs(one.heads[head].probability - other.heads[head].probability) < 1e-4
