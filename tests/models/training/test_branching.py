"""A run of another student begins with what the first run has done, and with nothing that would be another's."""

from pathlib import Path

import msgspec
import pytest

from contracts.errors import InvalidInput, SettingsInvalid
from models.training.branching import branch
from models.training.pipeline import Run, train
from tests.models.training.tiny import FIT
from tests.models.training.trained import Home

pytest.importorskip("torch")


def with_student(home: Home, folder: Path, **changes: object) -> Run:
    student = msgspec.to_builtins(home.run.config.student) | changes
    config = msgspec.to_builtins(home.run.config) | {"student": student, "name": "other"}
    return Run(folder, msgspec.convert(config, type(home.run.config)))


def test_another_student_is_trained_without_training_teachers_again(
    home: Home, tmp_path: Path
) -> None:
    # Given a finished run, and one whose student's last stage differs
    run = with_student(home, tmp_path / "run", fit=FIT | {"samples": 50, "soft_labels": 0.5})
    # When that one is begun from it
    done = branch(run, home.run.folder)
    # Then all but the last stage is there, and training leaves it as it is
    assert done == ["prepare", "vectors", "teacher-0", "teacher-1", "first"]
    assert not (run.folder / "student").exists()
    soft = run.folder / "teacher-1/soft.npy"
    before = soft.stat().st_mtime_ns
    train(run, home.data, threads=1)
    assert (run.folder / "student/encoder.pt").exists()
    assert soft.stat().st_mtime_ns == before
    assert not (run.folder / "teacher-0/encoder.pt").exists()
    # And to begin it again changes nothing
    assert branch(run, home.run.folder) == done


def test_a_first_stage_of_other_settings_is_not_kept(home: Home, tmp_path: Path) -> None:
    run = with_student(home, tmp_path / "run", first=FIT | {"samples": 50})
    assert branch(run, home.run.folder) == ["prepare", "vectors", "teacher-0", "teacher-1"]
    assert not (run.folder / "first").exists()


def test_what_differs_beside_the_student_is_refused_by_name(home: Home, tmp_path: Path) -> None:
    config = msgspec.structs.replace(home.run.config, seed=8, rows=100)
    with pytest.raises(SettingsInvalid, match="another seed, rows; only student and name may"):
        branch(Run(tmp_path / "run", config), home.run.folder)
    assert not (tmp_path / "run").exists()


def test_a_run_that_is_not_prepared_is_no_source(home: Home, tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare/run.json").write_bytes(msgspec.json.encode(home.run.config))
    with pytest.raises(InvalidInput, match="bare is not prepared"):
        branch(Run(tmp_path / "run", home.run.config), tmp_path / "bare")
