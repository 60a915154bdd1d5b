"""Every row of the tables in QUERIES.md that says what a query finds is true."""

import re
from pathlib import Path

import pytest

from consumers.scoring.chinese import Lexicon
from consumers.scoring.matching import Matcher, compile_watch
from consumers.scoring.query.parser import DEPTH_LIMIT, TERM_LIMIT, parse_query
from consumers.scoring.query.tree import render
from consumers.scoring.views import MatchInput
from contracts.watches import QUERY_LIMIT

DOCUMENT = (Path(__file__).parents[3] / "consumers/scoring/QUERIES.md").read_text(encoding="utf-8")
ROWS = re.findall(r"(?m)^\| `([^`]+)` \| (.+?) \| (yes|no) \| .+ \|$", DOCUMENT)
SYNTAX = re.findall(r"(?m)^\| (`.+?) \| [^|]+ \|$", DOCUMENT.split("## What a term finds")[0])


@pytest.mark.parametrize(("query", "text", "matches"), ROWS)
def test_a_row_of_the_table_is_true(query: str, text: str, matches: str, lexicon: Lexicon) -> None:
    matcher = Matcher([compile_watch("w", query)], lexicon)
    assert bool(matcher.candidates(MatchInput(text))) is (matches == "yes")


def test_the_tables_are_read_whole() -> None:
    assert len(ROWS) == len(re.findall(r"(?m)\| (?:yes|no) \|", DOCUMENT)) == 33
    assert len(SYNTAX) == 12


@pytest.mark.parametrize(
    "query", [query for row in SYNTAX for query in re.findall("`([^`]+)`", row)]
)
def test_what_the_document_shows_parses(query: str) -> None:
    assert parse_query(render(parse_query(query))) == parse_query(query)


def test_the_limits_are_those_of_the_parser() -> None:
    assert f"At most {QUERY_LIMIT:,} characters, {TERM_LIMIT} terms" in DOCUMENT
    assert f"{DEPTH_LIMIT} levels of brackets" in DOCUMENT


def test_korean_is_searched_by_words_between_spaces(lexicon: Lexicon) -> None:
    for query, matches in (("서울*", True), ("서울", False)):
        matcher = Matcher([compile_watch("w", query)], lexicon)
        assert bool(matcher.candidates(MatchInput("서울은 비"))) is matches
