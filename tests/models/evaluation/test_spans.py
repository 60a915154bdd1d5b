"""Spans are judged by what happens without them."""

from collections.abc import Mapping, Sequence

import pytest

from contracts.errors import InvalidInput
from contracts.scores import HeadScore, Span
from models.evaluation.spans import judge_spans, other_runs
from models.protocols import TextInput, TextScores

TEXTS = ["we had a dreadful train today", "what a dreadful dreadful day it was", "nothing here"]


class WordScorer:
    """Score texts by one word: each `dreadful` makes anger likelier; the span is the word `points_at`."""

    model_name, model_version, engine, vector_width = "words", "1", "none", 0

    def __init__(self, points_at: str) -> None:
        self._points_at = points_at

    @property
    def labels(self) -> Mapping[str, tuple[str, ...]]:
        return {"emotion": ("anger", "neutral")}

    def start(self) -> None:
        """Load nothing."""

    def close(self) -> None:
        """Free nothing."""

    def score_batch(self, texts: Sequence[TextInput]) -> list[TextScores]:
        return [self._score(item.text) for item in texts]

    def _score(self, text: str) -> TextScores:
        anger = min(0.9, 0.2 + 0.3 * text.count("dreadful"))
        answer = HeadScore("anger", anger, probabilities={"anger": anger, "neutral": 1 - anger})
        at = text.find(self._points_at)
        spans = (Span(at, at + len(self._points_at), "anger", 1.0),) if at >= 0 else ()
        return TextScores("en", 1.0, {"emotion": answer}, emotion_spans=spans)


def test_a_span_that_carries_the_label_moves_it_more_than_others() -> None:
    verdict = judge_spans(WordScorer("dreadful"), TEXTS)
    assert (verdict.texts, verdict.with_spans, verdict.judged) == (3, 2, 2)
    # In the second text the other `dreadful` ties once among the six other words
    assert verdict.moves_more == pytest.approx((1 + (5 + 0.5) / 6) / 2, abs=1e-4)
    assert verdict.lowers == 1.0
    assert verdict.words == 1.0


def test_a_span_of_idle_words_ties_at_a_half_or_loses() -> None:
    verdict = judge_spans(WordScorer("train"), TEXTS)
    assert verdict.judged == 1
    assert verdict.moves_more == pytest.approx((4 * 0.5 + 0) / 5)
    assert verdict.lowers == 0.0


def test_texts_without_spans_cannot_be_judged() -> None:
    with pytest.raises(InvalidInput, match="none of 1 texts has a span"):
        judge_spans(WordScorer("absent"), ["nothing at all"])


def test_other_runs_have_as_many_words_and_do_not_touch_the_span() -> None:
    words = [(0, 1), (2, 3), (4, 5), (6, 7), (8, 9)]
    assert other_runs(words, Span(4, 7, "anger", 1.0)) == [(0, 3)]
    assert other_runs(words[:2], Span(0, 3, "anger", 1.0)) == []


def test_the_same_seed_draws_the_same_runs() -> None:
    scorer = WordScorer("dreadful")
    assert judge_spans(scorer, TEXTS, others=2) == judge_spans(scorer, TEXTS, others=2)
