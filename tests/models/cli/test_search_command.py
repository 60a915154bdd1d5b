"""`search` begins a run of its winner, which `train` then finishes without training a teacher again."""

import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from models.cli.app import app
from tests.models.cli.test_training_commands import BASE, CONFIG
from tests.models.training.tiny import FIT, write_base, write_data


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def written_config(folder: Path) -> Path:
    """Write data, base encoder and config; return the config's path."""
    write_data(folder / "data")
    base = BASE.format(sha256=write_base(folder / "packages"))
    fit = ", ".join(f"{key} = {value}" for key, value in FIT.items())
    path = folder / "tiny.toml"
    path.write_text(CONFIG.format(base=base, fit=f"{{ {fit} }}"), encoding="utf-8")
    return path


def test_the_winner_of_a_search_is_trained_by_the_command_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("optuna")
    # Given a search that is done
    config = written_config(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path / "packages"))
    places = ["--config", config, "--data", tmp_path / "data", "--out", tmp_path / "run"]
    common = ["search", *places, "--samples", 40, "--set", "seed=8", "--threads", 1]
    result = run(*common, "--trials", 2)
    assert result.exit_code == 0, result.output
    assert "give this command again with --winner FOLDER" in result.output
    # When its winner is asked for
    result = run(*common, "--trials", 2, "--winner", tmp_path / "best")
    assert result.exit_code == 0, result.output
    assert f"begun: {tmp_path / 'best'} (prepare, vectors, teacher-0, teacher-1, first)" in (
        result.output
    )
    # Then the command that it tells trains it, from the same teachers
    line = result.output.split("next: ")[1].splitlines()[0]
    words = shlex.split(line)
    assert words[:3] == ["hubbub", "models", "train"]
    result = run(*words[2:], "--threads", 1)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "best/student/encoder.pt").exists()
    assert not (tmp_path / "best/teacher-0/encoder.pt").exists()
