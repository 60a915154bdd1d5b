"""A rule on one line says what a table says; what it cannot say is refused with its form."""

import pytest

from consumers.operations.rule_lines import rule_of
from contracts.errors import RuleInvalid
from contracts.watches import Rule


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("volume_spike", Rule("volume_spike")),
        ("  silence   for=2h ", Rule("silence", {"for": "2h"})),
        ("silence source='the news'", Rule("silence", {"source": "the news"})),
        ("silence id=quiet source=a=b", Rule("silence", {"source": "a=b"}, "quiet")),
        ("negative_surge by=topic", Rule("negative_surge", {"by": "topic"})),
    ],
)
def test_a_line_is_a_rule(line: str, rule: Rule) -> None:
    assert rule_of(line) == rule


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("", "is empty"),
        ("silence 'source=a", "No closing quotation"),
        ("silence source", "'source' is no setting"),
        ("silence =a", "'=a' is no setting"),
        ("silence for=1h for=2h", "'for=2h' is there twice"),
        ("silence id=two/parts", "id"),
    ],
)
def test_a_line_that_is_no_rule_is_refused_with_the_form(line: str, told: str) -> None:
    with pytest.raises(RuleInvalid, match=f"{told}.*; expected KIND"):
        rule_of(line)
