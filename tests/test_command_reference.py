"""The page of commands says what the commands are."""

from pathlib import Path

import typer.main

from consumers.cli.reference import commands_page
from hubbub import app

PAGE = Path(__file__).parents[1] / "contracts/reference/commands.md"


def test_the_page_of_commands_is_as_the_commands_are_now() -> None:
    # Given the commands as they are mounted
    # When their page is made anew
    page = commands_page(typer.main.get_command(app))
    # Then it is the one in the repository
    assert page == PAGE.read_text(encoding="utf-8"), "`make references` writes it anew"


def test_the_page_names_every_group_and_its_options() -> None:
    page = commands_page(typer.main.get_command(app))
    for words in (
        "`hubbub score`",
        "`hubbub watch add NAME`",
        "`hubbub dead-letter retry",
        "`--bootstrap`",
    ):
        assert words in page
