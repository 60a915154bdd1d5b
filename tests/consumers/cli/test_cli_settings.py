"""`hubbub settings`: each value with where it came from, and mistakes with their neighbours."""

import json
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import SettingsInvalid
from contracts.settings import known_keys


def shown(run: Any, *words: str) -> dict[str, dict[str, str]]:
    rows = json.loads(run(None, "settings", "show", "--json", *words).stdout)
    return {row["key"]: row for row in rows}


def test_show_tells_where_each_value_came_from(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a file, a variable and a flag, each over the one before it
    file = tmp_path / "mine.toml"
    file.write_text('[kafka]\nbootstrap = "file:1"\n[http]\nport = 1\n[score]\ngroup = "mine"\n')
    monkeypatch.setenv("HUBBUB_HTTP_PORT", "2")
    monkeypatch.setenv("HUBBUB_METRICS_PORT", "")
    # When all is shown
    found = shown(run, "--settings", str(file), "--bootstrap", "flag:1")
    # Then the strongest has won, and says so
    assert found.keys() == known_keys().keys()
    assert found["kafka.bootstrap"] == {
        "key": "kafka.bootstrap", "value": "flag:1", "from": "flag", "variable": "HUBBUB_KAFKA_BOOTSTRAP",
    }  # fmt: skip
    assert (found["http.port"]["value"], found["http.port"]["from"]) == ("2", "environment")
    assert (found["score.group"]["value"], found["score.group"]["from"]) == ("mine", f"file {file}")
    assert found["metrics.port"]["from"] == "default"


def test_a_secret_is_never_shown(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBBUB_HTTP_API_KEY", "open-sesame")
    result = run(None, "settings", "show")
    assert "open-sesame" not in result.output
    assert "**********" in result.output


def test_check_counts_what_is_set(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[http]\nport = 1\n")
    result = run(None, "settings", "check", "--file", str(file))
    assert (result.exit_code, f"1 from file {file}" in result.stdout) == (0, True)


def test_check_names_the_nearest_keys(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[kafka]\nbootstap = "x:1"\n')
    with pytest.raises(SettingsInvalid, match=r"kafka\.bootstap is no setting; near: kafka\.boots"):
        run(None, "settings", "check", "--file", str(file))


def test_the_file_in_the_working_folder_is_found(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hubbub.toml").write_text("[http]\nport = 7\n")
    monkeypatch.chdir(tmp_path)
    assert shown(run)["http.port"]["from"] == "file hubbub.toml"
