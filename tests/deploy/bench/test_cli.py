"""The command refuses at once what would run without end or break at its end."""

import pytest
from typer.testing import CliRunner

from deploy.bench.cli import app


@pytest.mark.parametrize(
    "words",
    [
        ["text", "--seconds", "inf"],
        ["text", "--seconds", "nan"],
        ["text", "--seconds", "601"],
        ["text", "--records", "99999999999"],
        ["text", "--records", "49"],
        ["text", "--rounds", "101"],
        ["start", "--records", "99999999999"],
        ["start", "--rounds", "101"],
    ],
)
def test_a_value_beyond_what_can_be_measured_is_refused_with_its_option(words: list[str]) -> None:
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 2
    assert f"Invalid value for '{words[1]}'" in result.output


@pytest.mark.parametrize("command", ["text", "start"])
def test_help_says_what_is_measured(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert ("25 minutes" in result.output) is (command == "text")
