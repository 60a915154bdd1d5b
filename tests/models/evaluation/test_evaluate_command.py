"""`hubbub models evaluate`: judges a head on a file, and says what it cannot judge."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from contracts.errors import InvalidInput
from models.cli.app import app
from models.cli.evaluating import label_mapping

ROWS = [
    {"text": "I love this, wonderful!", "label": "good"},
    {"text": "I hate this, awful and disgusting", "label": "bad"},
    {"text": "太喜欢了，非常满意", "label": "good"},
    {"text": "垃圾，太差了，再也不来了", "label": "bad"},
    {"text": "what is this", "label": "strange"},
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in ROWS), encoding="utf-8")
    return path


def evaluate(*words: str) -> str:
    result = CliRunner().invoke(app, ["evaluate", *words], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_it_prints_the_figures_as_json(data: Path) -> None:
    output = evaluate(
        "sentiment",
        "--data",
        str(data),
        "--map",
        "good=positive",
        "--map",
        "bad=negative",
        "--json",
    )
    figures = json.loads(output)
    assert (figures["task"], figures["rows"], figures["skipped"]) == ("sentiment", 4, 1)
    assert figures["accuracy"] == figures["macro_f1"] == figures["macro_recall"] == 1.0
    assert 0 <= figures["answered"] <= 1


def test_it_prints_a_table_for_people(data: Path) -> None:
    output = evaluate(
        "sentiment", "--data", str(data), "--map", "good=positive", "--map", "bad=negative"
    )
    assert "macro_f1" in output
    assert "piece-table" in output


def test_an_unknown_head_is_refused_with_the_known_ones(data: Path) -> None:
    with pytest.raises(InvalidInput, match="no head 'irony'; it has emotion, sentiment, topic"):
        evaluate("irony", "--data", str(data))


def test_a_file_without_our_labels_is_refused(data: Path) -> None:
    with pytest.raises(InvalidInput, match="no row has a label of sentiment in 'label'"):
        evaluate("sentiment", "--data", str(data))


def test_a_map_of_another_form_is_refused() -> None:
    assert label_mapping(["a=b"]) == {"a": "b"}
    with pytest.raises(InvalidInput, match="'angry' is not THEIRS=OURS"):
        label_mapping(["angry"])
