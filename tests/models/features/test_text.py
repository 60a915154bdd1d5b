"""Normalisation: one way to write one thing, and nothing that a user types is special."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.features.text import (
    CONTEXT_CHARACTERS,
    PAD_PIECE,
    UNKNOWN_PIECE,
    clean_text,
    context_line,
    normalize_line,
)
from models.protocols import TextInput


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("", ""),
        ("  a\t b\n\nc ", "a b c"),
        ("ｆｕｌｌ　ｗｉｄｔｈ！", "full width!"),
        ("zero\u200bwidth \u202eturned", "zerowidth turned"),
        ("❤\ufe0f", "❤"),
        ("bell\x07 nul\x00 \x01", "bell nul"),
        ("lone \ud83d surrogate", "lone surrogate"),
        ("soooooo 哈哈哈哈哈哈!!!!!!", "sooo 哈哈哈!!!"),
        ("see https://t.co/AbC?x=1 now", "see http now"),
        ("看www.example.com/页面吧", "看 http 页面吧"),
        ("@Bob_1 hi @人民日报 早", "@user hi @user 早"),
        ("//@小凡:致敬", "// @user :致敬"),
        ("mail a@b.com", "mail a@b.com"),
        ("fish &amp; chips &lt;3", "fish & chips <3"),
        ("<s>hi</s>", "<s>hi</s>"),
    ],
)
def test_a_line_is_normalised(raw: str, expected: str) -> None:
    assert normalize_line(raw) == expected


@given(st.text(alphabet=st.characters(), max_size=200))
def test_no_text_keeps_a_control_character_or_a_surrogate(raw: str) -> None:
    line = normalize_line(raw)
    assert PAD_PIECE not in line
    assert UNKNOWN_PIECE not in line
    assert not {unicodedata.category(c) for c in line} & {"Cc", "Cs"}
    assert line == " ".join(line.split())


def test_a_title_stands_before_the_text_once() -> None:
    both = clean_text(TextInput(text="Body", title="Head"), token_limit=64)
    same = clean_text(TextInput(text="Head and body", title="Head"), token_limit=64)
    assert (both.text, same.text) == ("Head Body", "Head and body")


def test_a_long_text_is_cut_and_says_so() -> None:
    clean = clean_text(TextInput(text="ab " * 50_000), token_limit=16)
    assert clean.is_cut
    assert len(clean.text) == 128


def test_a_short_text_is_not_cut() -> None:
    assert not clean_text(TextInput(text="ab"), token_limit=16).is_cut


def test_a_context_keeps_its_last_characters() -> None:
    assert context_line("first  " + "a b " * 5_000 + "ｌａｓｔ") == (
        normalize_line(("a b " * 5_000 + "ｌａｓｔ")[-CONTEXT_CHARACTERS:])
    )
    assert context_line("Ｇｏｏｄ\n@bob news") == "Good @user news"
    assert context_line("") == ""
