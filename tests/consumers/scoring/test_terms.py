"""Terms of scripts with spaces, symbols, hashtags and accounts: whole words, and what may stand between."""

import pytest

from consumers.scoring.chinese import Lexicon
from consumers.scoring.reading import Reading
from consumers.scoring.terms import find_places, make_pattern


def found(term: str, text: str, lexicon: Lexicon, *, is_open: bool = False) -> list[str]:
    """Return what a term finds of the original text."""
    pattern = make_pattern(term, is_open=is_open)
    assert pattern is not None
    reading = Reading("", text, lexicon=lexicon)
    places = [reading.place(*span) for span in find_places(pattern, reading, limit=9)]
    return [text[place.start : place.end] for place in places]


@pytest.mark.parametrize(
    ("term", "text", "wanted"),
    [
        ("apple", "An Apple, a pineapple, apples and Apple's APPLE.", ["Apple", "Apple", "APPLE"]),
        ("apple", "#apple @apple apple_pie apple-pie apple.com", ["apple"] * 5),
        ("apple", "applewatch 2apple appleé", []),
        ("don", "don't", []),
        ("don't", "I DON’T", ["DON’T"]),
        ("o'brien", "Mr O’Brien", ["O’Brien"]),
        ("amour", "l'amour", ["amour"]),
        (
            "covid-19",
            "COVID-19, covid 19, covid19, covid – 19",
            ["COVID-19", "covid 19", "covid – 19"],
        ),
        ("new york", "new_york; New\nYork, newyork, new 😡 york", ["new_york", "New\nYork"]),
        ("a a", "aa a a", ["a a"]),
        ("C++", "c, C++, c ++", ["C++"]),
        ("c", "C++ c#", ["C", "c"]),
        ("15%", "15％ 15 % 115%", ["15％"]),
        ("$aapl", "$AAPL aapl", ["$AAPL"]),
        ("😡", "😡😡 ok", ["😡", "😡"]),
        ("👍", "👍🏽", ["👍"]),
        ("#apple", "#Apple #apples #apple_pie x#apple # apple #apple!", ["#Apple", "#apple"]),
        ("#climate_change", "#climate_change #climate change", ["#climate_change"]),
        ("@who", "@who @who_is mail@who @WHO", ["@who", "@WHO"]),
        ("café", "cafe CAFE\u0301", ["CAFE\u0301"]),
        ("fire", "wild ﬁre", ["ﬁre"]),
        ("तो", "तो तोता", ["तो"]),
        ("テスラ", "新テスラ株", ["テスラ"]),
        ("ไทย", "ประเทศไทยวันนี้", ["ไทย"]),
        ("wait", "wait…what", ["wait"]),
    ],
)
def test_a_term_finds_whole_words(
    term: str, text: str, wanted: list[str], lexicon: Lexicon
) -> None:
    assert found(term, text, lexicon) == wanted


@pytest.mark.parametrize(
    ("term", "text", "wanted"),
    [
        ("flood", "floods flooding flood deflood", ["flood", "flood", "flood"]),
        ("climate ch", "climate change, climate chaos", ["climate ch", "climate ch"]),
        ("#fl", "#flood #fl #afl", ["#fl", "#fl"]),
        ("iphone", "iPhone15手机", ["iPhone"]),
        ("地震", "地震局通报地震了", ["地震", "地震"]),
        ("机会", "手机会爆炸", []),
    ],
)
def test_a_star_leaves_the_end_open(
    term: str, text: str, wanted: list[str], lexicon: Lexicon
) -> None:
    assert found(term, text, lexicon, is_open=True) == wanted


@pytest.mark.parametrize(
    ("term", "text", "wanted"),
    [
        ("iPhone15手机", "iPhone15 手机, iphone15手机", ["iPhone15 手机", "iphone15手机"]),
        ("苹果 手机", "苹果，手机；苹果手机", ["苹果，手机", "苹果手机"]),
        ("苹果手机", "苹果 手机", []),
        ("3月", "3月份，13月", ["3月"]),
        ("#苹果", "#苹果# #苹果手机#", ["#苹果"]),
        ("手機", "我的手机", ["手机"]),
    ],
)
def test_scripts_mix(term: str, text: str, wanted: list[str], lexicon: Lexicon) -> None:
    assert found(term, text, lexicon) == wanted


@pytest.mark.parametrize("term", ["", "...", "—", "_", "\u200b", "『』"])
def test_a_term_of_nothing_has_no_pattern(term: str) -> None:
    assert make_pattern(term) is None


def test_no_more_places_are_looked_for_than_wanted(lexicon: Lexicon) -> None:
    pattern = make_pattern("a")
    assert pattern is not None
    places = find_places(pattern, Reading("", "a " * 500, lexicon=lexicon), limit=3)
    assert places == [(0, 1), (2, 3), (4, 5)]
