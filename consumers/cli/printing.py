"""Printing: tables, safe text, progress; for every command alike.

In: rows and records. Out: words on stdout, progress on stderr where that is a terminal. Imports rich and msgspec alone.
"""

import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

PIPE_WIDTH = 10_000
# Joiners are part of words and of emoji; every other format character can make a line lie about itself.
_JOINERS = "\u200c\u200d"
_UNSAFE = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
T = TypeVar("T")


def console() -> Console:
    """Return the console of stdout; where that is no terminal nothing is cut or wrapped."""
    width = None if sys.stdout.isatty() else PIPE_WIDTH
    return Console(file=sys.stdout, width=width, highlight=False, markup=False, soft_wrap=True)


def safe(text: str) -> str:
    r"""Return text in one line that cannot steer a terminal: control and direction characters become escapes.

    >>> print(safe("a\x1b[2Jb\u202ec\nd"))
    a\x1b[2Jb\u202ec\nd
    """
    return "".join(
        character.encode("unicode_escape").decode() if _is_unsafe(character) else character
        for character in text
    )


def shown_bytes(raw: bytes | None, limit: int | None = None) -> str:
    """Return bytes as safe text, what is not UTF-8 as escapes; `limit` cuts after so many bytes and says so."""
    if raw is None:
        return "(null)"
    cut = raw if limit is None else raw[:limit]
    words = safe(cut.decode("utf-8", "backslashreplace"))
    return words if len(cut) == len(raw) else f"{words} … ({len(raw):,} bytes in all)"


def print_table(header: Sequence[str], rows: Iterable[Sequence[str]], *, right: str = "") -> None:
    """Print rows under a header; columns named in `right`, space-separated, stand to the right. Cells are made safe."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in header:
        table.add_column(
            name, justify="right" if name in right.split() else "left", overflow="fold"
        )
    for row in rows:
        table.add_row(*[Text(safe(cell)) for cell in row])
    console().print(table, soft_wrap=False)


def print_json(document: Any, *, in_one_line: bool = False) -> None:
    """Print a JSON document, for people in lines, or as one line of many."""
    raw = msgspec.json.encode(document)
    words = raw if in_one_line else msgspec.json.format(raw, indent=2)
    sys.stdout.write(words.decode() + "\n")
    sys.stdout.flush()


def watched(items: Iterable[T], most: int, words: str) -> Iterator[T]:  # noqa: PLR0917
    """Yield the items, with a bar on stderr where that is a terminal; `most` is the most there can be."""
    with Progress(
        console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
    ) as bar:
        task = bar.add_task(safe(words), total=most)
        for item in items:
            yield item
            bar.advance(task)


def _is_unsafe(character: str) -> bool:
    return character not in _JOINERS and unicodedata.category(character) in _UNSAFE
