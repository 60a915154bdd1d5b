"""`hubbub models build` builds for real, says plainly what is not certified, and lists what is there."""

import hashlib
import io
import re
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from contracts.errors import InvalidInput, SourceInvalid
from models.cli.app import app
from models.cli.building import compare_with_float
from models.cli.building_tables import build_lines, list_lines, report
from models.engines.certificate import Certificate, HeadParity, Parity, objections, unjudged
from models.engines.ort import OrtEngine
from models.engines.plan_cache import ListedPlan, PlanCache, PlanKey, PlanRecord
from models.evaluation.likeness import read_pairs
from models.evaluation.parity_texts import shipped_texts
from models.registry import locate_model, open_model
from tests.models.engines.test_tensorrt import needs_none
from tests.models.engines.tiny_graph import write_tiny_model

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
KEY = PlanKey("ab" * 32, 1, "tensorrt_rtx", "1.7.1.116", "any", "16,all")
RECORD = PlanRecord(KEY, "cd" * 32, 105_200_000, ((16, 256), (24, 256)), 50, NOW, 8.4)
PARITY = Parity(4_000, {"emotion": HeadParity(0.9996, 0.0005)}, 0.9998, 1.0)
MADE = Certificate(KEY.name, RECORD.plan_sha256, "GPU A", "float32", "texts", PARITY, NOW, {}, "")


def build(home: Path, *arguments: object) -> Result:
    words = ["build", "--home", str(home), *map(str, arguments)]
    return CliRunner().invoke(app, words)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for name in ("tensorrt_rtx", "cuda.bindings.runtime", "onnx"):
        pytest.importorskip(name)
    return write_tiny_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="module")
def home(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the small model's plan once; return the home of models."""
    home = tmp_path_factory.mktemp("models")
    told = build(home, "--model", model, "--json")
    assert told.exit_code == 0, told.output
    return home


@needs_none
def test_without_a_gpu_it_builds_and_says_that_nothing_is_certified(
    home: Path, model: Path
) -> None:
    # Given a plan that was built where no GPU is
    (listed,) = PlanCache(home).listed()
    record = listed.record
    assert record is not None
    plan = PlanCache(home).path_of(listed.name).read_bytes()
    assert hashlib.sha256(plan).hexdigest() == record.plan_sha256
    assert (record.pieces, record.profiles[-1]) == (60_000, (176, 63))
    # When the command runs again
    told = build(home, "--model", model)
    # Then it builds nothing, and says why the plan will not be used
    assert told.exit_code == 0
    assert "building" not in told.output
    words = " ".join(told.output.split())
    assert "not used: it is not certified: there is no GPU that CUDA can use" in words
    assert "run `hubbub models build --engine tensorrt` where the GPU is" in words


@needs_none
def test_a_broken_plan_is_built_anew(home: Path, model: Path) -> None:
    # Given a plan whose bytes were changed
    cache = PlanCache(home)
    (listed,) = cache.listed()
    with cache.path_of(listed.name).open("r+b") as file:
        file.write(b"none")
    # When the command runs
    told = build(home, "--model", model)
    # Then it tells so, and a whole plan stands there again
    assert "building anew: " in told.output
    assert "the file was changed" in told.output
    assert listed.record is not None
    cache.read_plan(listed.record.key)


def test_the_list_names_every_plan_for_people_and_as_json(home: Path) -> None:
    told = build(home, "--list")
    assert "MB, tensorrt" in told.output
    plans = msgspec.json.decode(build(home, "--list", "--json").output)["plans"]
    assert [plan["record"]["pieces"] for plan in plans] == [60_000]


def test_an_empty_home_is_told(tmp_path: Path) -> None:
    assert "no plan in" in build(tmp_path, "--list").output
    assert build(tmp_path, "--list", "--json").output.strip() == '{"plans":[]}'


def test_what_is_wrong_with_the_texts_is_told_before_anything_is_built(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text('{"words": "none"}\n', encoding="utf-8")
    told = build(tmp_path, "--data", tmp_path / "empty.jsonl")
    assert isinstance(told.exception, InvalidInput)
    assert "the data has no texts" in str(told.exception)
    told = build(tmp_path, "--data", tmp_path / "absent.jsonl")
    assert isinstance(told.exception, SourceInvalid)
    assert list(tmp_path.glob("engines")) == []


@pytest.mark.parametrize(
    ("words", "rows", "told"),
    [
        (("--head", "emotion"), 0, "--head emotion needs --data"),
        (("--field", "mood"), 0, "--field mood needs --head"),
        (("--head", "mood"), 400, "has no head 'mood'; it has emotion"),
        (("--head", "emotion", "--field", "none"), 400, "none of 400 texts has the field 'none'"),
        (("--head", "emotion"), 400, "the head emotion knows: it has odd (400); expected some of"),
        ((), 399, "rows.jsonl: 399 texts, expected 400 at least"),
        (("--model", "identity"), 0, "--model identity has no encoder of ours"),
        (("--model", "hub:a/b"), 0, "--model hub:a/b has no encoder of ours"),
    ],
)
def test_what_could_not_be_judged_is_refused_before_anything_is_built(
    tmp_path: Path, words: tuple[str, ...], rows: int, told: str
) -> None:
    # Given a file of texts with a label that no head knows
    row = '{"text": "words", "label": "odd"}\n'
    (tmp_path / "rows.jsonl").write_text(row * rows, encoding="utf-8")
    data = ("--data", tmp_path / "rows.jsonl") if rows else ()
    # When a plan is asked for
    result = build(tmp_path / "home", *words, *data)
    # Then the words say what is missing, and nothing was touched
    assert isinstance(result.exception, InvalidInput)
    assert told in str(result.exception)
    assert not (tmp_path / "home").exists()


def test_a_home_that_cannot_be_written_is_told_before_the_build(
    model: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    told = build(tmp_path / "file", "--model", model)
    assert isinstance(told.exception, InvalidInput)
    assert "file/engines: Not a directory" in str(told.exception)
    assert "building with" not in told.output


def test_a_certified_plan_is_told_with_its_least_agreement() -> None:
    found = report(ListedPlan(KEY.name, RECORD, MADE), Path("a.plan"))
    assert (found.usable, found.reasons) == (True, ())
    first, second = list_lines([found])
    assert first.startswith("a.plan, 105.2 MB, tensorrt_rtx 1.7.1.116 for any GPU")
    assert second == (
        "  certified for GPU A: every head has the label of float32 in 99.96 % or more of 4,000 texts"
    )
    assert str(list(build_lines(found))[-1]) == "certified for GPU A"


def test_a_certificate_without_labels_says_so_in_the_table_and_in_the_list() -> None:
    # Given a certificate that knows no label
    made = msgspec.structs.replace(MADE, not_judged=unjudged(PARITY))
    found = report(ListedPlan(KEY.name, RECORD, made), Path("a.plan"))
    # When it is shown
    console = Console(record=True, width=200, file=io.StringIO())
    console.print(*build_lines(found))
    words = console.export_text()
    # Then words say that macro-F1 was not judged, and no figure stands in its place
    assert re.search(r"emotion +│ 99\.96 .* not judged +│ not judged", words)
    assert "macro-F1 was not judged of emotion: no text had a label of it" in words
    assert list(list_lines([found]))[1].endswith("; " + unjudged(PARITY))
    assert b'"not_judged":"macro-F1 was not judged of emotion' in msgspec.json.encode(found)


def test_a_refused_plan_is_told_with_the_head_and_the_figure() -> None:
    poor = msgspec.structs.replace(PARITY, heads={"topic": HeadParity(0.98, 0.4)})
    made = msgspec.structs.replace(MADE, parity=poor)
    found = report(ListedPlan(KEY.name, RECORD, made), Path("a.plan"))
    assert not found.usable
    assert str(list(build_lines(found))[-1]) == (
        "not used: topic agrees in 98.00 % of 4,000 texts, expected 99.5 % at least"
    )
    broken = report(ListedPlan(KEY.name, None, None, "it has no record"), Path("b.plan"))
    assert list(list_lines([broken])) == ["b.plan", "  not used: it has no record"]


@pytest.mark.slow
def test_the_typed_graph_itself_agrees_with_float32(tmp_path: Path) -> None:
    # Given the shipped graph as it is typed for TensorRT, run by onnxruntime, which rounds where its casts say
    pytest.importorskip("onnx")
    from models.engines.tensorrt_graph import typed_graph

    installed = open_model(locate_model("bundled"))
    path = tmp_path / "half.onnx"
    path.write_bytes(typed_graph(installed.folder / installed.manifest.network).graph)
    engine = OrtEngine(path, installed.manifest.labels)
    # When it is compared as a plan is
    parity = compare_with_float(installed, engine, texts=shipped_texts(read_pairs(), count=400))
    # Then nothing speaks against it, and something was rounded
    assert objections(parity) == ()
    assert 0 < max(head.largest_difference for head in parity.heads.values()) < 0.005
