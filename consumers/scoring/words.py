"""Fold a text into the plain form that watches are matched on, and find the way back.

In: a text as its author wrote it. Out: the plain text, the kind of each of its characters, and for a span of the plain
text the span of the original. Imports the standard library and opencc alone.

Folding, the same for queries and texts:

1. NFKC: full-width is half-width, ligatures and circled digits are their letters; invisible characters are dropped.
2. Case folding (`Straße` is `strasse`). Accents stay: `café` is not `cafe`.
3. Traditional characters become simplified, one by one (OpenCC's t2s): `臺灣` is `台湾`.
4. What is neither letter, digit, mark nor symbol becomes a space, but `_` stays (it ends a word, not a hashtag).
   An apostrophe is such a separator except in `n't`: `Apple's` holds `apple`, `don't` does not hold `don`.

Kinds: WORD (letters, digits and marks of scripts that put spaces between words), HAN (Chinese characters), FREE (kana,
Thai, Lao, Khmer, Burmese: no spaces and no dictionary here), SYMBOL (emoji, currency, `#@%+`), GAP (the rest).

>>> fold("Apple’s ｉＰｈｏｎｅ®15手機！").plain
'apple s iphone 15手机 '
"""

import functools
import re
import unicodedata
from enum import IntEnum
from typing import NamedTuple

import opencc

HAN_RANGES = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
FREE_RANGES = "\u0e00-\u0eff\u0f00-\u109f\u1780-\u17ff\u3041-\u30ff\u31f0-\u31ff"
BARRIER = "\x1e"

_HAN = re.compile(f"[{HAN_RANGES}]")
_FREE = re.compile(f"[{FREE_RANGES}]")
_NOT = re.compile(r"(?<=[nN])['’‘＇](?=[tT](?![^\W_]))")
# A character with more marks than any language writes is folded in parts: normalising takes the square of their number.
CLUSTER_LIMIT = 32
_UNEVEN = "\x1f"
_MODIFIER_APOSTROPHE = "\u02bc"
_TRADE_MARKS = "™℠®©"
_SYMBOLS = "#@%+"
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_FILLERS = "\u034f\u115f\u1160\u3164\uffa0"
_VARIATIONS = re.compile("[\ufe00-\ufe0f\u180b-\u180f\U000e0100-\U000e01ef]")


class Kind(IntEnum):
    """Say how a character takes part in words."""

    GAP = 0
    WORD = 1
    HAN = 2
    FREE = 3
    SYMBOL = 4


class _Kinds(dict[str, Kind]):
    """The kind of each character of a plain text, looked up once."""

    def __missing__(self, char: str) -> Kind:
        kind = self[char] = _kind(char)
        return kind


class _Plain(dict[int, str]):
    """The plain form of each character that has one of its own length; `_UNEVEN` for any other."""

    def __missing__(self, code: int) -> str:
        folded = _UNEVEN if _joins(chr(code)) else _fold_cluster(chr(code))
        plain = self[code] = folded if len(folded) == 1 else _UNEVEN
        return plain


class _Words(dict[int, str]):
    """Each character of a word of letters itself, any other a space."""

    def __missing__(self, code: int) -> str:
        char = self[code] = chr(code) if KIND[chr(code)] is Kind.WORD else " "
        return char


class Folded(NamedTuple):
    """Hold a plain text; `starts` and `ends` give each character's place in the original where it differs."""

    plain: str
    starts: list[int] | None = None
    ends: list[int] | None = None

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of the original text behind plain[start:end]; not for an empty span."""
        if self.starts is None or self.ends is None:
            return start, end
        return self.starts[start], self.ends[end - 1]


def fold(text: str) -> Folded:
    """Return the plain form of `text`.

    Any str is taken, lone surrogates too. One table look-up a character where no character changes length, which is
    nearly always; else piece by piece with a map of offsets.
    """
    if "'" in text or "’" in text or "‘" in text or "＇" in text:
        text = _NOT.sub(_MODIFIER_APOSTROPHE, text)
    plain = text.translate(_PLAIN)
    return _fold_uneven(text, plain) if _UNEVEN in plain else Folded(plain)


def words_of(plain: str) -> list[str]:
    """Return the words of letters and digits of a plain text, in order."""
    return plain.translate(_WORDS).split()


def fold_value(value: str) -> str:
    """Return a name or label as fields compare it: NFKC, case folded, without spaces around it."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", value).casefold()).strip()


def _fold_uneven(text: str, plain: str) -> Folded:
    """Fold the places that change length and copy the rest of `plain`, which is as long as `text`."""
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    done = 0
    while (at := plain.find(_UNEVEN, done)) >= 0:
        start, end = at - (at > done and _joins(text[at])), at + 1
        while end < len(text) and end - start < CLUSTER_LIMIT and _joins(text[end]):
            end += 1
        folded = _fold_cluster(text[start:end])
        pieces += plain[done:start], folded
        starts += [*range(done, start), *[start] * len(folded)]
        ends += [*range(done + 1, start + 1), *[end] * len(folded)]
        done = end
    pieces.append(plain[done:])
    starts += range(done, len(text))
    ends += range(done + 1, len(text) + 1)
    return Folded("".join(pieces), starts, ends)


def _fold_cluster(cluster: str) -> str:
    """Fold one character with the marks that stand on it; the result may be empty or longer."""
    if cluster in _TRADE_MARKS:
        return " "
    folded = unicodedata.normalize("NFKC", cluster).casefold()
    # Turkish İ folds to i and a dot above; nobody types that dot.
    folded = unicodedata.normalize("NFKC", folded).replace("i\u0307", "i")
    plain = "".join(map(_plain_char, folded))
    # An ellipsis unfolds to three points: one gap is enough, and keeps the length.
    return " " if plain and plain.isspace() else plain


def _plain_char(char: str) -> str:
    category = unicodedata.category(char)
    if category in {"Cf", "Me"} or char in _FILLERS or _VARIATIONS.match(char):
        return ""
    if _HAN.match(char):
        return _simplified(char)
    return char if char == "_" or _kind(char) is not Kind.GAP else " "


def _kind(char: str) -> Kind:
    category = unicodedata.category(char)
    if _HAN.match(char):
        return Kind.HAN
    if _FREE.match(char):
        return Kind.FREE
    if char.isalnum() or category in {"Mn", "Mc"}:
        return Kind.WORD
    is_symbol = category in {"So", "Sc"} or char in _SYMBOLS or ord(char) in _SKIN_TONES
    return Kind.SYMBOL if is_symbol else Kind.GAP


def _joins(char: str) -> bool:
    """Tell whether a character may melt into the one before it: marks, Hangul vowels and finals, kana voicing."""
    return (
        unicodedata.category(char).startswith("M")
        or "\u1160" <= char <= "\u11ff"
        or char in "\uff9e\uff9f"
    )


def _simplified(char: str) -> str:
    simplified = _converter().convert(char)
    return simplified if len(simplified) == 1 else char


@functools.cache
def _converter() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")


KIND = _Kinds()
_PLAIN = _Plain()
_WORDS = _Words()
