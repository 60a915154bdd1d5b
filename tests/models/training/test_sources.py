"""Training rows: labels in our words, development texts kept apart, files that say what is wrong with them."""

from pathlib import Path
from typing import Any

import pytest

from contracts.errors import SourceInvalid
from models.evaluation.records import read_records
from models.training.config import TrainingConfig, read_config
from models.training.sources import (
    LabelledRow,
    PlainText,
    hash_share,
    plain_texts,
    read_rows,
    targets_of,
)
from tests.models.training.tiny import source, tiny_config, write_records

COMMITTED = Path(__file__).parents[3] / "models" / "training" / "encoder.toml"
FILE = "a/train.jsonl.gz"


def config_with(*sources: dict[str, Any], texts: tuple[dict[str, Any], ...] = ()) -> TrainingConfig:
    return tiny_config(sources=sources, texts=texts)


def sentiment(file: str = FILE, **more: Any) -> dict[str, Any]:
    return source(file, **({"dev_share": 0.0} | more))


def rows_of(folder: Path, records: list[dict[str, Any]], **more: Any) -> list[LabelledRow]:
    write_records(folder / FILE, records)
    return read_rows(config_with(sentiment(**more)), folder)


def test_the_committed_config_lists_no_test_split() -> None:
    config = read_config(COMMITTED)
    assert [source.file for source in config.sources if "test" in source.file.split("/")[1]] == []
    assert all(source.licence for source in config.sources)


def test_a_split_by_time_keeps_the_latest_rows_for_development(tmp_path: Path) -> None:
    # Given rows in no order, with times as datasets write them
    records: list[dict[str, Any]] = [
        {"text": "march", "label": "pos", "at": "2026-03-01T00:00:00+00:00"},
        {"text": "january", "label": "neg", "at": 1_767_225_600},
        {"text": "eve of march", "label": "neg", "at": "2026-03-01T00:30:00+01:00"},
        {"text": "april", "label": "pos", "at": "Wed Apr 01 20:19:24 +0000 2026"},
    ]
    labels = {"neg": "negative", "pos": "positive"}
    # When all from March on is set aside
    rows = rows_of(tmp_path, records, labels=labels, dev_from="2026-03-01", time="at")
    # Then those rows alone are development rows
    assert {row.text for row in rows if row.is_dev} == {"march", "april"}
    assert {row.text for row in rows if not row.is_dev} == {"january", "eve of march"}


def test_a_split_by_time_names_what_is_no_time(tmp_path: Path) -> None:
    labels = {"pos": "positive", "neg": "negative"}
    records = [{"text": "when", "label": "pos"}]
    wrong = r"a/train\.jsonl\.gz is split by time.*'at' holds time None"
    with pytest.raises(SourceInvalid, match=wrong):
        rows_of(tmp_path, records, labels=labels, dev_from="2026-03-01", time="at")


def test_labels_are_renamed_and_unknown_ones_left_out(tmp_path: Path) -> None:
    records = [{"text": "Good", "label": "pos"}, {"text": "Odd", "label": "weird"}]
    labels = {"neg": "negative", "pos": "positive"}
    (row,) = rows_of(tmp_path, records, weight=2.0, labels=labels)
    assert row == LabelledRow(
        text="Good",
        context="",
        head="sentiment",
        lang="en",
        source=FILE,
        targets=("positive",),
        known=("negative", "positive"),
        weight=2.0,
        is_dev=False,
    )


def test_a_source_that_tells_all_labels_knows_all(tmp_path: Path) -> None:
    records = [{"text": "Good", "label": "pos"}]
    (row,) = rows_of(tmp_path, records, tells="all", labels={"pos": "positive"})
    assert row.known == ("negative", "neutral", "positive")


def test_either_of_two_labels_may_be_true(tmp_path: Path) -> None:
    labels = {"pos": "positive", "rest": "negative|neutral"}
    (row,) = rows_of(tmp_path, [{"text": "So so", "label": "rest"}], labels=labels)
    assert row.targets == ("negative", "neutral")
    assert set(row.known) == {"negative", "neutral", "positive"}


def test_several_labels_of_a_row_are_kept_together_and_an_unknown_one_drops_it() -> None:
    ours = {"pos": ("positive",), "neg": ("negative",)}
    assert targets_of(["pos", "neg", "pos"], ours) == ("positive", "negative")
    assert targets_of(["pos", "weird"], ours) == ()
    assert targets_of([], ours) == ()
    assert targets_of(None, ours) == ()


def test_only_rows_with_the_wanted_values_are_read(tmp_path: Path) -> None:
    records = [
        {"text": "in", "label": "pos", "kind": "tweet"},
        {"text": "out", "label": "pos", "kind": "ad"},
        {"text": "none", "label": "pos"},
    ]
    rows = rows_of(tmp_path, records, only={"kind": "tweet"})
    assert [row.text for row in rows] == ["in"]


def test_a_map_may_be_that_of_another_file(tmp_path: Path) -> None:
    write_records(tmp_path / FILE, [{"text": "one", "label": "pos"}])
    write_records(tmp_path / "b/dev.jsonl.gz", [{"text": "two", "label": "neg"}])
    other = sentiment("b/dev.jsonl.gz", labels={}, labels_of=FILE)
    rows = read_rows(config_with(sentiment(), other), tmp_path)
    assert [row.targets for row in rows] == [("positive",), ("negative",)]


def test_the_turns_before_one_are_its_context(tmp_path: Path) -> None:
    # Given two dialogues, one with a turn whose label is unknown
    records = [
        {"text": "first", "label": "pos", "talk": 1},
        {"text": "second", "label": "weird", "talk": 1},
        {"text": "third", "label": "neg", "talk": 1},
        {"text": "fourth", "label": "neg", "talk": 2},
    ]
    rows = rows_of(tmp_path, records, dialogue="talk")
    # Then that turn is still context, and no dialogue sees another
    contexts = {row.text: row.context.split() for row in rows}
    assert contexts == {"first": [], "third": ["first", "second"], "fourth": []}


def test_a_dialogue_is_whole_in_training_or_in_development(tmp_path: Path) -> None:
    records = [
        {"text": f"turn {n} {talk}", "label": "pos", "talk": talk}
        for talk in range(200)
        for n in range(3)
    ]
    rows = rows_of(tmp_path, records, dialogue="talk", dev_dialogues=0.3)
    of = {talk: {r.is_dev for r in rows if r.text.endswith(f" {talk}")} for talk in range(200)}
    assert all(len(kinds) == 1 for kinds in of.values())
    assert 40 < sum(kinds == {True} for kinds in of.values()) < 80


def test_a_helper_head_takes_its_files_own_labels(tmp_path: Path) -> None:
    write_records(
        tmp_path / FILE,
        [{"text": "one", "label": "b"}, {"text": "two", "label": ["a", "b"]}],
    )
    one, two = read_rows(config_with(source(FILE, head="kind", dev_share=0.0)), tmp_path)
    assert (one.targets, two.targets) == (("a/b",), ("a/a", "a/b"))
    assert one.known == ("a/a", "a/b")


def test_a_development_text_is_never_a_training_text(tmp_path: Path) -> None:
    # Given a text that stands in both files, written differently, and once more for another head
    train = [{"text": "Same  text", "label": "pos"}, {"text": "new", "label": "neg"}]
    write_records(tmp_path / FILE, train)
    write_records(tmp_path / "a/dev.jsonl.gz", [{"text": "Same text", "label": "pos"}])
    sources = (
        sentiment(),
        sentiment("a/dev.jsonl.gz", role="dev"),
        source(FILE, head="kind", dev_share=0.0),
    )
    # Then it is a development row alone, and no head trains on it
    rows = read_rows(config_with(*sources), tmp_path)
    assert [(row.head, row.text, row.is_dev) for row in rows] == [
        ("sentiment", "new", False),
        ("sentiment", "Same text", True),
        ("kind", "new", False),
    ]


def test_a_text_stands_once_in_a_head_unless_a_context_tells_two_apart(tmp_path: Path) -> None:
    records = [
        {"text": "yes", "label": "pos", "talk": 1},
        {"text": "yes", "label": "pos", "talk": 2},
        {"text": "why", "label": "neg", "talk": 3},
        {"text": "yes", "label": "pos", "talk": 3},
    ]
    rows = rows_of(tmp_path, records, dialogue="talk")
    assert [(row.text, row.context) for row in rows] == [("yes", ""), ("why", ""), ("yes", "why")]


def test_a_hashed_split_has_its_share_and_never_moves(tmp_path: Path) -> None:
    records = [{"text": f"text {i}", "label": "pos"} for i in range(1000)]
    rows = rows_of(tmp_path, records, dev_share=0.2)
    assert 150 < sum(row.is_dev for row in rows) < 250
    assert rows == rows_of(tmp_path, records, dev_share=0.2)
    assert hash_share("text 1") == hash_share("text 1")


def test_plain_texts_may_be_one_a_line_a_list_or_comments_with_their_times(tmp_path: Path) -> None:
    write_records(tmp_path / "one.jsonl.gz", [{"text": "a whole text"}, {"text": "known text"}])
    write_records(tmp_path / "list.jsonl.gz", [{"text": ["first part", "second part", "no"]}])
    write_records(tmp_path / "timed.jsonl.gz", [{"text": [[3, "a comment"], [9, "a whole text"]]}])
    parts = tuple(
        {"file": f"{name}.jsonl.gz", "lang": "en", "licence": "test"}
        for name in ("one", "list", "timed")
    )
    texts = plain_texts(config_with(sentiment(), texts=parts), tmp_path, known={"known text"})
    wanted = ["a whole text", "first part", "second part", "a comment"]
    assert texts == [PlainText(text, "en") for text in wanted]


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text('{"text": "ok"}\nnot json\n', encoding="utf-8")
    with pytest.raises(SourceInvalid, match=r"bad\.jsonl, line 2"):
        list(read_records(path))
