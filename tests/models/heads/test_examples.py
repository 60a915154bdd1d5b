"""A user's file: what is taken, what is left out, and which line is wrong."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import InvalidInput, SourceInvalid
from models.heads.examples import distinct, keys_of, read_examples, read_texts
from models.protocols import TextInput

GOOD = [{"text": "a b", "label": "one"}, {"text": "c d", "label": "two"}]


def write(folder: Path, rows: list[Any], name: str = "my.jsonl") -> Path:
    path = folder / name
    raw = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    return path


def test_texts_labels_and_what_is_out_of_scope(tmp_path: Path) -> None:
    rows = [
        *GOOD,
        {"text": "zzz", "label": "oos"},
        {"text": " ", "label": "one"},
        {"text": "e", "label": 3},
        {"text": "f", "label": 1.0},
        {"text": "g", "label": True},
        {"text": "h", "label": ["one"]},
    ]
    strange = tmp_path / "strange.txt"
    strange.write_text("what\n\nelse\n", encoding="utf-8")
    read = read_examples(
        write(tmp_path, rows, "my.jsonl.gz"),
        field="label",
        strange_label="oos",
        strange_file=strange,
    )
    assert [text.text for text in read.texts] == ["a b", "c d", "e", "f", "g", "h"]
    assert read.labels == ["one", "two", "3", "1", "true", "one"]
    assert [text.text for text in read.strange] == ["zzz", "what", "else"]
    assert read.empty == 1
    assert len(read.sha256) == 64


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ({"text": 7, "label": "one"}, "line 3: `text` is 7, expected a string"),
        ({"label": "one"}, "line 3: `text` is missing"),
        ({"text": "x", "title": 3, "label": "one"}, "line 3: `title` is 3"),
        ({"text": "x", "context": ["y"], "label": "one"}, r"line 3: `context` is \['y'\]"),
        (
            {"text": "x", "intent": "one"},
            r"line 3: the label `label` is missing.*other fields there: intent",
        ),
        ({"text": "x", "label": ""}, "line 3: the label `label` is ''"),
        ({"text": "x", "label": 0.5}, "line 3: the label `label` is 0.5, expected one name"),
        ({"text": "x", "label": ["a", "b"]}, r"line 3: the label `label` is \['a', 'b'\]"),
        (
            {"text": "x", "label": None, "\x1b[2J": 1},
            r"line 3: the label `label` is missing.*\(other fields there: \\x1b\[2J\)",
        ),
        ({"text": "x", "label": "y\x1b"}, "line 3: the label .* not printable"),
        ({"text": "x", "label": "y" * 101}, "line 3: the label .* is too long"),
        ("x", "line 3"),
    ],
)
def test_a_row_that_cannot_be_used_is_named(tmp_path: Path, row: Any, complaint: str) -> None:
    path = write(tmp_path, [*GOOD, row])
    with pytest.raises(SourceInvalid, match=rf"my\.jsonl, {complaint}"):
        read_examples(path, field="label")


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ([], "has 0 texts of no label"),
        (GOOD[:1], r"has 1 texts of one label in `label` \(one\): a head chooses between two"),
        ([{"text": str(n), "label": str(n)} for n in range(1001)], "has 1,001 labels in `label`"),
        ([*GOOD, {"text": "x", "label": "ONE"}], "has the labels 'ONE' and 'one'"),
        ([*GOOD, {"text": "x", "label": "\uff4fne"}], "has the labels 'one' and '\uff4fne'"),
    ],
)
def test_a_file_that_teaches_nothing_is_refused(
    tmp_path: Path, rows: list[Any], complaint: str
) -> None:
    with pytest.raises(InvalidInput, match=complaint):
        read_examples(write(tmp_path, rows), field="label")


def test_a_label_out_of_scope_that_no_row_has_is_refused_with_those_there_are(
    tmp_path: Path,
) -> None:
    path = write(tmp_path, [*GOOD, {"text": " ", "label": "oos"}])
    for label in ("nosuch", "oos"):
        with pytest.raises(
            InvalidInput, match=f"--out-of-scope-label '{label}': no row .* labels are one, two"
        ):
            read_examples(path, field="label", strange_label=label)
    rows = [*GOOD, {"text": "x", "label": "out of  scope"}]
    read = read_examples(write(tmp_path, rows), field="label", strange_label=" out of scope")
    assert [text.text for text in read.strange] == ["x"]


def test_a_file_out_of_scope_without_texts_is_refused(tmp_path: Path) -> None:
    path, empty = write(tmp_path, GOOD), tmp_path / "empty.txt"
    empty.write_text("\n \n", encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"--out-of-scope .*empty\.txt has no text"):
        read_examples(path, field="label", strange_file=empty)
    titled = write(tmp_path, [{"text": "", "title": "t"}], "titled.jsonl")
    assert len(read_examples(path, field="label", strange_file=titled).strange) == 1


def test_texts_that_have_a_label_and_belong_to_none_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    with pytest.raises(
        InvalidInput, match=r"2 of 2 texts with a label are out of scope too, first 'a b' \(one\)"
    ):
        read_examples(path, field="label", strange_file=path)
    # Written in other widths, and by the label
    twice = write(tmp_path, [*GOOD, {"text": "\uff41  b", "label": "oos"}])
    with pytest.raises(InvalidInput, match="1 of 2 texts with a label"):
        read_examples(twice, field="label", strange_label="oos")
    # What came before it makes it another text
    other = write(tmp_path, [{"text": "a b", "context": "c"}], "other.jsonl")
    assert len(read_examples(path, field="label", strange_file=other).strange) == 1


def test_a_missing_or_damaged_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceInvalid, match=r"nosuch\.jsonl"):
        read_examples(tmp_path / "nosuch.jsonl", field="label")
    cut = write(tmp_path, GOOD * 100, "cut.jsonl.gz")
    cut.write_bytes(cut.read_bytes()[:-20])
    with pytest.raises(SourceInvalid, match=r"cut\.jsonl\.gz"):
        read_examples(cut, field="label")


def test_too_many_rows_are_refused_before_they_fill_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "huge.jsonl"
    path.write_text('{"text":"a","label":"b"}\n' * 200_001, encoding="utf-8")
    with pytest.raises(InvalidInput, match="more than 200,000 rows"):
        read_examples(path, field="label")


def test_a_text_counts_once_and_the_label_said_most_often_stands() -> None:
    kept = distinct(["hi", "hi", "bye", "hi", "bye", "so"], ["a", "b", "a", "b", "a", "c"])
    assert kept.positions == [0, 2, 5]
    assert kept.labels == ["b", "a", "c"]
    assert (kept.repeated, kept.conflicting) == (2, 1)
    assert kept.first_conflict == "'hi' is a and b"


def test_in_a_tie_the_first_label_stands() -> None:
    assert distinct(["hi", "hi"], ["b", "a"]).labels == ["b"]


def test_texts_alone_come_from_json_lines_or_plain_lines(tmp_path: Path) -> None:
    lines = tmp_path / "a.txt"
    lines.write_text("one\ntwo\n", encoding="utf-8")
    assert [text.text for text in read_texts(lines)] == ["one", "two"]
    assert [text.text for text in read_texts(write(tmp_path, GOOD))] == ["a b", "c d"]
    lines.write_bytes(b"\xff\xfe")
    with pytest.raises(SourceInvalid, match=r"a\.txt as UTF-8"):
        list(read_texts(lines))


def test_what_came_before_a_text_is_read_with_it(tmp_path: Path) -> None:
    row = {"text": "yes", "title": "t", "context": "more?", "lang": "en", "label": "one"}
    (text, _, _) = read_examples(write(tmp_path, [row, *GOOD]), field="label").texts
    assert text == TextInput(text="yes", title="t", context="more?", lang_hint="en")


def test_one_text_after_two_others_is_two_examples() -> None:
    asked = [TextInput(text="yes", context="more?"), TextInput(text="yes", context="was it bad?")]
    assert distinct(keys_of(["yes", "yes"], asked), ["a", "b"]).labels == ["a", "b"]
