"""Every stage of training, whole, on a tiny encoder and written data: the student learns what the data say."""

import json
from pathlib import Path

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
    build_encoder,
    centred_unit,
    claim_run,
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
