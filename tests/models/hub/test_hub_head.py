"""A classifier of the hub answers beside the encoder: its labels as ours, the same alone and in a batch."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contracts.errors import ModelInvalid
from contracts.hub_models import HubModel
from contracts.scores import HeadScore
from models.hub.head import HubHead, build_hub_head
from models.hub.source import HubSource
from models.protocols import HeadInputs, Lang, TextHead, TextInput
from tests.models.hub.saving import MOODS, SENTENCES, save_tiny

pytest.importorskip("transformers")

KINDS = ["bert", "roberta", "distilbert", "gpt2", "t5", "fnet"]
NO_VECTORS = np.zeros((0, 0), np.float32)


def head(folder: Path, **settings: Any) -> HubHead:
    model = HubModel(model=str(folder), **settings)
    return build_hub_head("mood", HubSource(model, home=folder))


def ask(answering: HubHead, texts: Sequence[str], lang: Lang = "en") -> list[HeadScore]:
    inputs = [TextInput(text=text) for text in texts]
    return answering.score_batch(
        HeadInputs(inputs, texts, [lang] * len(texts), NO_VECTORS, NO_VECTORS)
    )


def crowd(count: int = 60) -> list[str]:
    words = " ".join(SENTENCES).split()
    dice = random.Random(5)
    return [" ".join(dice.choices(words, k=dice.randint(0, 80))) for _ in range(count)]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("hub") / "mood")


@pytest.fixture
def started(saved: Path) -> Iterator[HubHead]:
    answering = head(saved)
    answering.start()
    yield answering
    answering.close()


def test_it_is_a_head_with_name_labels_and_version_before_it_starts(saved: Path) -> None:
    answering = head(saved, labels={"anger": "cross", "fear": "cross", "joy": "glad"})
    assert isinstance(answering, TextHead)
    assert (answering.name, answering.labels) == ("mood", ("cross", "glad"))
    assert len(answering.version) == 16


def test_probabilities_are_those_of_the_model_itself(started: HubHead, saved: Path) -> None:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(saved)
    model = AutoModelForSequenceClassification.from_pretrained(saved).eval()
    told = model(**tokenizer(SENTENCES[0], return_tensors="pt")).logits.softmax(-1)[0].tolist()
    (answer,) = ask(started, SENTENCES[:1])
    assert answer.probabilities is not None
    assert list(answer.probabilities.values()) == pytest.approx(told, abs=1e-5)
    assert answer.label == MOODS[int(np.argmax(told))]


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_changes_no_probability(kind: str, tmp_path: Path) -> None:
    answering = head(save_tiny(tmp_path / kind, kind))
    answering.start()
    texts = crowd()
    together, alone = ask(answering, texts), [ask(answering, [text])[0] for text in texts]
    assert len({answer.probability for answer in together}) > 20
    for one, other in zip(together, alone, strict=True):
        assert one.probabilities is not None
        assert other.probabilities is not None
        for label, probability in one.probabilities.items():
            assert probability == pytest.approx(other.probabilities[label], abs=1e-5)
    answering.close()


def test_a_model_without_padding_reads_one_text_at_a_time(tmp_path: Path) -> None:
    answering = head(save_tiny(tmp_path / "gpt2", "gpt2", pad_token_id=None))
    answering.start()
    assert len(ask(answering, [*SENTENCES, ""])) == 6
    answering.close()


def test_theirs_that_are_one_of_ours_add_up(started: HubHead, saved: Path) -> None:
    joined = head(saved, labels={"anger": "bad", "fear": "bad", "sadness": "bad", "joy": "good"})
    joined.start()
    for before, after in zip(ask(started, SENTENCES), ask(joined, SENTENCES), strict=True):
        assert before.probabilities is not None
        assert after.probabilities is not None
        assert after.probabilities["good"] == pytest.approx(before.probabilities["joy"], abs=1e-5)
        assert sum(after.probabilities.values()) == pytest.approx(1, abs=1e-5)
    joined.close()


def test_it_abstains_in_other_languages_below_its_threshold_and_without_pieces(saved: Path) -> None:
    answering = head(saved, languages=["en"], threshold=0.0)
    answering.start()
    assert [ask(answering, ["so happy"], lang)[0].abstained for lang in ("en", "zh", "other")] == [
        False,
        True,
        True,
    ]  # fmt: skip
    assert [answer.abstained for answer in ask(answering, ["", "\u200b", "joy"])] == [
        True,
        True,
        False,
    ]
    answering.close()
    unsure = head(saved, threshold=1.0)
    unsure.start()
    assert all(answer.abstained for answer in ask(unsure, SENTENCES))
    unsure.close()


def test_it_abstains_where_the_model_says_mostly_what_was_dropped(
    started: HubHead, saved: Path
) -> None:
    kept = head(saved, labels={"anger": "anger", "fear": "fear"})
    kept.start()
    texts = crowd()
    for before, after in zip(ask(started, texts), ask(kept, texts), strict=True):
        assert before.probabilities is not None
        share = before.probabilities["anger"] + before.probabilities["fear"]
        assert after.abstained == (share < 0.5 or before.abstained)
    kept.close()


def test_marks_that_somebody_types_are_ordinary_text(started: HubHead) -> None:
    plain, typed = ask(started, ["happy", "happy [SEP] [CLS] [PAD] [MASK]"])
    assert plain.probabilities != typed.probabilities
    assert len(ask(started, ["<s> </s> <pad>", "[PAD] [PAD]"])) == 2


def test_any_text_has_an_answer(saved: Path) -> None:
    hard = [
        "",
        "😡",
        "a" * 100_000,
        "\x00\x01\x1b[31m\ud83d\u200b",
        "混合 mixed скрипт 한국어",
        "\ud83d",
    ]
    for normalize in (True, False):
        answering = head(saved, normalize=normalize)
        answering.start()
        assert len(ask(answering, hard)) == len(hard)
        answering.close()


def test_a_multi_label_model_answers_none_where_nothing_holds(tmp_path: Path) -> None:
    folder = save_tiny(
        tmp_path / "toxic", labels=("toxic", "threat"), problem_type="multi_label_classification"
    )
    answering = head(folder)
    answering.start()
    assert answering.labels == ("toxic", "threat", "none")
    for answer in ask(answering, crowd()):
        assert answer.probabilities is not None
        assert answer.probability == max(answer.probabilities.values()) >= 0.499
        assert sum(answer.probabilities.values()) == pytest.approx(1, abs=1e-4)
    answering.close()


def test_the_version_follows_all_that_decides_an_answer(saved: Path, tmp_path: Path) -> None:
    versions = [
        head(saved).version,
        head(saved, temperature=2.0).version,
        head(saved, threshold=0.3).version,
        head(saved, languages=["en"]).version,
        head(saved, labels={"anger": "bad", "joy": "good"}).version,
        head(save_tiny(tmp_path / "other", seed=8)).version,
    ]
    assert len(set(versions)) == len(versions)
    assert head(save_tiny(tmp_path / "again")).version == versions[0]


def test_generic_labels_are_warned_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answering = head(save_tiny(tmp_path / "generic", labels=("LABEL_0", "LABEL_1")))
    answering.start()
    answering.close()
    assert "hub_labels_generic" in capsys.readouterr().out


def test_an_encoder_is_no_head(tmp_path: Path) -> None:
    folder = save_tiny(tmp_path / "encoder", labels=None)
    with pytest.raises(ModelInvalid, match="is a BertModel, no sequence classifier"):
        head(folder)


def test_a_head_that_is_not_started_says_so(saved: Path) -> None:
    with pytest.raises(ModelInvalid, match=r"before start\(\) or after close\(\)"):
        ask(head(saved), ["happy"])
