"""Every stage of training, whole, on a tiny encoder and written data: the student learns what the data say."""

import json
import shutil
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from contracts.errors import InvalidInput, SettingsInvalid
from models.training.sources import LabelledRow
from tests.models.training.tiny import tiny_config
from tests.models.training.trained import Home

torch = pytest.importorskip("torch")

from models.training.pipeline import (  # noqa: E402  (torch first)
    Run,
    Stage,
    build_encoder,
    centred_unit,
    claim_run,
    fit_encoder,
    open_run,
    train,
)


def test_the_student_learns_the_labels(home: Home) -> None:
    scores = json.loads((home.run.folder / "student/scores.json").read_text())
    assert scores["sentiment/made/all.jsonl.gz"]["macro_f1"] > 0.9
    assert set(scores) == {
        "kind/made/all.jsonl.gz",
        "sentiment/made/all.jsonl.gz",
        "sentiment/talks/all.jsonl.gz",
        "sentiment/zhong/all.jsonl.gz",
    }


def test_development_rows_are_kept_for_the_export(home: Home) -> None:
    content = (home.run.folder / "rows.json").read_bytes()
    rows = msgspec.json.decode(content, type=list[LabelledRow])
    assert rows
    assert all(row.is_dev for row in rows)


def test_teachers_answer_every_row_and_vectors_every_text(home: Home) -> None:
    folder = home.run.folder
    with np.load(folder / "corpus.npz") as corpus:
        rows, texts = len(corpus["head"]), len(corpus["starts"]) - 1
    soft = np.load(folder / "teacher-1/soft.npy")
    assert soft.shape == (rows, 3)
    assert np.exp(soft.astype(np.float32)).sum(1) == pytest.approx(np.ones(rows), abs=0.01)
    vectors = np.load(folder / "vectors.npy").astype(np.float32)
    assert vectors.shape == (texts, 24)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(texts), abs=0.01)


def test_training_again_computes_nothing_anew(home: Home) -> None:
    before = {path: path.stat().st_mtime_ns for path in home.run.folder.rglob("*.n*")}
    weights = (home.run.folder / "student/encoder.pt").read_bytes()
    train(home.run, home.data, threads=1)
    assert {path: path.stat().st_mtime_ns for path in home.run.folder.rglob("*.n*")} == before
    assert (home.run.folder / "student/encoder.pt").read_bytes() == weights


def test_a_run_is_not_continued_with_another_config(home: Home) -> None:
    other = msgspec.structs.replace(home.run.config, seed=99)
    with pytest.raises(SettingsInvalid, match="begun with another config"):
        claim_run(Run(home.run.folder, other))


def test_a_config_that_gained_a_key_since_is_the_same(tmp_path: Path) -> None:
    # Given a run that was begun before stages could end early
    run = Run(tmp_path, tiny_config())
    old = msgspec.to_builtins(run.config)
    del old["student"]["fit"]["patience"], old["student"]["fit"]["checks"]
    (tmp_path / "run.json").write_bytes(msgspec.json.encode(old))
    # Then it goes on, and what began it stays written down
    claim_run(run)
    written = msgspec.json.decode((tmp_path / "run.json").read_bytes(), type=type(run.config))
    assert written == run.config


def test_an_unknown_stage_is_refused_with_those_that_there_are(home: Home) -> None:
    with pytest.raises(InvalidInput, match=r"no stage .*'polish'.*teacher-0, teacher-1"):
        train(home.run, home.data, stages=["polish"])


def test_a_stage_that_waits_for_another_says_so(tmp_path: Path, home: Home) -> None:
    for name in ("corpus.npz", "corpus.json", "base.npz"):
        (tmp_path / name).write_bytes((home.run.folder / name).read_bytes())
    with pytest.raises(InvalidInput, match=r"vectors\.npy is missing: run the stage"):
        train(Run(tmp_path, home.run.config), home.data, stages=["first"])


def test_an_encoder_begins_with_the_base_encoders_layers(home: Home) -> None:
    shallow = build_encoder(home.run, layers=2, columns=4)
    assert len(shallow.layers) == 2
    assert shallow.heads.weight.shape == (4, 24)


def test_each_language_is_centred_on_its_own() -> None:
    vectors = np.array([[1.0, 1.0], [1.0, -1.0], [5.0, 0.0], [0.0, 5.0]], np.float32)
    unit = centred_unit(vectors, np.array([0, 0, 1, 1]))
    half = 0.5**0.5
    assert unit.tolist() == pytest.approx(np.array([[0, 1], [0, -1], [half, -half], [-half, half]]))


@pytest.fixture
def copied(home: Home, tmp_path: Path) -> Run:
    """Return a copy of the trained run, to be spoilt."""
    shutil.copytree(home.run.folder, tmp_path / "run")
    return Run(tmp_path / "run", home.run.config)


def killed_while_saving(*arguments: Any, **_: Any) -> None:
    """Write half of what numpy or torch would, and die."""
    for target in arguments:
        if isinstance(target, str | Path):
            Path(target).write_bytes(b"half")
        elif hasattr(target, "write"):
            target.write(b"half")
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("stage", "name"),
    [
        ("vectors", "vectors.npy"),
        ("teacher-0", "teacher-0/soft.npy"),
        ("first", "first/encoder.pt"),
    ],
)
def test_a_stage_that_was_killed_while_it_wrote_is_done_again(
    home: Home, copied: Run, stage: str, name: str
) -> None:
    # Given a stage that dies in the middle of writing what tells that it is done
    before = (copied.folder / name).read_bytes()
    (copied.folder / name).unlink()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(np, "save", killed_while_saving)
        patch.setattr(torch, "save", killed_while_saving)
        with pytest.raises(KeyboardInterrupt):
            train(copied, home.data, stages=[stage], threads=1)
    assert not (copied.folder / name).exists()
    # When it is run again, then the same stands there
    train(copied, home.data, stages=[stage], threads=1)
    assert len((copied.folder / name).read_bytes()) == len(before)


@pytest.mark.parametrize(
    "name", ["run.json", "vectors.npy", "teacher-1/soft.npy", "first/encoder.pt"]
)
def test_a_file_that_was_cut_since_is_named(home: Home, copied: Run, name: str) -> None:
    content = (copied.folder / name).read_bytes()
    (copied.folder / name).write_bytes(content[: len(content) // 2])
    (copied.folder / "student/encoder.pt").unlink()
    with pytest.raises(InvalidInput, match=f"{name} is damaged .*: remove it"):
        train(copied, home.data, threads=1)


def test_scores_are_there_before_the_weights(home: Home, copied: Run) -> None:
    # Given a stage that is killed before its weights are written
    for name in ("encoder.pt", "scores.json"):
        (copied.folder / "first" / name).unlink()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "save", killed_while_saving)
        with pytest.raises(KeyboardInterrupt):
            train(copied, home.data, stages=["first"], threads=1)
    # Then its scores are not lost
    assert (copied.folder / "first/scores.json").exists()


def test_scores_that_are_missing_beside_weights_are_written(home: Home, copied: Run) -> None:
    path = copied.folder / "student/scores.json"
    before = path.read_bytes()
    path.unlink()
    train(copied, home.data, stages=["student"], threads=1)
    assert path.read_bytes() == before


def test_a_half_adapted_base_is_not_trained_on(home: Home, copied: Run) -> None:
    # Given a run whose adapting was begun
    (copied.folder / "adapt").mkdir()
    (copied.folder / "adapt/begun.json").write_bytes(b"{}")
    with pytest.raises(
        InvalidInput, match=r"half adapted.*adapt. with the same .*remove the folder"
    ):
        train(copied, home.data, threads=1)
    # Then it trains once that is ended, or undone
    (copied.folder / "adapted.json").write_bytes(b"{}")
    train(copied, home.data, threads=1)
    (copied.folder / "adapted.json").unlink()
    shutil.rmtree(copied.folder / "adapt")
    train(copied, home.data, threads=1)


def test_a_base_that_was_replaced_is_half_adapted_without_its_folder(copied: Run) -> None:
    shutil.copy(copied.folder / "base.npz", copied.folder / "base.original.npz")
    with pytest.raises(InvalidInput, match=r"and move base\.original\.npz to base\.npz"):
        train(copied, Path("none"), threads=1)


def test_a_stage_of_a_run_that_is_not_prepared_says_so(tmp_path: Path, home: Home) -> None:
    run = Run(tmp_path / "run", home.run.config)
    for stage in ("vectors", "teacher-0", "first", "student"):
        with pytest.raises(InvalidInput, match="is not prepared: run the stage `prepare` first"):
            train(run, home.data, stages=[stage])
    assert not run.folder.exists()


def test_a_run_cannot_lie_in_a_file(tmp_path: Path, home: Home) -> None:
    (tmp_path / "run").write_text("mine")
    for folder in (tmp_path / "run", tmp_path / "run/below"):
        with pytest.raises(InvalidInput, match=r"a run cannot lie in .*/run"):
            train(Run(folder, home.run.config), home.data)
    assert (tmp_path / "run").read_text() == "mine"


def test_a_device_that_is_not_there_is_refused(tmp_path: Path, home: Home) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(InvalidInput, match=r"the device is cuda, .* expected --device cpu"):
        train(Run(tmp_path / "run", home.run.config, "cuda"), home.data)
    with pytest.raises(InvalidInput, match="the device is cuda"):
        open_run(home.run.folder, device="cuda")


def test_a_fit_of_more_layers_than_there_are_is_refused(copied: Run) -> None:
    fit = copied.config.student.fit
    deep = Stage(msgspec.structs.replace(fit, layers=99), seed=1)
    with pytest.raises(SettingsInvalid, match=r"fit\.layers is 99; expected 1 to 3"):
        fit_encoder(copied, deep)
    begin = copied.folder / "first/encoder.pt"
    other = Stage(msgspec.structs.replace(fit, layers=3), seed=1, begin=begin)
    with pytest.raises(
        SettingsInvalid, match="holds 2 layers; expected as many as the stage has, 3"
    ):
        fit_encoder(copied, other)
