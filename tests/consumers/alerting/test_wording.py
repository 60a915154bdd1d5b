"""Lengths of time in words: never so rounded that a limit looks like another."""

import pytest

from consumers.alerting.wording import length

UNITS = ("s", "min", "h", "d")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, (0, "s")), (150, (150, "s")), (180, (3, "min")), (5400, (90, "min")), (9000, (150, "min")),
        (10_805, (3, "h")), (36 * 3600, (36, "h")), (30 * 86_400, (30, "d")),
    ],
)  # fmt: skip
def test_a_length_is_told_in_the_largest_unit_that_is_right_within_a_twentieth(
    seconds: int, words: tuple[int, str]
) -> None:
    assert length(seconds, units=UNITS) == words
