"""The order in which arms take their turns, and what comes of it: ratios of one turn beside another's.

In: rates by arm and round. Out: ratios with their median and range. Pure.

A machine that others use grows faster and slower by the minute. So arms take turns A B B A, and only what was measured
in the same round is compared.
"""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from contracts.errors import InvalidInput


class Ratio(NamedTuple):
    """Hold the median of the rounds' ratios, and the least and greatest of them."""

    median: float
    least: float
    most: float


def order(arms: Sequence[str], rounds: int) -> Iterator[tuple[int, str]]:
    """Yield (round, arm): forth in even rounds, back in odd ones.

    >>> list(order(("a", "b"), 2))
    [(0, 'a'), (0, 'b'), (1, 'b'), (1, 'a')]
    """
    for turn in range(rounds):
        for arm in arms if turn % 2 == 0 else reversed(arms):
            yield turn, arm


def ratio(rates: Mapping[str, Sequence[float]], above: str, *, below: str) -> Ratio:
    """Return how many times the rate of `below` that of `above` is, round by round.

    >>> ratio({"a": [2.0, 3.0, 9.0], "b": [1.0, 1.0, 1.0]}, "a", below="b")
    Ratio(median=3.0, least=2.0, most=9.0)
    """
    found = [one / other for one, other in zip(rates[above], rates[below], strict=True)]
    return Ratio(*(round(pick(found), 3) for pick in (statistics.median, min, max)))


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest of `values` that a `share` of them does not surpass; raises InvalidInput for no values.

    >>> percentile([5.0, 1.0, 3.0, 2.0], 0.5)
    2.0
    """
    if not values:
        raise InvalidInput(
            f"nothing was measured, so there is no p{100 * share:g}; expected a value"
        )
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]


def longest_within(latencies: Mapping[float, float], limit_ms: float) -> float:
    """Return the greatest share of saturation up to which every measured p99 keeps to a limit, 0 where none does.

    >>> longest_within({0.3: 90.0, 0.5: 120.0, 0.8: 900.0}, 250.0)
    0.5
    """
    reached = 0.0
    for share in sorted(latencies):
        if latencies[share] > limit_ms:
            break
        reached = share
    return reached


def held_within(passes: Sequence[Mapping[float, float]], limit_ms: float) -> Ratio:
    """Return up to which share the passes' median keeps to a limit, and the least and most of each pass by itself.

    >>> held_within(
    ...     [{0.3: 90.0, 0.5: 240.0}, {0.3: 80.0, 0.5: 260.0}, {0.3: 70.0, 0.5: 230.0}], 250.0
    ... )
    Ratio(median=0.5, least=0.3, most=0.5)
    """
    medians = {share: statistics.median(each[share] for each in passes) for share in passes[0]}
    alone = [longest_within(each, limit_ms) for each in passes]
    return Ratio(longest_within(medians, limit_ms), min(alone), max(alone))
