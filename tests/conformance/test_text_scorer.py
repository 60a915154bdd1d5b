"""What every `TextScorer` keeps, whichever it is: order, length, shapes, any text, the same answer again."""

import math
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.forwarding import Limits
from models.protocols import TextInput, TextScorer, TextScores
from models.registry import BUNDLED, IDENTITY, Running, build_text_scorer
from tests.models.hub.saving import save_tiny

TEXTS = [
    "I am so happy today!",
    "",
    "今天太生气了，服务差得要命",
    "😡",
    "a" * 100_000,
    "\x00\x01\x1b[31m\ud83d\u200b",
    "<s> </s> <pad> <unk> [CLS]",
    "混合 mixed скрипт テキスト 한국어",
    "je suis vraiment très content aujourd'hui",
    "   \n\t ",
]


REMEMBERING = "remembering"
HUB_KINDS = ["hub bert", "hub roberta", "hub encoder"]


@pytest.fixture(scope="module", params=[BUNDLED, REMEMBERING, IDENTITY, *HUB_KINDS])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the name of each implementation's model; those of the hub are tiny ones that are saved here."""
    if request.param not in HUB_KINDS:
        return str(request.param)
    pytest.importorskip("transformers")
    kind = request.param.removeprefix("hub ")
    folder = tmp_path_factory.mktemp("hub") / kind
    if kind == "encoder":
        return f"hub:{save_tiny(folder, labels=None)}"
    return f"hub:{save_tiny(folder, kind)}"


def built(model: str) -> TextScorer:
    if model == REMEMBERING:
        return build_text_scorer(BUNDLED, running=Running(limits=Limits(cache_texts=8)))
    return build_text_scorer(model)


@pytest.fixture(scope="module")
def scorer(model: str) -> Iterator[TextScorer]:
    scorer = built(model)
    scorer.start()
    yield scorer
    scorer.close()


def test_it_is_a_text_scorer_with_a_name_and_a_version(scorer: TextScorer) -> None:
    assert isinstance(scorer, TextScorer)
    assert scorer.model_name
    assert scorer.model_version
    assert scorer.engine


def test_one_answer_for_each_text_in_order(scorer: TextScorer) -> None:
    # Given texts scored alone, when they are scored together, then each place holds the same text's answer
    alone = [scorer.score_batch([TextInput(text=text)])[0] for text in TEXTS]
    together = scorer.score_batch([TextInput(text=text) for text in TEXTS])
    assert [s.lang for s in together] == [s.lang for s in alone]
    assert [s.tokens for s in together] == [s.tokens for s in alone]
    # And every probability is the same but for rounding, with one more step for what is written down
    gaps = [
        abs(p - q) for one, two in zip(alone, together, strict=True) for p, q in _pairs(one, two)
    ]
    assert all(gap <= 5e-3 for gap in gaps)
    assert sum(gap <= 1.1e-5 for gap in gaps) >= 0.999 * len(gaps)


def _pairs(one: TextScores, two: TextScores) -> list[tuple[float, float]]:
    return [
        (probability, (two.heads[head].probabilities or {})[label])
        for head, score in one.heads.items()
        for label, probability in (score.probabilities or {}).items()
    ]


def test_no_texts_have_no_answers(scorer: TextScorer) -> None:
    assert scorer.score_batch([]) == []


def test_every_answer_has_every_head_with_probabilities_that_add_up(scorer: TextScorer) -> None:
    for scores in scorer.score_batch([TextInput(text=text) for text in TEXTS]):
        assert set(scores.heads) == set(scorer.labels)
        for head, score in scores.heads.items():
            assert score.probabilities is not None
            assert tuple(score.probabilities) == scorer.labels[head]
            assert math.isclose(sum(score.probabilities.values()), 1, abs_tol=1e-4)
            assert (
                score.probability
                == score.probabilities[score.label]
                == max(score.probabilities.values())
            )


def test_every_vector_is_a_unit_in_int8_or_empty(scorer: TextScorer) -> None:
    for scores in scorer.score_batch([TextInput(text=text) for text in TEXTS]):
        assert len(scores.vector) in {0, scorer.vector_width}
        if scores.vector:
            length = math.dist(
                [byte - 256 if byte > 127 else byte for byte in scores.vector],
                [0] * len(scores.vector),
            )
            assert 120 < length < 134


def test_language_and_valence_are_in_range(scorer: TextScorer) -> None:
    for scores in scorer.score_batch([TextInput(text=text) for text in TEXTS]):
        assert scores.lang in {"en", "zh", "other"}
        assert 0 <= scores.lang_probability <= 1
        assert scores.valence is None or -1 <= scores.valence <= 1


def test_the_same_texts_give_the_same_answers_again(scorer: TextScorer) -> None:
    inputs = [TextInput(text=text) for text in TEXTS]
    assert scorer.score_batch(inputs) == scorer.score_batch(inputs)


def test_every_span_lies_inside_its_text(scorer: TextScorer) -> None:
    inputs = [TextInput(text=text, title=text[:7] + "!", context=text) for text in TEXTS]
    for item, scores in zip(inputs, scorer.score_batch(inputs), strict=True):
        for span in scores.emotion_spans:
            assert 0 <= span.start < span.end <= len(item.title if span.in_title else item.text)


@settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    text=st.text(alphabet=st.characters(), max_size=300),
    hint=st.sampled_from([None, "en", "zh", "xx"]),
)
def test_any_string_has_an_answer(scorer: TextScorer, text: str, hint: str | None) -> None:
    (scores,) = scorer.score_batch(
        [TextInput(text=text, title=text[:5], context=text, lang_hint=hint)]
    )
    assert scores.tokens >= 0
    assert set(scores.heads) == set(scorer.labels)


def test_closing_twice_is_closing_once(model: str) -> None:
    other = built(model)
    other.start()
    other.close()
    other.close()
    # Then it may begin again, and answers as before
    other.start()
    assert len(other.score_batch([TextInput(text="again")])) == 1
    other.close()
