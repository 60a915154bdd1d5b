"""Labels of a hub model become ours: they add, are dropped, or are refused; the probabilities always sum to 1."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contracts.errors import ModelInvalid
from contracts.hub_models import HubModel
from models.hub.folder import HubConfig, HubFolder
from models.hub.labels import check_poles, head_name, label_map


def folder(*labels: str, problem: str | None = None) -> HubFolder:
    config = HubConfig("bert", id2label=dict(enumerate(labels)), problem_type=problem)
    return HubFolder(Path("/models/mood"), "someone/mood", config)


def model(**settings: Any) -> HubModel:
    return HubModel(model="someone/mood", **settings)


def test_without_a_map_their_labels_are_ours_made_safe() -> None:
    table = label_map(folder("NEGATIVE", "Very Positive"), model())
    assert table.ours == ("negative", "very_positive")
    assert not table.is_multi


def test_probabilities_of_several_of_theirs_add_up_in_one_of_ours() -> None:
    table = label_map(
        folder("1 star", "2 stars", "5 stars"),
        model(labels={"1 star": "negative", "2 stars": "negative", "5 stars": "positive"}),
    )
    logits = np.log([[0.3, 0.3, 0.4]])
    probabilities, kept = table.probabilities(logits, temperature=1.0)
    assert table.ours == ("negative", "positive")
    assert np.allclose(probabilities, [[0.6, 0.4]])
    assert np.allclose(kept, 1)


def test_labels_that_the_map_leaves_out_are_dropped_and_the_rest_is_divided_by_its_sum() -> None:
    table = label_map(folder("a", "b", "c"), model(labels={"a": "joy", "b": "anger"}))
    probabilities, kept = table.probabilities(np.log([[0.3, 0.1, 0.6]]), temperature=1.0)
    assert np.allclose(probabilities, [[0.75, 0.25]])
    assert np.allclose(kept, 0.4)


def test_a_temperature_above_one_makes_answers_less_sure() -> None:
    table = label_map(folder("a", "b"), model())
    (cold,), (warm,) = (
        table.probabilities(np.array([[2.0, 0.0]]), temperature=t)[0] for t in (1.0, 4.0)
    )
    assert cold[0] > warm[0] > 0.5


def test_a_multi_label_model_answers_the_rest_where_no_label_reaches_one_half() -> None:
    table = label_map(folder("toxic", "threat", problem="multi_label_classification"), model())
    assert table.ours == ("toxic", "threat", "none")
    logits = np.array([[3.0, 1.0], [-3.0, -1.0], [-0.1, -5.0], [0.1, -5.0]])
    probabilities, _ = table.probabilities(logits, temperature=1.0)
    assert probabilities.argmax(axis=1).tolist() == [0, 2, 2, 0]
    assert np.allclose(probabilities.sum(axis=1), 1)
    # The label that is named keeps the model's own probability.
    assert np.isclose(probabilities[0, 0], 1 / (1 + np.exp(-3.0)))


def test_several_of_theirs_in_one_of_ours_count_with_the_highest_in_a_multi_label_model() -> None:
    table = label_map(
        folder("toxic", "insult", "threat", problem="multi_label_classification"),
        model(labels={"toxic": "offensive", "insult": "offensive"}, rest="fine"),
    )
    assert table.ours == ("offensive", "fine")
    probabilities, _ = table.probabilities(np.array([[0.5, 2.0, 9.0]]), temperature=1.0)
    assert np.isclose(probabilities[0, 0], 1 / (1 + np.exp(-2.0)))


def test_a_label_of_theirs_may_be_the_rest() -> None:
    table = label_map(
        folder("neutral", "joy", "anger", problem="multi_label_classification"),
        model(rest="neutral"),
    )
    assert table.ours == ("joy", "anger", "neutral")
    probabilities, _ = table.probabilities(np.array([[3.0, 1.0, -9.0]]), temperature=1.0)
    assert probabilities[0].argmax() == 2


def test_extreme_logits_stay_probabilities() -> None:
    for problem in ("multi_label_classification", "single_label_classification"):
        table = label_map(folder("a", "b", problem=problem), model())
        with np.errstate(all="raise", under="ignore"):
            rows, _ = table.probabilities(np.array([[1e4, 1e4], [-1e4, -1e4]]), temperature=0.5)
        assert np.isfinite(rows).all()
        assert np.allclose(rows.sum(axis=1), 1)


@pytest.mark.parametrize(
    ("labels", "problem", "settings", "words"),
    [
        (("a", "b"), None, {"labels": {"c": "joy"}}, "labels maps c, which someone/mood does not have; it has a, b"),
        (("a", "b", "c"), None, {"labels": {"a": "x", "b": "y"}, "strict": True}, "labels says nothing of c"),
        (("a", "b"), None, {"labels": {"a": "joy"}}, "would always answer joy: map at least two of its labels (a, b)"),
        (("a", "b"), None, {"labels": {"a": "joy", "b": "joy"}}, "would always answer joy"),
        (("a",), None, {}, "says regression with 1 output: a head needs labels to choose among"),
        (("a", "b"), "regression", {}, "says regression with 2 output"),
        (("a",), None, {"problem": "single_label"}, "says single_label with 1 output"),
        (("a",), "multi_label_classification", {"labels": {"a": "none"}}, "would always answer none"),
    ],
)  # fmt: skip
def test_a_map_that_does_not_fit_is_refused_with_the_remedy(
    labels: tuple[str, ...], problem: str | None, settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(ModelInvalid) as caught:
        label_map(folder(*labels, problem=problem), model(**settings))
    assert words in str(caught.value)


def test_one_output_may_be_the_logit_of_a_yes_or_no() -> None:
    table = label_map(folder("toxic"), model(problem="multi_label"))
    probabilities, _ = table.probabilities(np.array([[2.0], [-2.0]]), temperature=1.0)
    assert table.ours == ("toxic", "none")
    assert np.allclose(probabilities[0], probabilities[1][::-1])


def test_generic_labels_are_known_as_such_until_they_are_mapped() -> None:
    generic = folder("LABEL_0", "LABEL_1")
    assert label_map(generic, model()).generic == ("label_0", "label_1")
    mapped = model(labels={"LABEL_0": "negative", "LABEL_1": "positive"})
    assert label_map(generic, mapped).generic == ()


def test_labels_decide_the_name_of_a_head_that_nobody_names() -> None:
    assert head_name(("anger", "joy", "neutral"), "x") == "emotion"
    assert head_name(("negative", "neutral", "positive"), "x") == "sentiment"
    assert head_name(("negative", "neutral"), "/models/My Model/") == "my-model"
    assert head_name(("a", "b"), "someone/5-stars") == "hub-5-stars"


def test_a_head_named_sentiment_has_both_poles() -> None:
    check_poles("sentiment", ("negative", "positive"))
    check_poles("stance", ("against", "for"))
    with pytest.raises(ModelInvalid, match="it needs negative and positive"):
        check_poles("sentiment", ("bad", "good"))
