"""`hubbub models compare`: every engine is in the answer, with figures or with the reason why not."""

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from contracts.errors import InvalidInput
from models.cli.app import app
from models.cli.comparing_tables import tables
from models.evaluation.agreement import Comparison, EngineAgreement, HeadAgreement, below
from models.registry import build_text_scorer

pytest.importorskip("onnx")
ROWS = [
    ("I love this, wonderful!", "positive"),
    ("I hate this, awful and disgusting", "negative"),
    ("太喜欢了，非常满意", "positive"),
    ("垃圾，太差了，再也不来了", "negative"),
    ("无聊", "negative"),
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


def test_what_is_below_99_5_is_named_in_json_and_bold_in_the_table() -> None:
    # Given an engine with one head that differs where float32 abstains, and one that never answers
    heads = {
        "topic": HeadAgreement(0.9881, 0.6, 0.9998, 0.08, 0.001, None, None, ()),
        "irony": HeadAgreement(1.0, 0.0, None, 0.01, 0.001, None, None, ()),
    }
    engines = [EngineAgreement("ort", heads, 1.0, 1.0, 100.0)]
    found = Comparison("m", "v", "float32", 9, {}, engines, {}, below(engines), [])
    # When it is laid out
    console = Console(record=True, width=200, file=io.StringIO())
    console.print(*tables(found), sep="\n")
    words = console.export_text()
    # Then the cell is bold and the other is not, and both readings are told
    assert re.search(r"topic +│ \*\*98\.81\*\* +│ 99\.98 ", words)
    assert re.search(r"irony +│ 100\.00 +│ – ", words)
    assert "below 99.5 %, all texts: ort/topic\n" in words
    assert "below 99.5 %, texts on which float32 does not abstain: none\n" in words


def test_labels_of_other_names_are_read_with_field_and_map(tmp_path: Path) -> None:
    # Given a file that the command refuses, once for its field and once for its labels
    path = tmp_path / "num.jsonl"
    rows = [{"text": text, "stars": f"{label[0]}1"} for text, label in ROWS]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    told = ("--data", f"sentiment={path}", "--engine", "ort")
    with pytest.raises(InvalidInput, match="name one with --field"):
        compare(*told)
    with pytest.raises(InvalidInput, match="say which is which with --map THEIRS=OURS"):
        compare(*told, "--field", "stars")
    # When both are told as it asks
    figures = figures_of(*told, "--field", "stars", "--map", "p1=positive", "--map", "n1=negative")
    # Then the labels are judged, and both readings of 99.5 % are there
    (engine,) = figures["engines"]
    assert engine["heads"]["sentiment"]["files"][0]["n"] == 5
    assert figures["below_99_5"] == [
        f"ort/{head}" for head, each in engine["heads"].items() if each["agreement"] < 0.995
    ]
    assert figures["answered_below_99_5"] == []


def test_a_model_without_a_network_is_refused(data: Path) -> None:
    with pytest.raises(InvalidInput, match="--model identity has no encoder of ours"):
        compare("--data", data, "--model", "identity")


def test_an_unknown_engine_is_refused(data: Path) -> None:
    with pytest.raises(InvalidInput, match="no engine 'abacus': expected one of tensorrt, pytorch"):
        compare("--data", data, "--engine", "abacus")
