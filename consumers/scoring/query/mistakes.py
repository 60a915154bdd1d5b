"""Say where a query is wrong, what was expected and what to do.

In: the query, the place, the sentence. Out: a `QueryInvalid` whose text shows the line and a caret under the place.
Imports contracts alone.
"""

import unicodedata

from contracts.errors import QueryInvalid

WINDOW = 36


def mistake(query: str, place: int, *, problem: str) -> QueryInvalid:
    """Return the error for a problem at query[place]; line and column count characters from 1.

    >>> print(mistake("flood AND", 9, problem="expected a term, found the end"))
    line 1, column 10: expected a term, found the end
      flood AND
               ^
    """
    start = query.rfind("\n", 0, place) + 1
    line = query.count("\n", 0, place) + 1
    column = place - start + 1
    shown, caret = _picture(query[start:].split("\n", 1)[0], column - 1)
    message = f"line {line}, column {column}: {problem}\n  {shown}\n  {' ' * caret}^"
    return QueryInvalid(message, line=line, column=column)


def _picture(line: str, place: int) -> tuple[str, int]:
    """Return the part of a line around a place, and how many terminal columns stand before the place."""
    line = line.replace("\t", " ")
    first, last = max(0, place - WINDOW), place + WINDOW
    before = ("…" if first else "") + line[first:place]
    after = line[place:last] + ("…" if last < len(line) else "")
    return before + after, sum(map(_columns, before))


def _columns(char: str) -> int:
    """Return how many columns a terminal gives a character: Chinese ones and full-width forms take two."""
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1
