"""The names nearest to one that is not known, in words for whoever mistyped it. In: names. Out: words. Pure."""

import difflib
from collections.abc import Collection

MOST = 3


def nearest(word: str, known: Collection[str], *, cutoff: float = 0.6) -> str:
    """Return words that name the known ones nearest to `word`, alike by `cutoff` at least; empty where none is.

    >>> nearest("sensitivty", ["sensitivity", "severity"])
    'near: sensitivity'
    """
    found = difflib.get_close_matches(word, list(known), n=MOST, cutoff=cutoff)
    return f"near: {', '.join(found)}" if found else ""
