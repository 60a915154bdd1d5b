"""The tree of errors is the one that is drawn, and each error can be acted upon."""

import re
from typing import get_args

import pytest

from contracts import errors
from contracts.errors import Disposition, HubbubError, QueryInvalid, RecordInvalid
from contracts.reference import every_error

ALL = every_error()


def drawn() -> dict[str, str | None]:
    """Return each class in the docstring's drawing with its parent."""
    stack: list[str] = []
    parents: dict[str, str | None] = {}
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"    ((?:│   |    )*)(├── |└── )?([A-Z]\w+)", line)
        if match:
            depth = len(match[1]) // 4 + (1 if match[2] else 0)
            stack[depth:] = [match[3]]
            parents[match[3]] = stack[depth - 1] if depth else None
    return parents


def test_the_tree_is_the_one_that_is_drawn() -> None:
    real = {
        error.__name__: error.__bases__[0].__name__ for error in ALL if error is not HubbubError
    }
    assert drawn() == {"HubbubError": None} | real


def test_every_class_of_the_module_is_in_the_tree() -> None:
    found = {
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, BaseException)
    }
    assert found == set(ALL)


def test_no_two_errors_share_a_code() -> None:
    codes = [error.code for error in ALL]
    assert sorted(set(codes)) == sorted(codes)


@pytest.mark.parametrize("error", ALL)
def test_an_error_has_its_own_code_a_disposition_and_a_meaning(error: type[HubbubError]) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", vars(error)["code"])
    assert error.disposition in get_args(Disposition)
    assert (error.__doc__ or "").strip()


@pytest.mark.parametrize("error", [e for e in ALL if issubclass(e, RecordInvalid)])
def test_an_invalid_record_is_a_dead_letter_and_names_its_place(error: type[RecordInvalid]) -> None:
    assert error.disposition == "dead_letter"
    assert error("wrong", place="$.media[0].url").place == "$.media[0].url"
    assert error("wrong").place == "$"


def test_a_wrong_query_names_line_and_column() -> None:
    error = QueryInvalid("a parenthesis is not closed", line=2, column=7)
    assert (str(error), error.line, error.column) == ("a parenthesis is not closed", 2, 7)
