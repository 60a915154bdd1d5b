"""The commands that train: each says where its result lies, and what was wrong with what it was given."""

import re
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner, Result

from contracts.errors import InvalidInput, SettingsInvalid
from models.cli.app import app
from models.cli.training import changes_of
from models.training.ablation import LEDGER, Trial
from tests.models.training.tiny import FIT, write_base, write_data

BASE = """
[base]
package = "tiny_base"
file = "e5.bin"
sha256 = "{sha256}"
prefix = "query: "
"""
CONFIG = """
name = "tiny"
seed = 7
[vocabulary]
pieces = 300
token_limit = 32
context_limit = 16
{base}
[teacher]
count = 2
fit = {fit}
[student]
first = {fit}
fit = {fit}
[abstain]
least_answered = 0.6
accuracy = {{ sentiment = 0.8 }}
[heads.sentiment]
share = 1.0
labels = ["negative", "neutral", "positive"]
[[sources]]
file = "made/all.jsonl.gz"
head = "sentiment"
lang = "en"
licence = "test"
dev_share = 0.2
labels = {{ neg = "negative", mid = "neutral", pos = "positive" }}
"""


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write data, base encoder and config; return the config's path."""
    write_data(tmp_path / "data")
    base = BASE.format(sha256=write_base(tmp_path / "packages"))
    monkeypatch.syspath_prepend(str(tmp_path / "packages"))
    fit = ", ".join(f"{key} = {value}" for key, value in FIT.items())
    path = tmp_path / "tiny.toml"
    path.write_text(CONFIG.format(base=base, fit=f"{{ {fit} }}"), encoding="utf-8")
    return path


def test_stages_run_one_by_one_with_changed_keys(config: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    folder = tmp_path / "run"
    common: list[object] = [
        "train",
        "--config",
        config,
        "--data",
        tmp_path / "data",
        "--out",
        folder,
    ]
    common += ["--set", "student.first.samples=50", "--set", "name='other'", "--threads", 1]
    result = run(*common, "--stage", "prepare", "--stage", "vectors")
    assert result.exit_code == 0, result.output
    assert f"trained: {folder} (prepare, vectors)" in result.output
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == []
    result = run(*common, "--stage", "first")
    assert result.exit_code == 0, result.output
    assert (folder / "first/encoder.pt").exists()
    assert msgspec.json.decode((folder / "run.json").read_bytes())["name"] == "other"


def test_a_change_without_a_value_is_refused() -> None:
    with pytest.raises(SettingsInvalid, match="'seed' has no `=`"):
        changes_of(["seed"])
    assert changes_of(["a.b = 1", "c=x=y"]) == {"a.b": "1", "c": "x=y"}


def test_an_ablation_is_reported_without_fitting(tmp_path: Path) -> None:
    trial = Trial("full", 0, {"topic/a/dev.jsonl.gz": {"macro_f1": 0.7, "rarest_f1": 0.3}})
    (tmp_path / LEDGER).write_bytes(msgspec.json.encode(trial) + b"\n")
    result = run("ablate", "--run", tmp_path, "--report")
    assert result.exit_code == 0
    assert "| full | 1 | 70.0 / 30.0 |" in result.output


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    result = run("ablate", "--run", tmp_path)
    assert isinstance(result.exception, InvalidInput)
    assert "is no run's folder" in str(result.exception)


def test_a_prepared_run_is_adapted_to_texts_of_ones_own(config: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    # Given a prepared run and a file of lines, some twice
    folder, lines = tmp_path / "run", tmp_path / "mine.txt"
    common = ["--config", config, "--data", tmp_path / "data", "--out", folder]
    run("train", *common, "--stage", "prepare", "--threads", 1)
    lines.write_text("\n".join(f"the bus {n % 90} today" for n in range(120)), encoding="utf-8")
    # When the base encoder reads them
    result = run("adapt", "--texts", lines, "--out", folder, "--samples", 30, "--threads", 1)
    # Then it is told what that did
    assert result.exit_code == 0, result.output
    assert f"adapted: {folder}, 90 texts; loss of a masked word of" in result.output
    assert (folder / "base.original.npz").exists()


def train_tiny(config: Path, tmp_path: Path, *more: object) -> Result:
    folder = tmp_path / "run"
    common = ["--config", config, "--data", tmp_path / "data", "--out", folder, "--threads", 1]
    return run("train", *common, *more)


def test_a_training_ends_with_how_it_did_on_each_source(config: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    result = train_tiny(config, tmp_path)
    assert result.exit_code == 0, result.output
    scores = msgspec.json.decode((tmp_path / "run/student/scores.json").read_bytes())
    one = scores["sentiment/made/all.jsonl.gz"]
    assert f"\n{'head/source':27}     rows  accuracy  macro-F1\n" in f"\n{result.stdout}"
    lines = result.stdout.splitlines()
    told = next(line for line in lines if line.startswith("sentiment/made")).split()
    figures = [f"{100 * one[name]:.1f}" for name in ("accuracy", "macro_f1")]
    assert told[1:] == [str(one["rows"]), *figures]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("student.fit.samples=0", r"tiny\.toml: student\.fit\.samples is 0"),
        ("student.fit.rate=nan", r"student\.fit\.rate is nan"),
        ("teacher.count=-1", r"teacher\.count is -1"),
        ("abstain.accuracy={}", r"abstain\.accuracy has no sentiment"),
        ("student.fit.heads=['mood']", r"student\.fit\.heads names 'mood'"),
        ("heads.mood={share=1.0, labels=['a','b']}", r"heads\.mood is taught by no source"),
    ],
)
def test_a_config_that_could_not_be_served_begins_nothing(
    config: Path, tmp_path: Path, change: str, complaint: str
) -> None:
    pytest.importorskip("torch")
    result = train_tiny(config, tmp_path, "--set", change)
    assert isinstance(result.exception, SettingsInvalid)
    assert re.search(complaint, str(result.exception))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        (
            ["student.fit.layers=99", "student.first.layers=99"],
            r"first\.layers is 99; .* at most 3",
        ),
        (
            ["teacher.fit.layers=99"],
            r"teacher\.fit\.layers is 99; .* at most 3, which tiny_base has",
        ),
        (["vocabulary.token_limit=500"], r"token_limit is 500 .* expected 88 together at most"),
    ],
)
def test_what_the_base_encoder_has_not_is_refused_before_anything_is_fitted(
    config: Path, tmp_path: Path, changes: list[str], complaint: str
) -> None:
    pytest.importorskip("torch")
    result = train_tiny(config, tmp_path, *(part for one in changes for part in ("--set", one)))
    assert isinstance(result.exception, SettingsInvalid)
    assert re.search(complaint, str(result.exception))
    assert not (tmp_path / "run/teacher-0").exists()


def test_a_head_without_development_rows_is_refused_before_anything_is_fitted(
    config: Path, tmp_path: Path
) -> None:
    pytest.importorskip("torch")
    config.write_text(config.read_text().replace("dev_share = 0.2\n", ""))
    result = train_tiny(config, tmp_path)
    assert isinstance(result.exception, SettingsInvalid)
    assert "heads.sentiment has no development rows, of made/all" in str(result.exception)
    assert not (tmp_path / "run/teacher-0").exists()


@pytest.mark.parametrize("rate", ["nan", "-1", "0"])
def test_an_adapting_at_no_rate_is_refused(config: Path, tmp_path: Path, rate: str) -> None:
    pytest.importorskip("torch")
    train_tiny(config, tmp_path, "--stage", "prepare")
    lines = tmp_path / "mine.txt"
    lines.write_text("\n".join(f"the bus {n} today" for n in range(120)), encoding="utf-8")
    result = run("adapt", "--texts", lines, "--out", tmp_path / "run", "--rate", rate)
    assert isinstance(result.exception, InvalidInput)
    assert "expected above 0 and at most 1" in str(result.exception)
    assert not (tmp_path / "run/base.original.npz").exists()


def test_a_config_that_prepare_refused_is_mended_in_the_same_folder(
    config: Path, tmp_path: Path
) -> None:
    pytest.importorskip("torch")
    refused = train_tiny(config, tmp_path, "--set", "teacher.fit.layers=99")
    assert isinstance(refused.exception, SettingsInvalid)
    # When the key is set right, then the folder takes it, and no other once it is prepared
    common = ["--stage", "prepare", "--set"]
    assert train_tiny(config, tmp_path, *common, "teacher.fit.layers=3").exit_code == 0
    other = train_tiny(config, tmp_path, *common, "teacher.fit.layers=2")
    assert "was begun with another config" in str(other.exception)
