"""Engines are compared on texts of every length, in both languages, or on a file's own with its labels."""

from typing import Any

import pytest

from contracts.errors import InvalidInput
from models.evaluation.likeness import Sentence, read_pairs
from models.evaluation.parity_texts import labelled_texts, shipped_texts

LABELS = {"emotion": ("anger", "joy"), "irony": ("irony", "none")}


def test_our_own_sentences_make_thousands_of_different_texts_half_of_them_chinese() -> None:
    # Given our sentences, when four thousand texts are asked for
    chosen = shipped_texts(read_pairs(), count=4_000)
    # Then all differ, half are Chinese, and some have a context
    assert len(chosen.inputs) == len(set(map(str, chosen.inputs))) == 4_000
    assert sum(one.text.isascii() for one in chosen.inputs) > 1_500
    assert sum(any("一" <= sign <= "鿿" for sign in one.text) for one in chosen.inputs) >= 2_000
    assert 200 < sum(bool(one.context) for one in chosen.inputs) < 2_000
    assert max(len(one.text) for one in chosen.inputs) > 400
    assert chosen.truth == {}


def test_the_same_texts_are_chosen_every_time() -> None:
    assert shipped_texts(read_pairs(), count=500) == shipped_texts(read_pairs(), count=500)


def test_sentences_come_alone_first_and_then_joined() -> None:
    sentences = [Sentence("post", f"甲{at}", en=f"a{at}") for at in range(2)]
    chosen = shipped_texts(sentences, count=9)
    texts = [(one.context, one.text) for one in chosen.inputs]
    assert texts[:2] == [("", "a0"), ("", "a1")]
    # Two sentences, the first as what was said before; then three and four in one text.
    assert texts[2:4] == [("a0", "a1"), ("", "a1 a0 a1")]
    assert texts[5:7] == [("", "甲0"), ("", "甲1")]


def test_rows_of_a_file_carry_labels_of_the_heads_that_they_name() -> None:
    # Given rows with a field of a head's name, and one called label
    rows: list[dict[str, Any]] = [
        {"text": "so angry", "emotion": "anger", "label": "none", "lang": "en"},
        {"text": "", "title": "a headline", "emotion": "rage", "label": "irony"},
        {"text": "", "emotion": "joy"},
        {"text": "plain", "context": "before", "emotion": 3, "label": None},
    ]
    # When label is said to be irony's
    chosen = labelled_texts(rows, LABELS, fields={"irony": "label"}, count=10)
    # Then labels that a head does not know are none, and a row without text is left out
    assert [one.text or one.title for one in chosen.inputs] == ["so angry", "a headline", "plain"]
    assert chosen.truth == {"emotion": ["anger", None, None], "irony": ["none", "irony", None]}
    assert chosen.inputs[0].lang_hint == "en"
    assert chosen.inputs[2].context == "before"


def test_a_head_without_labels_has_no_truth() -> None:
    assert labelled_texts([{"text": "a"}], LABELS, fields={}, count=5).truth == {}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"emotion": "nofield"},
            "none of 2 texts has the field 'nofield' .* they have label, text",
        ),
        (
            {"emotion": "label"},
            r"'label' of 2 texts has no label that the head emotion knows: it has irony \(2\); .* anger, joy",
        ),
    ],
)
def test_a_field_without_a_label_that_its_head_knows_is_refused(
    fields: dict[str, str], words: str
) -> None:
    rows = [{"text": text, "label": "irony"} for text in "ab"]
    with pytest.raises(InvalidInput, match=words):
        labelled_texts(rows, LABELS, fields=fields, count=5)


def test_a_field_of_a_head_s_name_without_its_labels_is_refused_too() -> None:
    rows: list[dict[str, Any]] = [{"text": "a", "irony": True, "emotion": None}]
    with pytest.raises(
        InvalidInput, match=r"no label that the head irony knows: it has True \(1\)"
    ):
        labelled_texts(rows, LABELS, fields={}, count=5)
    # A field that is empty everywhere says nothing, and is no mistake.
    assert labelled_texts(rows, {"emotion": ("joy",)}, fields={}, count=5).truth == {}


def test_of_many_rows_some_from_all_parts_are_taken() -> None:
    rows: list[dict[str, Any]] = [{"text": str(at)} for at in range(1_000)]
    chosen = labelled_texts(rows, LABELS, fields={}, count=4)
    assert [one.text for one in chosen.inputs] == ["0", "250", "500", "750"]


def test_a_file_without_texts_is_refused() -> None:
    with pytest.raises(InvalidInput, match="the data has no texts"):
        labelled_texts([{"words": "x"}], LABELS, fields={}, count=5)
