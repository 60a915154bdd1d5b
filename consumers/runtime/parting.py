"""Parting a batch: into single records, or in halves, each input's order kept.

In: the records of a batch by input. Out: smaller batches, together the whole. Pure.
"""

from collections.abc import Iterator, Mapping, Sequence

from consumers.protocols import Input, Record


def singly(records: Mapping[Input, Sequence[Record]]) -> Iterator[dict[Input, Sequence[Record]]]:
    """Yield every record alone, input after input."""
    for source, many in records.items():
        for record in many:
            yield {source: [record]}


def halves(records: Mapping[Input, Sequence[Record]]) -> Iterator[dict[Input, Sequence[Record]]]:
    """Part every input's records in the middle, the earlier ones first; single ones input by input."""
    if all(len(many) == 1 for many in records.values()):
        yield from singly(records)
        return
    middles = {source: (len(many) + 1) // 2 for source, many in records.items()}
    yield {source: many[: middles[source]] for source, many in records.items()}
    later = {source: many[middles[source] :] for source, many in records.items()}
    yield {source: many for source, many in later.items() if many}
