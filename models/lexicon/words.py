"""Split a normalised line into the words that a span may consist of.

In: a line, and a divider for Chinese. Out: [start, end) of each word, in order. Imports models.lexicon.chinese alone.

A word is a run of letters and digits with the `#` before it and apostrophes or hyphens inside, a word of Chinese, a run
of emoji or other signs, an emoticon, or a sign in brackets as on Weibo ([泪]). Punctuation is none, nor is what stands
for a link or a handle.
"""

import re

from models.lexicon.chinese import Divider

_EAST = "\u2e80-\U0003ffff"
_PUNCTUATION = r"\s,.!?;:，。！？；：、\"“”'‘’()（）~…\-—_/\\|<>《》【】「」*@#&%+=^`{}$\[\]"
_BRACKETED = r"\[[^\[\]\s]{1,6}\]"
_EMOTICON = r"(?<!\S)(?:[:;=]-?[)(DPp/|]|<3)(?!\S)"
# Text in ASCII alone is common, and takes a third of the time.
_ASCII_WORD = re.compile(rf"[@#]?[A-Za-z0-9]+(?:['\-_][A-Za-z0-9]+)*|{_BRACKETED}|{_EMOTICON}")
_WORD = re.compile(
    rf"[@#]?[^\W{_EAST}_]+(?:['’\-_][^\W{_EAST}_]+)*"
    r"|(?P<han>[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+)"
    rf"|{_BRACKETED}|\w+|{_EMOTICON}|[^\w{_PUNCTUATION}]+"
)
PLACEHOLDERS = frozenset({"@user", "http"})


def split_words(line: str, divider: Divider) -> list[tuple[int, int]]:
    """Return the words of `line`.

    >>> divider = Divider({"不": 9, "开心": 5, "我": 9})
    >>> line = "@user #so-happy!!! 我不开心[泪] 😂😂 :)"
    >>> [line[start:end] for start, end in split_words(line, divider)]
    ['#so-happy', '我', '不', '开心', '[泪]', '😂😂', ':)']
    """
    if line.isascii():
        spans = [match.span() for match in _ASCII_WORD.finditer(line)]
    else:
        spans = []
        for match in _WORD.finditer(line):
            if match.lastgroup is None:
                spans.append(match.span())
            else:
                offset = match.start()
                parts = divider.divide(match.group())
                spans += [(offset + start, offset + end) for start, end in parts]
    if "@user" in line or "http" in line:
        return [span for span in spans if line[span[0] : span[1]] not in PLACEHOLDERS]
    return spans
