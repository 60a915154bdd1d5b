"""Counting: how many records lie between two offsets, truly.

In: spans of offsets. Out: a count that is exact where the span is narrow enough to be read, else an upper bound.
Offsets also number what no reader sees: the marks at the end of transactions, what was aborted, what was compacted.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from consumers.operations.reading import Reader, Span
from consumers.protocols import Input

READ_AT_MOST = 1000


class Count(msgspec.Struct, frozen=True):
    """Hold a number of records: the number itself, or where not `exact` what it cannot exceed."""

    records: int
    exact: bool = True

    def __str__(self) -> str:
        return f"{self.records:,}" if self.exact else f"at most {self.records:,}"

    def plus(self, other: "Count") -> "Count":
        """Return the sum, exact where both are."""
        return Count(self.records + other.records, self.exact and other.exact)


def count_records(
    reader: Reader, spans: Mapping[Input, Span], *, read_at_most: int = READ_AT_MOST
) -> dict[Input, Count]:
    """Return the count of each span; one of at most `read_at_most` offsets is read, a wider one bounded."""
    narrow = {source: span for source, span in spans.items() if span.width <= read_at_most}
    seen = Counter(Input(record.topic, record.partition) for record in reader.read(narrow))
    return {
        source: Count(seen[source]) if source in narrow else Count(span.width, exact=False)
        for source, span in spans.items()
    }


def total(counts: Iterable[Count]) -> Count:
    """Return the sum of counts."""
    whole = Count(0)
    for count in counts:
        whole = whole.plus(count)
    return whole
