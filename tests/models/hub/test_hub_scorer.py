"""A hub model alone scores texts: its head under a fitting name, its pooled states as the vector."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contracts.errors import ModelInvalid
from contracts.hub_models import HubModel
from contracts.telemetry import REGISTRY
from models.hub.head import build_hub_head
from models.hub.scorer import HubScorer, build_hub_scorer
from models.hub.source import HubSource
from models.protocols import TextInput, TextScorer
from tests.models.hub.saving import SENTENCES, WIDTH, save_tiny

pytest.importorskip("transformers")
TEXTS = [TextInput(text=text) for text in SENTENCES]


def scorer(folder: Path, *, head: str | None = None, **settings: Any) -> HubScorer:
    made = build_hub_scorer(
        HubSource(HubModel(model=str(folder), **settings), home=folder), head=head
    )
    assert isinstance(made, TextScorer)
    return made


def test_labels_of_the_emotion_head_make_it_the_emotion_head(tmp_path: Path) -> None:
    scoring = scorer(save_tiny(tmp_path / "mood"))
    scoring.start()
    scores = scoring.score_batch(TEXTS)
    assert scoring.labels == {"emotion": ("anger", "fear", "joy", "sadness")}
    assert [score.lang for score in scores] == ["en", "en", "en", "zh", "en"]
    assert all(len(score.vector) == scoring.vector_width == WIDTH for score in scores)
    assert scoring.engine == "pytorch"
    scoring.close()


def test_labels_of_the_sentiment_head_give_a_valence(tmp_path: Path) -> None:
    folder = save_tiny(tmp_path / "roberta", "roberta", labels=("LABEL_0", "LABEL_1", "LABEL_2"))
    labels = {"LABEL_0": "negative", "LABEL_1": "neutral", "LABEL_2": "positive"}
    scoring = scorer(folder, labels=labels)
    scoring.start()
    (score, *_) = scoring.score_batch(TEXTS)
    told = score.heads["sentiment"].probabilities
    assert told is not None
    assert score.valence == pytest.approx(told["positive"] - told["negative"], abs=1e-6)
    scoring.close()


def test_another_name_may_be_given(tmp_path: Path) -> None:
    assert set(scorer(save_tiny(tmp_path / "Mood 1"), head="mine").labels) == {"mine"}


def test_an_encoder_has_no_head_and_the_mean_of_its_states_as_vector(tmp_path: Path) -> None:
    from transformers import AutoModel, AutoTokenizer

    folder = save_tiny(tmp_path / "encoder", labels=None)
    scoring = scorer(folder)
    scoring.start()
    (score,) = scoring.score_batch(TEXTS[-1:])
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)
    mean = model.eval()(**tokenizer(SENTENCES[-1], return_tensors="pt")).last_hidden_state.mean(1)
    unit = mean[0].detach().numpy() / np.linalg.norm(mean[0].detach().numpy())
    assert (scoring.labels, score.heads, score.valence) == ({}, {}, None)
    assert np.abs(np.frombuffer(score.vector, np.int8) - 127 * unit).max() <= 0.51
    scoring.close()


def test_a_classifier_and_its_encoder_have_the_same_vector(tmp_path: Path) -> None:
    from transformers import AutoModelForSequenceClassification

    folder = save_tiny(tmp_path / "mood", "distilbert")
    classifier = scorer(folder)
    classifier.start()
    AutoModelForSequenceClassification.from_pretrained(folder).distilbert.save_pretrained(folder)
    encoder = scorer(folder)
    encoder.start()
    assert [s.vector for s in classifier.score_batch(TEXTS)] == [
        s.vector for s in encoder.score_batch(TEXTS)
    ]
    classifier.close()
    encoder.close()


def test_texts_beyond_the_models_own_limit_are_cut_and_say_so(tmp_path: Path) -> None:
    for kind, limit in (("bert", 40), ("roberta", 38)):
        scoring = scorer(save_tiny(tmp_path / kind, kind))
        scoring.start()
        short, long, empty = scoring.score_batch(
            [TextInput(text=text) for text in ("happy", "so happy " * 60, "")]
        )
        assert (short.truncated, long.truncated, long.tokens) == (False, True, limit - 2)
        assert (empty.tokens, empty.vector, empty.truncated) == (0, b"", False)
        assert all(score.abstained for score in empty.heads.values())
        scoring.close()


def test_further_heads_answer_beside_it_and_are_part_of_its_version(tmp_path: Path) -> None:
    source = HubSource(HubModel(model=str(save_tiny(tmp_path / "mood"))), home=tmp_path)
    plain = build_hub_scorer(source)
    scoring = build_hub_scorer(source, further=[build_hub_head("second", source)])
    scoring.start()
    (score, *_) = scoring.score_batch(TEXTS)
    assert set(score.heads) == set(scoring.labels) == {"emotion", "second"}
    assert score.heads["second"] == score.heads["emotion"]
    assert scoring.model_version != plain.model_version
    scoring.close()


def test_the_first_piece_is_the_vector_where_the_encoder_says_so(tmp_path: Path) -> None:
    folder = save_tiny(tmp_path / "encoder", labels=None)
    by_mean = scorer(folder)
    by_mean.start()
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')
    by_first = scorer(folder)
    by_first.start()
    assert by_mean.score_batch(TEXTS)[0].vector != by_first.score_batch(TEXTS)[0].vector
    by_mean.close()
    by_first.close()


def test_a_sentiment_head_without_poles_is_refused(tmp_path: Path) -> None:
    folder = save_tiny(tmp_path / "mood")
    with pytest.raises(ModelInvalid, match="it needs negative and positive"):
        scorer(folder, head="sentiment")


def test_every_text_that_it_reads_is_counted(tmp_path: Path) -> None:
    scoring = scorer(save_tiny(tmp_path / "mood"))
    scoring.start()
    name, outcome = "hubbub_score_cached_texts_total", {"outcome": "miss"}
    before = REGISTRY.get_sample_value(name, outcome) or 0.0
    scoring.score_batch(TEXTS)
    scoring.close()
    assert (REGISTRY.get_sample_value(name, outcome) or 0.0) - before == len(TEXTS)
