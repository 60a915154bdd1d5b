"""Training rows: labels in our words, development texts kept apart, files that say what is wrong with them."""

import gzip
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from contracts.errors import SettingsInvalid, SourceInvalid
from models.evaluation.records import read_records
from models.training.config import TrainingConfig, read_config
from models.training.sources import LabelledRow, hash_share, likeness_texts, read_rows

ROOT = Path(__file__).parents[3]
COMMITTED = ROOT / "models" / "training" / "piece_table.toml"


def config_with(*sources: dict[str, Any], texts: tuple[dict[str, Any], ...] = ()) -> TrainingConfig:
    raw = msgspec.to_builtins(read_config(COMMITTED))
    raw |= {"sources": sources, "likeness_texts": texts}
    return msgspec.convert(raw, TrainingConfig)


def write(path: Path, records: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(record) + "\n" for record in records)


def sentiment(file: str, **more: Any) -> dict[str, Any]:
    labels = {"neg": "negative", "pos": "positive"}
    return {
        "file": file,
        "head": "sentiment",
        "lang": "en",
        "licence": "test",
        "labels": labels,
    } | more


def test_the_committed_config_lists_no_test_split() -> None:
    config = read_config(COMMITTED)
    assert [source.file for source in config.sources if "test" in source.file.split("/")[1]] == []
    assert all(source.licence for source in config.sources)


def test_labels_are_renamed_and_unknown_ones_left_out(tmp_path: Path) -> None:
    write(
        tmp_path / "a/train.jsonl.gz",
        [{"text": "Good", "label": "pos"}, {"text": "Odd", "label": "weird"}],
    )
    rows = read_rows(config_with(sentiment("a/train.jsonl.gz", weight=2.0)), tmp_path)
    source = "a/train.jsonl.gz"
    assert rows == [
        LabelledRow("good", "sentiment", "en", source, (2,), (0, 2), weight=2.0, is_dev=False)
    ]


def test_a_source_that_tells_all_labels_knows_all(tmp_path: Path) -> None:
    write(tmp_path / "a/train.jsonl.gz", [{"text": "Good", "label": "pos"}])
    (row,) = read_rows(config_with(sentiment("a/train.jsonl.gz", tells="all")), tmp_path)
    assert row.known == (0, 1, 2)


def test_several_labels_of_a_row_are_kept_together(tmp_path: Path) -> None:
    write(tmp_path / "a/train.jsonl.gz", [{"text": "Mixed", "label": ["pos", "neg"]}])
    (row,) = read_rows(config_with(sentiment("a/train.jsonl.gz")), tmp_path)
    assert row.targets == (0, 2)


def test_a_development_text_is_never_a_training_text(tmp_path: Path) -> None:
    # Given a text that stands in both files, written differently
    write(
        tmp_path / "a/train.jsonl.gz",
        [{"text": "Same  TEXT", "label": "pos"}, {"text": "new", "label": "neg"}],
    )
    write(tmp_path / "a/dev.jsonl.gz", [{"text": "same text", "label": "pos"}])
    sources = (sentiment("a/train.jsonl.gz"), sentiment("a/dev.jsonl.gz", role="dev"))
    # Then it is a development row alone
    rows = read_rows(config_with(*sources), tmp_path)
    assert [(row.text, row.is_dev) for row in rows] == [("new", False), ("same text", True)]


def test_a_hashed_split_has_its_share_and_never_moves(tmp_path: Path) -> None:
    write(tmp_path / "a/all.jsonl.gz", [{"text": f"text {i}", "label": "pos"} for i in range(1000)])
    config = config_with(sentiment("a/all.jsonl.gz", dev_share=0.2))
    rows = read_rows(config, tmp_path)
    assert 150 < sum(row.is_dev for row in rows) < 250
    assert rows == read_rows(config, tmp_path)
    assert hash_share("text 1") == hash_share("text 1")


def test_likeness_texts_keep_their_shares(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path / f"{name}.jsonl.gz", [{"text": f"{name} {i}"} for i in range(100)])
    parts = tuple(
        {"file": f"{name}.jsonl.gz", "lang": "en", "licence": "test", "share": share}
        for name, share in (("a", 0.0005), ("b", 0.001))
    )
    texts = likeness_texts(config_with(texts=parts), tmp_path)
    assert (sum(t.startswith("a") for t in texts), sum(t.startswith("b") for t in texts)) == (
        32,
        64,
    )


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text('{"text": "ok"}\nnot json\n', encoding="utf-8")
    with pytest.raises(SourceInvalid, match=r"bad\.jsonl, line 2"):
        list(read_records(path))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("name = ", "Invalid value"),
        ('name = "x"\nnovel = 1', "training config"),
    ],
)
def test_a_config_that_is_none_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "run.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsInvalid, match=complaint):
        read_config(path)


def test_a_label_map_to_an_unknown_label_is_refused(tmp_path: Path) -> None:
    text = COMMITTED.read_text(encoding="utf-8").replace('angry = "anger"', 'angry = "rage"', 1)
    (tmp_path / "run.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsInvalid, match="rage"):
        read_config(tmp_path / "run.toml")
