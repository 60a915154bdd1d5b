"""Heads of the user's own are fields of a query by their names, hyphens and digits too; other words stay words."""

import pytest

from consumers.scoring.query.parser import HEADS, parse_query
from consumers.scoring.query.tree import And, Field, Node, Not, Phrase, Term, render
from contracts.errors import QueryInvalid

OWN = {**HEADS, "support-intents": ("Refund", "card lost"), "level2": (), "intents": ("a",)}


@pytest.mark.parametrize(
    ("query", "tree"),
    [
        ("support-intents:refund", Field("support-intents", "refund")),
        ("Support-Intents:REFUND", Field("support-intents", "refund")),
        ('support-intents:"card lost"', Field("support-intents", "card lost")),
        ("a -support-intents:refund", And((Term("a"), Not(Field("support-intents", "refund"))))),
        ("level2:anything", Field("level2", "anything")),
        ("intents:a", Field("intents", "a")),
        ("covid-19:update", Term("covid-19:update")),
        ("mp3:", Term("mp3:")),
        ("topic-1:foo", Term("topic-1:foo")),
        ("intents2:a", Term("intents2:a")),
        ('covid-19:"a b"', And((Term("covid-19:"), Phrase("a b")))),
    ],
)
def test_a_word_before_a_colon_is_a_field_where_a_head_has_the_name(query: str, tree: Node) -> None:
    assert parse_query(query, heads=OWN) == tree
    assert parse_query(render(tree), heads=OWN) == tree


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("support-intents:refnd", "support-intents:refnd is unknown, did you mean Refund"),
        ("support-intents:", "a value must follow at once"),
        ("suport-intents:refund", "unknown field suport-intents:, did you mean support-intents"),
        ("support-intents:\N{LEFT DOUBLE QUOTATION MARK}x", "this quotation mark is never closed"),
    ],
)
def test_a_misspelt_head_or_label_is_refused(query: str, complaint: str) -> None:
    with pytest.raises(QueryInvalid, match=complaint):
        parse_query(query, heads=OWN)


def test_without_such_a_head_the_word_is_text_as_before() -> None:
    assert parse_query("support-intents:refund") == Term("support-intents:refund")
