"""What a person's data says is shown, and obeyed by no terminal."""

import pytest

from models.evaluation.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a \u5f00\u5fc3 \U0001f600", "a \u5f00\u5fc3 \U0001f600"),
        ("", ""),
        ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
        ("a\u202eb\x9b", r"a\u202eb\x9b"),
        ("a\nb", r"a\nb"),
        ("\ud800", r"\ud800"),
    ],
)
def test_what_is_not_printable_is_written_as_an_escape(text: str, shown: str) -> None:
    assert printable(text) == shown
