"""What came before a text changes its answer, pieces are framed as the manifest says, further heads read the pass."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer

from models.batching import pad_batch
from models.calibration import softmax
from models.engines.ort import OrtEngine
from models.features.text import clean_text, context_line
from models.heads.encoding import Listener
from models.protocols import EngineOutput, HeadInputs, TextInput, TextScorer, TextScores
from models.registry import build_text_scorer, locate_model, open_model
from models.scoring import FRAME, InstalledModel, packed_vectors

AMBIGUOUS = "I can't believe it"
SAD = "I just lost my job and my dog died."
GLAD = "I won the lottery, best day ever!"
NOTHING = ("", "   \n", "\x00\u200b\ud83d")


@pytest.fixture(scope="module")
def model() -> InstalledModel:
    return open_model(locate_model("bundled"))


@pytest.fixture(scope="module")
def tokenizer(model: InstalledModel) -> Any:
    path = model.folder / model.manifest.tokenizer
    return Tokenizer.from_str(path.read_text(encoding="utf-8"))


def answers(scorer: TextScorer, text: str, contexts: Sequence[str]) -> list[TextScores]:
    return scorer.score_batch([TextInput(text=text, context=context) for context in contexts])


def pieces_of(tokenizer: Any, line: str) -> list[int]:
    ids: list[int] = tokenizer.encode(line, add_special_tokens=False).ids
    return ids


def test_the_same_text_is_another_answer_after_another_context(bundled: TextScorer) -> None:
    # Given one text after bad news, after good news and after nothing
    sad, glad, bare = answers(bundled, AMBIGUOUS, [SAD, GLAD, ""])
    # Then its sentiment follows what came before
    assert sad.valence is not None
    assert glad.valence is not None
    assert sad.valence < -0.2 < 0.2 < glad.valence
    assert sad.heads != bare.heads != glad.heads
    # And what is said of the text alone stays
    assert sad.tokens == glad.tokens == bare.tokens
    assert sad.lang == glad.lang == bare.lang == "en"
    assert not sad.truncated


def test_a_context_in_chinese_counts_too(bundled: TextScorer) -> None:
    bad, good = answers(
        bundled, "真没想到", ["我被公司裁员了，太难受了。", "我中大奖了，太开心了！"]
    )
    assert bad.heads["sentiment"].probabilities is not None
    assert good.heads["sentiment"].probabilities is not None
    for label, is_more in (("positive", True), ("negative", False)):
        gap = (
            good.heads["sentiment"].probabilities[label]
            - bad.heads["sentiment"].probabilities[label]
        )
        assert (gap > 0.1) if is_more else (gap < -0.1)


def test_a_context_without_any_piece_is_none(bundled: TextScorer) -> None:
    first, *others = answers(bundled, AMBIGUOUS, NOTHING)
    assert others == [first] * len(others)


def test_a_context_does_not_make_a_text(bundled: TextScorer) -> None:
    for scores in answers(bundled, "", [SAD, "a" * 100_000]):
        assert (scores.tokens, scores.vector, scores.emotion_spans) == (0, b"", ())
        assert all(head.abstained for head in scores.heads.values())


def test_only_the_last_pieces_of_a_context_count(
    bundled: TextScorer, model: InstalledModel, tokenizer: Any
) -> None:
    # Given an end that is longer than the most pieces of a context, in fewer than its characters
    end = " ".join(f"we met again on day {number}" for number in range(12))
    limit = model.manifest.text.context_limit - FRAME
    assert len(pieces_of(tokenizer, context_line(end))) > limit
    # When different things were said before it, or after it
    plain, sad, long, glad_last = answers(
        bundled, AMBIGUOUS, [end, f"{SAD} {end}", SAD * 3_000 + end, f"{end} {GLAD}"]
    )
    # Then only what came last counts
    assert plain == sad == long
    assert glad_last.heads != plain.heads


def test_no_span_lies_in_the_context(bundled: TextScorer) -> None:
    (scores,) = answers(bundled, "so sad", ["I am heartbroken, I cried all night and felt awful"])
    assert all(span.end <= len("so sad") for span in scores.emotion_spans)


@pytest.mark.parametrize(
    ("text", "context"),
    [
        ("I love it, thank you!", ""),
        (AMBIGUOUS, SAD),
        ("真没想到", "我被公司裁员了，太难受了。"),
        ("so happy today " * 200, "it rained again " * 30),
    ],
)
def test_pieces_are_framed_as_the_manifest_says(
    bundled: TextScorer, model: InstalledModel, tokenizer: Any, *, text: str, context: str
) -> None:
    # Given a text's pieces, framed by hand: begin, text, end, and for a context end, context, end
    settings = model.manifest.text
    line = clean_text(TextInput(text=text), token_limit=settings.token_limit - FRAME).text
    pieces = pieces_of(tokenizer, line)[: settings.token_limit - FRAME]
    row = [settings.begin_id, *pieces, settings.end_id]
    if context:
        before = pieces_of(tokenizer, context_line(context))[-(settings.context_limit - FRAME) :]
        row += [settings.end_id, *before, settings.end_id]
    assert len(row) <= settings.token_limit + settings.context_limit
    # When the network reads them, and its logits are calibrated
    output = run_alone(model, row)
    # Then the scorer says the same
    (scores,) = answers(bundled, text, [context])
    assert scores.tokens == len(pieces)
    assert scores.vector == packed_vectors(output.embedding)[0]
    for head, by_language in model.manifest.calibration.items():
        if scores.lang in by_language:
            expected = softmax(output.logits[head] / by_language[scores.lang].temperature)[0]
            found = scores.heads[head].probabilities or {}
            assert list(found.values()) == pytest.approx(expected.tolist(), abs=2e-6)
            assert scores.heads[head].abstained == (
                expected.max() < by_language[scores.lang].threshold
            )


def run_alone(model: InstalledModel, row: list[int]) -> EngineOutput:
    engine = OrtEngine(model.folder / model.manifest.network, model.manifest.labels)
    engine.start()
    output = engine.run(pad_batch([row], len(row), pad_id=model.manifest.text.pad_id))
    engine.close()
    return output


def test_a_further_head_reads_the_pooled_vectors_in_the_order_of_the_texts(
    model: InstalledModel,
) -> None:
    # Given a further head that keeps what it is given
    texts = [TextInput(text="rain " * size, context=GLAD[:size]) for size in (9, 0, 40, 1)]
    together = heard([texts])[0]
    # Then it gets a row a text, of the widths of the network
    output = run_alone(model, [model.manifest.text.begin_id, model.manifest.text.end_id])
    assert output.pooled is not None
    assert together.pooled.shape == (4, output.pooled.shape[1])
    assert together.embedding.shape == (4, model.manifest.vector_width)
    assert (together.inputs, together.langs) == (texts, ["en", "other", "en", "en"])
    assert [len(line.split()) for line in together.lines] == [9, 0, 40, 1]
    # And each row is what it is for the text alone
    for at, alone in enumerate(heard([[text] for text in texts])):
        assert np.allclose(alone.pooled[0], together.pooled[at], atol=1e-5)
        assert np.allclose(alone.embedding[0], together.embedding[at], atol=1e-5)


def heard(batches: Sequence[list[TextInput]]) -> list[HeadInputs]:
    listener = Listener()
    scorer = build_text_scorer("bundled", heads=(listener,))
    scorer.start()
    for batch in batches:
        scorer.score_batch(batch)
    scorer.close()
    return listener.heard
