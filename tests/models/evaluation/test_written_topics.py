"""The sentences written for topics: twelve of each, and the bundled model's English topics as they do on them."""

from collections import Counter

import numpy as np
import pytest

from models.evaluation.written_topics import (
    HEAD,
    choose,
    figures_of,
    read_sentences,
    topic_logits,
)
from models.manifest import LanguageCalibration
from models.protocols import TextInput, TextScorer
from models.registry import locate_model, open_model


def test_every_topic_has_twelve_sentences_and_no_two_are_alike(bundled: TextScorer) -> None:
    sentences = read_sentences()
    assert Counter(each.label for each in sentences) == dict.fromkeys(bundled.labels[HEAD], 12)
    words = [frozenset(each.text.lower().split()) for each in sentences]
    for at, mine in enumerate(words):
        assert all(len(mine & other) < 0.5 * len(mine | other) for other in words[:at])


def test_the_halves_are_of_about_one_size_and_both_know_every_topic() -> None:
    sentences = read_sentences()
    for chooses in (True, False):
        half = [each for each in sentences if each.is_for_choosing == chooses]
        assert 0.4 * len(sentences) < len(half)
        assert len({each.label for each in half}) == 17


def test_a_sure_and_wrong_head_is_cooled_and_silenced() -> None:
    # Given logits of which half are wrong, and those a little less sure
    true = np.zeros(200, np.int64)
    logits = np.zeros((200, 3), np.float32)
    logits[:100, 0], logits[100:, 1] = np.linspace(10, 9, 100), np.linspace(9, 8, 100)
    # When temperature and floor are chosen
    chosen = choose(logits, true)
    # Then nothing is sure any more, and what is answered is right
    assert chosen.temperature == pytest.approx(4.0, rel=0.02)
    figures = figures_of(logits, true, calibration=chosen)
    assert figures.answered_accuracy >= 0.85
    assert figures.answered < 0.6


def test_a_head_that_is_too_modest_is_not_made_surer() -> None:
    logits = np.tile(np.array([[0.5, 0.0]], np.float32), (20, 1))
    assert choose(logits, np.zeros(20, np.int64)).temperature == 1.0


def test_of_no_answer_the_figures_are_zero() -> None:
    never = LanguageCalibration(temperature=1.0, threshold=2.0)
    figures = figures_of(np.zeros((4, 2), np.float32), np.zeros(4, np.int64), calibration=never)
    assert (figures.answered, figures.answered_accuracy) == (0.0, 0.0)


def test_the_bundled_model_carries_what_is_chosen_on_the_first_half() -> None:
    # Given the half of our sentences that is for choosing
    installed = open_model(locate_model("bundled"))
    sentences = [each for each in read_sentences() if each.is_for_choosing]
    labels = installed.manifest.labels[HEAD]
    true = np.array([labels.index(each.label) for each in sentences])
    # When the numbers are chosen anew
    chosen = choose(topic_logits(installed, sentences), true)
    # Then the manifest has them; other processors count int8 a little differently
    carried = installed.manifest.calibration[HEAD]["en"]
    assert carried.temperature == pytest.approx(chosen.temperature, rel=0.05)
    assert carried.threshold == pytest.approx(chosen.threshold, abs=0.03)


def test_english_topics_that_are_answered_are_mostly_right_on_the_other_half(
    bundled: TextScorer,
) -> None:
    judged = [each for each in read_sentences() if not each.is_for_choosing]
    answers = bundled.score_batch([TextInput(text=each.text) for each in judged])
    scores = [answer.heads[HEAD] for answer in answers]
    is_right = [
        score.label == each.label
        for score, each in zip(scores, judged, strict=True)
        if not score.abstained
    ]
    assert len(is_right) > 0.2 * len(judged)
    assert sum(is_right) > 0.75 * len(is_right)
