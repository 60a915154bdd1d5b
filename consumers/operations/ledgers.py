"""The ledgers of a group, read from the end of its changelog.

In: a changelog and the inputs whose committed offset has moved on. Out: the last ledger of each. A ledger is the last
record of each transaction, so the newest lie near the end, and the state before them is not read.
"""

from collections.abc import Iterable, Mapping

from consumers.operations.reading import Reader, Span
from consumers.protocols import Input
from consumers.runtime.changelog import change_key
from consumers.runtime.ledger import KEY, Ledger, read_ledger


def read_ledgers(
    reader: Reader, changelog: Mapping[Input, Span], *, inputs: Iterable[Input]
) -> dict[Input, Ledger]:
    """Return the last committed ledger of each input; one that has none yet is left out.

    `changelog` holds the spans of the changelog's partitions; input partition p keeps its ledger in partition p.
    """
    wanted: dict[int, set[Input]] = {}
    for source in inputs:
        wanted.setdefault(source.partition, set()).add(source)
    found: dict[Input, Ledger] = {}
    for place, span in changelog.items():
        found |= _last_ledgers(reader, place, span=span, wanted=wanted.get(place.partition, set()))
    return found


def _last_ledgers(
    reader: Reader, place: Input, *, span: Span, wanted: set[Input]
) -> dict[Input, Ledger]:
    missing = {change_key(source, KEY): source for source in wanted}
    found: dict[Input, Ledger] = {}
    if not missing:
        return found
    for window in reader.windows_back(place, span):
        for record in reversed(window):
            source = missing.pop(record.key or b"", None)
            if source is not None:
                found[source] = read_ledger(record.value)
        if not missing:
            break
    return found
