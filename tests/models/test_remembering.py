"""A text asked for again is answered from memory, as it was; nothing else is."""

from collections.abc import Sequence

import msgspec
import pytest

from contracts.errors import ModelInvalid
from contracts.scores import HeadScore, Span
from contracts.telemetry import REGISTRY
from models.forwarding import Limits
from models.identity import IdentityScorer
from models.protocols import TextInput, TextScores
from models.registry import Running, build_text_scorer
from models.remembering import RememberingScorer, key_of_text

ONE, TWO, THREE = (TextInput(text=text) for text in ("one", "two", "three"))


class CountingScorer(IdentityScorer):
    """Note which texts were read; an answer says how many characters its text has."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []
        self.label = "first"
        self.changes_after = -1

    @property
    def engine(self) -> str:
        return self.label

    def score_batch(self, texts: Sequence[TextInput]) -> list[TextScores]:
        self.read += [text.text for text in texts]
        answers = [
            TextScores(
                "en", 0.5, {"kind": HeadScore(self.label, 1 / 3, False, {"a": 1 / 3, "b": 2 / 3})},
                vector=bytes(range(256)) * 7, tokens=len(text.text),
                emotion_spans=(Span(0, 1, "a", 0.7),),
            )
            for text in texts
        ]  # fmt: skip
        if len(self.read) >= self.changes_after >= 0:
            self.label = "second"
        return answers


def test_answers_stand_in_order_and_each_text_is_read_once() -> None:
    # Given a batch with a text twice, and another later with two of its texts
    scorer = CountingScorer()
    remembering = RememberingScorer(scorer, 10)
    first = remembering.score_batch([ONE, THREE, ONE])
    again = remembering.score_batch([THREE, TWO, ONE])
    # Then each was read once, and what is remembered is what was said, to the last digit
    assert scorer.read == ["one", "three", "two"]
    assert [answer.tokens for answer in first] == [3, 5, 3]
    assert [answer.tokens for answer in again] == [5, 3, 3]
    assert again[0] == first[1]


@pytest.mark.parametrize(
    "other",
    [
        TextInput(text="one "),
        TextInput(text="one", context="two"),
        TextInput(text="", context="one"),
        TextInput(text="one", title="two"),
        TextInput(text="one", lang_hint="zh"),
        TextInput(text="on", title="e"),
    ],
    ids=lambda other: repr(other),
)
def test_a_text_is_known_by_all_that_its_answer_may_depend_on(other: TextInput) -> None:
    assert key_of_text(other) != key_of_text(ONE)


def test_a_lone_surrogate_is_a_text_like_any_other() -> None:
    assert key_of_text(TextInput(text="\ud83d")) != key_of_text(TextInput(text="\ud83e"))


def test_the_text_not_asked_for_longest_is_forgotten() -> None:
    scorer = CountingScorer()
    remembering = RememberingScorer(scorer, 2)
    for text in (ONE, TWO, ONE, THREE, ONE, TWO):
        remembering.score_batch([text])
    assert scorer.read == ["one", "two", "three", "two"]


def test_answers_of_many_labels_take_more_of_the_room() -> None:
    # Given room for two usual answers, and texts whose answers take as much as one and a half
    class Wordy(CountingScorer):
        def score_batch(self, texts: Sequence[TextInput]) -> list[TextScores]:
            answers = super().score_batch(texts)
            return [msgspec.structs.replace(answer, vector=bytes(3000)) for answer in answers]

    scorer = Wordy()
    remembering = RememberingScorer(scorer, 2)
    for text in (ONE, TWO, TWO, ONE):
        remembering.score_batch([text])
    # Then one of them is remembered at a time
    assert scorer.read == ["one", "two", "one"]


def test_a_scorer_that_leaves_texts_out_is_refused() -> None:
    class Short(CountingScorer):
        def score_batch(self, texts: Sequence[TextInput]) -> list[TextScores]:
            return super().score_batch(texts)[1:]

    with pytest.raises(ModelInvalid, match="2 texts were to be scored, 1 answers came back"):
        RememberingScorer(Short(), 10).score_batch([ONE, TWO])


def test_what_one_engine_said_is_forgotten_with_it() -> None:
    scorer = CountingScorer()
    remembering = RememberingScorer(scorer, 10)
    remembering.score_batch([ONE])
    scorer.label = "second"
    assert remembering.score_batch([ONE])[0].heads["kind"].label == "second"


def test_a_batch_is_of_one_engine_though_it_changes_in_the_middle() -> None:
    # Given a text that the first engine has answered
    scorer = CountingScorer()
    remembering = RememberingScorer(scorer, 10)
    remembering.score_batch([ONE])
    # When the engine changes while the other text of a batch is read
    scorer.changes_after = 2
    before = counted()
    labels = [answer.heads["kind"].label for answer in remembering.score_batch([ONE, TWO])]
    # Then both are of the second, and the try that gave no answers is not counted
    assert labels == ["second", "second"]
    assert [after - before for after, before in zip(counted(), before, strict=True)] == [0, 0]


def counted() -> list[float]:
    """Return how many texts were answered from memory and from their own batch."""
    name = "hubbub_score_cached_texts_total"
    values = (REGISTRY.get_sample_value(name, {"outcome": one}) for one in ("hit", "same_batch"))
    return [value or 0.0 for value in values]


def test_texts_are_counted_once_however_they_were_answered() -> None:
    remembering = RememberingScorer(CountingScorer(), 10)
    before = counted()
    remembering.score_batch([ONE, TWO, ONE])
    remembering.score_batch([ONE, ONE, THREE])
    assert [after - before for after, before in zip(counted(), before, strict=True)] == [2, 1]


@pytest.mark.parametrize("texts", [0, 50])
def test_the_setting_decides_whether_the_stage_s_scorer_remembers(texts: int) -> None:
    # Given the shipped scorer as the stage builds it
    scorer = build_text_scorer(running=Running(limits=Limits(cache_texts=texts)))
    assert isinstance(scorer, RememberingScorer) == (texts > 0)
    scorer.start()
    # When a text comes twice, alone and among others
    text = TextInput(text="So glad that the trains run again!", context="They stood for days.")
    (first,) = scorer.score_batch([text])
    again = scorer.score_batch([TextInput(text="other"), text, text])
    scorer.close()
    # Then it is answered alike
    assert again[1] == again[2]
    assert again[1].heads["emotion"].label == first.heads["emotion"].label
    assert abs(again[1].heads["emotion"].probability - first.heads["emotion"].probability) < 1e-5
    assert again[1].emotion_spans == first.emotion_spans
