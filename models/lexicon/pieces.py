"""Add up by word what a network says of each piece.

In: [start, end) of words and of pieces in one line, both in order, and values of the pieces. Out: values of the words.
Pure; imports the standard library alone.
"""

from collections.abc import Sequence


def by_word(
    words: Sequence[tuple[int, int]],
    offsets: Sequence[tuple[int, int]],
    *,
    values: Sequence[float],
    alone: Sequence[float] = (),
) -> tuple[list[float], list[float]]:
    """Return the sum of the pieces' values by word, and the greatest of what they say alone, at least 0.

    The value of a piece over several words is parted by their characters in it.

    >>> by_word(
    ...     [(0, 2), (3, 5)],
    ...     [(0, 2), (2, 4), (4, 5)],
    ...     values=[1.0, 2.0, 4.0],
    ...     alone=[3.0, 5.0, -1.0],
    ... )
    ([1.0, 6.0], [3.0, 5.0])
    """
    sums, most = [0.0] * len(words), [0.0] * len(words)
    if not words:
        return sums, most
    at, final = 0, len(words) - 1
    first, last = words[0]
    for number, (start, end) in enumerate(offsets):
        while last <= start and at < final:
            at += 1
            first, last = words[at]
        if first >= end or last <= start:
            continue
        says = alone[number] if alone else 0.0
        if last >= end or at == final or words[at + 1][0] >= end:
            sums[at] += values[number]
            if says > most[at]:
                most[at] = says
            continue
        for word, part in enumerate(parts_of(words[at:], start, end=end), at):
            sums[word] += values[number] * part
            most[word] = max(most[word], says)
    return sums, most


def parts_of(words: Sequence[tuple[int, int]], start: int, *, end: int) -> list[float]:
    """Return how much of the characters at [start, end) that are words' lies in each; the first reaches into them."""
    sizes = []
    for first, last in words:
        if first >= end:
            break
        sizes.append(min(end, last) - max(start, first))
    return [size / sum(sizes) for size in sizes]
