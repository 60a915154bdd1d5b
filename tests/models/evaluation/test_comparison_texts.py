"""Texts to compare engines on: from every file, from all of its parts, with labels where a task is named."""

from pathlib import Path
from typing import Any

import pytest

from contracts.errors import InvalidInput
from models.evaluation.comparison_texts import DataFile, Reading, choose_texts, fair_shares
from models.protocols import TextScorer


def file_of(name: str, labels: list[str], *, task: str | None = None) -> DataFile:
    rows: list[dict[str, Any]] = [
        {"text": f"{name} {at}", "label": label} for at, label in enumerate(labels)
    ]
    return DataFile(Path("sets") / name, task, rows)


@pytest.mark.parametrize(
    ("sizes", "limit", "expected"),
    [
        ([3, 5], 10, [3, 5]),
        ([10, 10], 7, [3, 4]),
        ([1, 100, 100], 11, [1, 5, 5]),
        ([5, 5, 5], 2, [0, 1, 1]),
        ([], 5, []),
    ],
)
def test_files_share_alike_as_long_as_they_have_texts(
    sizes: list[int], limit: int, expected: list[int]
) -> None:
    assert fair_shares(sizes, limit=limit) == expected


def test_texts_come_from_all_parts_of_a_file(bundled: TextScorer) -> None:
    files = [file_of("long", [""] * 100), file_of("short", [""] * 2)]
    chosen = choose_texts(files, bundled, limit=6)
    assert [item.text for item in chosen.inputs] == [
        *("long 0", "long 25", "long 50", "long 75"),
        *("short 0", "short 1"),
    ]
    assert chosen.files == {"sets/long": 4, "sets/short": 2}
    assert chosen.parts == []


def test_labels_are_read_where_a_task_is_named_and_rows_without_a_class_are_left_out(
    bundled: TextScorer,
) -> None:
    # Given a file without a task, and one whose labels are those of emotion, but for one
    files = [
        file_of("plain", ["joy"] * 3),
        file_of("mood", ["anger", "strange", "happy", "sad"], task="emotion"),
    ]
    # When texts are chosen
    chosen = choose_texts(files, bundled, limit=100)
    # Then the labelled part stands after the plain texts, without the row that means nothing
    assert [item.text for item in chosen.inputs[3:]] == ["mood 0", "mood 2", "mood 3"]
    (part,) = chosen.parts
    assert (part.name, part.question.head, part.first) == ("sets/mood", "emotion", 3)
    names = [part.question.sets.classes[at].name for at in part.true]
    assert names == ["anger", "joy", "sadness"]


def test_labels_are_read_as_they_are_said_to_be(bundled: TextScorer) -> None:
    # Given numbers for labels in a field of another name, in two files, one of which lacks a number
    rows = [{"text": f"text {at}", "mood": str(at % 3)} for at in range(6)]
    files = [
        DataFile(Path("sets/three"), "emotion", rows),
        DataFile(Path("sets/two"), "emotion", [row for row in rows if row["mood"] != "2"]),
    ]
    renamed = {"0": ("joy",), "1": ("anger",), "2": ()}
    # When the field and the names are told
    chosen = choose_texts(files, bundled, limit=100, reading=Reading("mood", renamed))
    # Then all rows that stand for something are read
    assert list(chosen.files.values()) == [4, 4]
    three = chosen.parts[0]
    assert [three.question.sets.classes[at].name for at in three.true] == ["joy", "anger"] * 2


def test_a_reading_that_fits_no_file_is_refused(bundled: TextScorer) -> None:
    mood = file_of("mood", ["anger", "joy"], task="emotion")
    with pytest.raises(InvalidInput, match="--map names 'rage', which no row of any file has"):
        choose_texts([mood], bundled, limit=5, reading=Reading(renamed={"rage": ("anger",)}))
    with pytest.raises(InvalidInput, match=r"--field and --map .* no file names a task: expected"):
        choose_texts([file_of("a", ["joy"])], bundled, limit=5, reading=Reading("mood"))


def test_a_file_that_does_not_fit_is_named(bundled: TextScorer) -> None:
    with pytest.raises(InvalidInput, match="sets/odd: hubbub-text has no head 'odd'"):
        choose_texts([file_of("odd", ["a", "b"], task="odd")], bundled, limit=5)
    with pytest.raises(InvalidInput, match="sets/bare: the data has no texts"):
        choose_texts([DataFile(Path("sets/bare"), None, [])], bundled, limit=5)
