"""Folding: one form for queries and texts, and the way back to the original."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.scoring.words import BARRIER, KIND, Kind, fold, fold_value, words_of

# Letters that fold to another length, marks, invisible characters, emoji of several characters, lone surrogates.
ODD = "ﬁßİŉ½①㎏…e\u0301\u0308\u200d\ufe0f\u00ad\u200bﾃｽﾞ각\u11a8❤️👨‍👩‍👧1️⃣🏽ｱＡ％＃臺灣發™®'’_#@+ \n\ud800\x00\x1e\x1f"
ODD_TEXTS = st.text(st.one_of(st.sampled_from(ODD), st.characters()), max_size=30)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Apple", "apple"),
        ("ＡＰＰＬＥ　１５％", "apple 15%"),
        ("Straße", "strasse"),
        ("İstanbul", "istanbul"),
        ("cafe\u0301", "café"),
        ("Apple’s", "apple s"),
        ("O'Brien", "o brien"),
        ("don't DON’T", "donʼt donʼt"),
        ("C++ #New_York @a", "c++ #new_york @a"),
        ("Apple® Watch™", "apple  watch "),
        ("wait…what", "wait what"),
        ("❤️ 👨‍👩‍👧", "❤ 👨👩👧"),
        ("fl\u00adood zero\u200bwidth", "flood zerowidth"),
        ("臺灣發展，著名", "台湾发展 著名"),
        ("ﾃｽﾗ", "テスラ"),
        ("", ""),
    ],
)
def test_a_text_has_one_plain_form(text: str, plain: str) -> None:
    assert fold(text).plain == plain


@given(ODD_TEXTS)
def test_folding_again_changes_nothing(text: str) -> None:
    # Given a folded text
    plain = fold(text).plain

    # When it is folded again, then it stays; a row of gaps may grow by what an accent above a space leaves
    assert fold(plain).plain.split() == plain.split()


@given(ODD_TEXTS)
def test_every_place_leads_back_into_the_original(text: str) -> None:
    # Given a folded text
    folded = fold(text)

    # When each of its characters is looked up
    spans = [folded.original(place, place + 1) for place in range(len(folded.plain))]

    # Then they lie in the text, in order, and none is empty
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert spans == sorted(spans)


@given(ODD_TEXTS)
def test_a_character_folds_to_what_stands_at_its_place(text: str) -> None:
    folded = fold(text)
    for place, char in enumerate(folded.plain):
        start, end = folded.original(place, place + 1)
        assert char == "\u02bc" or char in fold(text[start:end]).plain


@given(st.text(max_size=40))
def test_letters_and_digits_are_those_of_nfkc_and_case_folding(text: str) -> None:
    # Given the letters and digits as the Unicode standard folds them, Chinese ones apart
    whole = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    wanted = [c for c in whole if c.isalnum() and KIND[c] is Kind.WORD and c not in "ʼ\u0307"]

    # Then folding keeps exactly these; trade marks are none
    if not set(text) & set("™℠®©"):
        found = [c for c in fold(text).plain if c.isalnum() and KIND[c] is Kind.WORD]
        assert [c for c in found if c not in "ʼ\u0307"] == wanted


@given(ODD_TEXTS)
def test_a_plain_text_never_holds_the_border_of_title_and_text(text: str) -> None:
    assert BARRIER not in fold(text).plain


def test_kinds_tell_scripts_with_spaces_from_those_without() -> None:
    assert [KIND[char] for char in "aé9中ไカ😡$ _-"] == [
        Kind.WORD,
        Kind.WORD,
        Kind.WORD,
        Kind.HAN,
        Kind.FREE,
        Kind.FREE,
        Kind.SYMBOL,
        Kind.SYMBOL,
        Kind.GAP,
        Kind.GAP,
        Kind.GAP,
    ]


def test_words_end_where_another_kind_begins() -> None:
    assert words_of(fold("New iPhone15手机 don't #tag_two 😡ok").plain) == [
        "new",
        "iphone15",
        "donʼt",
        "tag",
        "two",
        "ok",
    ]


def test_values_of_fields_keep_their_punctuation() -> None:
    assert fold_value("  News-Wire_Ａ ") == "news-wire_a"
