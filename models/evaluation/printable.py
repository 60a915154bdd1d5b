"""Show what a person's data says, without letting it command the terminal.

In: text from a file. Out: the same, with escapes for what would move the cursor, colour, hide or turn round. Pure;
imports nothing.
"""


def printable(text: str) -> str:
    r"""Return `text` with every character that is not printable written as Python writes it.

    >>> print(printable("a\x1b[31mb 好\u202e"))
    a\x1b[31mb 好\u202e
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text
    )
