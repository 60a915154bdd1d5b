"""Filtering: which rows are wanted.

In: `field=value` conditions. Out: yes or no for a row. Pure; imports contracts and the mapping.
"""

from collections import defaultdict
from collections.abc import Sequence

from contracts.errors import SourceInvalid
from producers.sources.file.mapping import Row, value_at


class RowFilter:
    """Want rows in which every named field has one of the values that were given for it.

    `event=a event=b lang=en` wants event a or b, in English. Values are compared as text; a list in the row has a
    value if one of its items is it. Raises SourceInvalid for a condition without `=`.
    """

    def __init__(self, conditions: Sequence[str] = ()) -> None:
        wanted: dict[str, set[str]] = defaultdict(set)
        for condition in conditions:
            path, equals, value = condition.partition("=")
            if not equals or not path:
                raise SourceInvalid(f"--only {condition!r}; expected FIELD=VALUE, such as lang=en")
            wanted[path].add(value)
        self._wanted = dict(wanted)

    def wants(self, row: Row) -> bool:
        """Say whether a row is wanted."""
        return all(_has(value_at(row, path), values) for path, values in self._wanted.items())


def _has(value: object, wanted: set[str]) -> bool:
    if isinstance(value, list):
        return any(_words(item) in wanted for item in value)
    return _words(value) in wanted


def _words(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
