"""The commands of operations, run in this process against a real broker."""

from collections.abc import Callable

import pytest
import typer
from typer.testing import CliRunner, Result

from consumers.cli.dead_letters import app as dead_letters
from consumers.cli.settings import app as settings_app
from consumers.cli.status import status
from consumers.cli.tail import tail
from consumers.cli.topics import app as topics
from contracts.settings import Settings
from tests.streams import environment_of

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    """Run a command line with the settings of a deployment in its environment; errors of ours are raised."""
    app = typer.Typer()
    app.command()(status)
    app.command()(tail)
    app.add_typer(dead_letters, name="dead-letter")
    app.add_typer(topics, name="topics")
    app.add_typer(settings_app, name="settings")

    def run(settings: Settings | None, *words: str) -> Result:
        given = environment_of(settings) if settings is not None else {}
        result = CliRunner().invoke(app, list(words), env=given)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run
