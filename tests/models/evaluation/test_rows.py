"""Rows: what can be judged is read, everything else is counted by its reason."""

from typing import Any

import pytest

from contracts.errors import InvalidInput
from models.evaluation.rows import Fields, LabelledText, label_field, read_labelled
from models.protocols import TextInput


def labels_of(*values: Any) -> list[str]:
    records = [{"text": "a", "label": value} for value in values]
    return [row.label for row in read_labelled(records, Fields()).texts]


def test_title_context_and_language_are_read_with_the_text() -> None:
    record = {"text": "a", "label": "joy", "title": "b", "context": "c", "lang": "en-GB", "n": 1}
    (row,) = read_labelled([record], Fields()).texts
    item = TextInput(text="a", title="b", context="c", lang_hint="en-GB")
    assert row == LabelledText(item, "joy", "en-GB")


def test_extra_fields_of_another_kind_are_not_read() -> None:
    record = {"text": "a", "label": "joy", "title": 3, "context": None, "lang": ["en"]}
    (row,) = read_labelled([record], Fields()).texts
    assert row == LabelledText(TextInput(text="a"), "joy", None)


def test_labels_may_be_names_whole_numbers_truths_or_lists_of_one() -> None:
    values = ["joy ", 0, 1, -1, 2.0, True, False, ["joy"], [1]]
    assert labels_of(*values) == ["joy", "0", "1", "-1", "2", "true", "false", "joy", "1"]


def test_other_rows_are_counted_by_their_reason() -> None:
    records: list[dict[str, Any]] = [
        {"text": "a", "label": "joy"},
        {"text": "a"},
        {"text": "a", "label": None},
        {"text": "a", "label": " "},
        {"text": "a", "label": []},
        {"text": "a", "label": ["joy", "love"]},
        {"text": "a", "label": {"joy": 1}},
        {"text": "a", "label": 0.5},
        {"label": "joy"},
        {"text": "", "label": "joy"},
        {"text": " \n", "title": "", "label": "joy"},
        {"title": " ", "label": "joy"},
        {"text": 7, "label": "joy"},
        {"text": ["a"], "label": "joy"},
    ]
    rows = read_labelled(records, Fields())
    assert len(rows.texts) == 1
    assert rows.skipped == {
        "no label": 4,
        "several labels": 1,
        "label is not a name": 2,
        "no text": 4,
        "text is not a string": 2,
    }


def test_a_title_may_stand_for_a_text() -> None:
    records = [{"title": "a", "label": "x"}, {"text": "", "title": "b", "label": "x"}]
    rows = read_labelled(records, Fields())
    assert [(row.item.text, row.item.title) for row in rows.texts] == [("", "a"), ("", "b")]


def test_a_context_may_be_a_list_of_turns_and_is_cut_at_its_beginning() -> None:
    records: list[dict[str, Any]] = [
        {"text": "a", "label": "x", "context": ["first", "second"]},
        {"text": "a", "label": "x", "context": "0" * 600 + "end"},
    ]
    short, long = (row.item.context for row in read_labelled(records, Fields()).texts)
    assert short == "first\nsecond"
    assert (len(long), long[-4:]) == (512, "0end")


def test_the_rows_before_in_a_dialogue_are_the_context() -> None:
    records: list[dict[str, Any]] = [
        {"d": 1, "text": "hi", "label": "x"},
        {"d": 1, "text": "what?"},
        {"d": 1, "text": "no!", "label": "x"},
        {"d": 2, "text": "ah", "label": "x"},
    ]
    fields = Fields(dialogue="d")
    contexts = [row.item.context for row in read_labelled(records, fields).texts]
    assert contexts == ["", "hi\nwhat?", ""]
    without = read_labelled(records, fields._replace(has_context=False))
    assert {row.item.context for row in without.texts} == {""}


def test_a_field_that_no_row_has_is_refused_with_those_that_they_have() -> None:
    with pytest.raises(
        InvalidInput, match=r"field 'label'; the rows have emotion, text: .*--field"
    ):
        read_labelled([{"text": "a", "emotion": "joy"}], Fields())
    with pytest.raises(InvalidInput, match=r"'scene'.*--dialogue"):
        read_labelled([{"text": "a", "label": "joy"}], Fields(dialogue="scene"))


def test_the_names_of_fields_do_not_command_the_terminal() -> None:
    with pytest.raises(InvalidInput, match=r"the rows have \\x1b\[2J, text"):
        read_labelled([{"text": "a", "\x1b[2J": "joy"}], Fields())


def test_no_rows_are_refused() -> None:
    with pytest.raises(InvalidInput, match="no rows"):
        read_labelled([], Fields())


def test_the_label_is_sought_under_the_tasks_name_where_there_is_no_label() -> None:
    assert label_field([{"emotion": "joy"}], "emotion") == "emotion"
    assert label_field([{"emotion": "joy"}, {"label": "joy"}], "emotion") == "label"
    assert label_field([{"mood": "joy"}], "emotion") == "label"
