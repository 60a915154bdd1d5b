"""`hubbub models compare`: every engine is in the answer, with figures or with the reason why not."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from contracts.errors import InvalidInput
from models.cli.app import app
from models.registry import build_text_scorer

pytest.importorskip("onnx")
ROWS = [
    ("I love this, wonderful!", "positive"),
    ("I hate this, awful and disgusting", "negative"),
    ("太喜欢了，非常满意", "positive"),
    ("垃圾，太差了，再也不来了", "negative"),
    ("", "negative"),
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "rows=.jsonl"
    rows = [{"text": text, "label": label} for text, label in ROWS]
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def compare(*words: object) -> str:
    words = ("compare", *words)
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def figures_of(*words: object) -> dict[str, Any]:
    figures: dict[str, Any] = json.loads(compare(*words, "--json"))
    return figures


def test_each_engine_is_compared_or_said_not_to_run(data: Path) -> None:
    figures = figures_of("--data", f"sentiment={data}")
    assert figures["reference"] == "onnxruntime, float32"
    assert figures["model_version"]
    assert (figures["texts"], list(figures["files"].values())) == (5, [5])
    ran = {each["engine"] for each in figures["engines"]}
    assert ran | figures["not_run"].keys() == {"tensorrt", "pytorch", "ort"}
    assert "ort" in ran
    assert all(figures["not_run"].values())
    for engine in figures["engines"]:
        assert engine["heads"].keys() == build_text_scorer().labels.keys()
        sentiment = engine["heads"]["sentiment"]
        assert sentiment["agreement"] == 1.0
        assert 0 <= sentiment["mean_difference"] <= sentiment["largest_difference"] < 0.1
        assert (sentiment["f1_change"], sentiment["files"][0]["n"]) == (0.0, 5)
        assert engine["heads"]["topic"]["f1"] is None
        assert engine["least_cosine"] > 0.98


def test_torch_gives_the_answers_of_float32(data: Path) -> None:
    pytest.importorskip("torch")
    figures = figures_of("--data", data, "--engine", "pytorch")
    (engine,) = figures["engines"]
    assert all(head["largest_difference"] < 2e-3 for head in engine["heads"].values())
    assert figures["not_run"] == {}


def test_the_task_may_stand_for_all_files_and_texts_be_few(data: Path) -> None:
    words = ("--data", data, "--data", data, "--head", "sentiment", "--limit", 4)
    figures = figures_of(*words, "--engine", "ort")
    assert figures["texts"] == 4
    assert figures["engines"][0]["heads"]["sentiment"]["f1"] is not None


def test_it_prints_one_table_for_people(data: Path) -> None:
    output = compare("--data", f"sentiment={data}", "--engine", "ort", "--engine", "tensorrt")
    for words in ("beside onnxruntime, float32", "5 of", "sentiment", "same label in %", "cosine"):
        assert words in output
    assert "tensorrt: not run: " in output or "│ tensorrt │" in output


def test_an_unknown_engine_is_refused(data: Path) -> None:
    with pytest.raises(InvalidInput, match="no engine 'abacus': expected one of tensorrt, pytorch"):
        compare("--data", data, "--engine", "abacus")
