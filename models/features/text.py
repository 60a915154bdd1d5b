"""Turn what people typed into what the tokenizer reads: same meaning, fewer ways to write it.

In: raw text of any length and script. Out: one line of clean text, capped. Pure; imports the standard library and
models.protocols alone.

NFKC rather than NFC: the base vocabulary was built on NFKC, and posts write one thing in many widths (Ａ and A,
！ and !, ｶ and カ); NFC would leave each of them an unknown piece. Links and mentions become two placeholders:
who was named says nothing of the mood and would fill the vocabulary with names. Special pieces of the tokenizer are
control characters (see `PAD_PIECE`), which no text has after this step: nothing that a user types can become one.
"""

import html
import re
import unicodedata

import msgspec

from models.protocols import TextInput

LINK_PLACEHOLDER = " http "
MENTION_PLACEHOLDER = " @user "
PAD_PIECE = "\x00"
UNKNOWN_PIECE = "\x01"
BEGIN_PIECE = "\x02"
END_PIECE = "\x03"
CONTEXT_CHARACTERS = 512
CHARACTERS_PER_PIECE = 8

# Controls except white space, soft hyphen, zero-width and direction marks, variation selectors, tags, lone surrogates.
INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ufe00-\ufe0f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e01ef]+"
)
LINK = re.compile(r"(?:https?://|www\.)[^\s\u3000-\u9fff\uff00-\uffef]+", re.IGNORECASE)
# A Latin handle ends where Latin ends; a handle in Han ends at a space or colon, as on Weibo.
MENTION = re.compile(
    r"(?<![A-Za-z0-9._])@(?:[A-Za-z0-9_]{1,30}(?![\w-])|[\w-]{1,30}(?=[\s:]|$)|[A-Za-z0-9_]{2,30})"
)
LONG_RUN = re.compile(r"(\S)\1{3,}")


class CleanText(msgspec.Struct, frozen=True):
    """Hold normalised text and whether the character cap cut it."""

    text: str
    is_cut: bool


def clean_text(item: TextInput, *, token_limit: int) -> CleanText:
    """Return title and text as one normalised line of at most 8 x `token_limit` characters.

    The cap is far above what `token_limit` pieces can hold in ordinary text, and bounds the work for hostile text.
    """
    has_own_title = item.title and not item.text.startswith(item.title)
    raw = f"{item.title}\n{item.text}" if has_own_title else item.text
    limit = CHARACTERS_PER_PIECE * token_limit
    is_cut = len(raw) > 2 * limit
    line = normalize_line(raw[: 2 * limit])
    if len(line) > limit:
        is_cut, line = True, line[:limit]
    return CleanText(line, is_cut)


def context_line(context: str) -> str:
    """Return what came before a text as one normalised line: its last `CONTEXT_CHARACTERS` characters."""
    return normalize_line(context[-CONTEXT_CHARACTERS:])


def normalize_line(raw: str) -> str:
    r"""Return `raw` in NFKC, without invisible characters, links, handles, long runs and surplus white space.

    >>> normalize_line("@bob  Ｓｏｏｏｏｏｏ good\u200b!!!!!! https://t.co/x")
    '@user Sooo good!!! http'
    """
    text = html.unescape(raw) if "&" in raw else raw
    if not text.isascii():
        text = INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    elif not text.isprintable():
        text = INVISIBLE.sub("", text)
    if "@" in text:
        text = MENTION.sub(MENTION_PLACEHOLDER, text)
    if "://" in text or "www." in text:
        text = LINK.sub(LINK_PLACEHOLDER, text)
    return " ".join(LONG_RUN.sub(r"\1\1\1", text).split())
