"""Arms take turns forth and back, and only what was measured in one round is compared."""

import pytest

from contracts.errors import InvalidInput
from deploy.bench.turns import Ratio, held_within, longest_within, order, percentile, ratio


def test_arms_take_turns_forth_and_back() -> None:
    assert [arm for _, arm in order("abc", 3)] == list("abccbaabc")
    assert [turn for turn, _ in order("ab", 2)] == [0, 0, 1, 1]


def test_a_ratio_is_of_the_same_round() -> None:
    # Given a machine that was twice as fast in the second round
    rates = {"one": [10.0, 20.0, 11.0], "other": [5.0, 10.0, 5.0]}
    # Then the ratio hardly moves
    assert ratio(rates, "one", below="other") == Ratio(2.0, 2.0, 2.2)


@pytest.mark.parametrize(
    ("share", "value"), [(0.5, 50.0), (0.99, 99.0), (1.0, 100.0), (0.001, 1.0)]
)
def test_a_percentile_is_one_of_the_values(share: float, value: float) -> None:
    assert percentile([float(n) for n in range(100, 0, -1)], share) == value


def test_latency_holds_up_to_the_first_rate_at_which_it_does_not() -> None:
    assert longest_within({0.5: 90.0, 0.3: 80.0, 0.7: 300.0, 0.8: 100.0}, 250.0) == 0.5
    assert longest_within({0.3: 251.0}, 250.0) == 0.0


def test_a_percentile_of_nothing_is_refused_in_words() -> None:
    with pytest.raises(InvalidInput, match=r"no p99.9; expected a value"):
        percentile([], 0.999)


def test_the_share_that_is_held_is_told_with_that_of_each_pass() -> None:
    # Given three passes, one of which had a pause at half of saturation, and one at nearly all of it
    passes = [{0.5: 100.0, 0.8: 240.0}, {0.5: 300.0, 0.8: 240.0}, {0.5: 90.0, 0.8: 400.0}]
    # Then the median of the passes decides, and the worst and the best are told
    assert held_within(passes, 250.0) == Ratio(0.8, 0.0, 0.8)
