"""Spans name the words that speak for a text's emotion, where they stand in the text as it came."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.scores import Span
from models.features.text import clean_text, normalize_line
from models.lexicon.entries import Entry
from models.lexicon.matching import Lexicon
from models.lexicon.spans import MOST_SPANS, Evidence, SpanFinder
from models.lexicon.words import split_words
from models.protocols import TextInput

LABELS = ("anger", "joy", "neutral")
LIMIT = 64
ENTRIES = [
    Entry("bad", "en", "anger", 2.0),
    Entry("bad", "en", "valence", -0.8),
    Entry("好", "zh", "joy", 2.0),
    Entry("好", "zh", "valence", 0.8),
    Entry("happy", "en", "joy", 2.0),
]


@pytest.fixture(scope="module")
def finder() -> SpanFinder:
    finder = SpanFinder(Lexicon(ENTRIES), LABELS, token_limit=LIMIT)
    finder.start()
    return finder


def evidence(line: str, label: str, says: Mapping[str, float]) -> Evidence:
    """Return evidence whose pieces are the words of `line` with the spaces before them; `says` weighs some of them."""
    offsets, at = [], 0
    for word in line.split(" "):
        offsets.append((max(0, at - 1), at + len(word)))
        at += len(word) + 1
    shares = np.zeros((len(offsets), len(LABELS)), np.float32)
    for number, (start, end) in enumerate(offsets):
        for part, weight in says.items():
            if part in line[start:end]:
                shares[number, LABELS.index(label)] += weight
    return Evidence([0] * len(offsets), offsets, shares, (0.3, 0.4, 0.3), LABELS.index(label))


def spans(
    finder: SpanFinder, text: str, label: str, *, says: Mapping[str, float], title: str = ""
) -> list[tuple[str, float]]:
    """Return each span's words as they came, with its weight."""
    item = TextInput(text=text, title=title)
    line = clean_text(item, token_limit=LIMIT).text
    found = finder.find(item, line, evidence=evidence(line, label, says))
    return [((title if s.in_title else text)[s.start : s.end], s.weight) for s in found]


def words(found: list[tuple[str, float]]) -> list[str]:
    return [text for text, _ in found]


def test_the_word_with_the_greatest_share_comes_first(finder: SpanFinder) -> None:
    found = spans(finder, "what a dreadful awful train", "anger", says={"dread": 3.0, "awful": 1.0})
    assert words(found) == ["dreadful", "awful"]
    assert found[0][1] > found[1][1] > 0
    assert sum(weight for _, weight in found) <= 1


def test_the_lexicon_decides_where_shares_are_even(finder: SpanFinder) -> None:
    found = spans(finder, "trains trams bad buses", "anger", says=dict.fromkeys(("tr", "b"), 1.0))
    assert words(found)[0] == "bad"


def test_a_negator_and_a_degree_belong_to_the_word(finder: SpanFinder) -> None:
    assert words(spans(finder, "it is not so thrilling", "anger", says={"thrill": 1.0})) == [
        "not so thrilling"
    ]
    assert words(spans(finder, "this is very happy news", "joy", says={"happy": 1.0})) == [
        "very happy"
    ]
    assert (
        words(spans(finder, "味道 不太好", "joy", says={"味道": 0.1, "不太好": 2.0}))[0] == "不太好"
    )


def test_a_denied_word_speaks_for_no_emotion_of_its_own(finder: SpanFinder) -> None:
    # A denied anger is less of an anger, so that the other word has more to say
    found = spans(finder, "not bad but rude", "anger", says={"bad": 1.0, "rude": 1.1})
    assert words(found) == ["rude", "not bad"]


def test_a_piece_over_two_words_is_parted(finder: SpanFinder) -> None:
    line = "讨厌雨天吧"
    shares = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]], np.float32)
    pieces = Evidence([0, 0], [(0, 4), (4, 5)], shares, (0.3, 0.4, 0.3), 0)
    found = finder.find(TextInput(text=line), line, evidence=pieces)
    assert [(span.start, span.end) for span in found] == [(0, 2), (2, 4)]


def test_places_are_those_of_the_text_as_it_came(finder: SpanFinder) -> None:
    text = "@bob  see https://t.co/x  ＤＲＥＡＤＦＵＬ&amp;  noooooo"
    assert words(spans(finder, text, "anger", says={"DREADFUL": 3.0, "nooo": 2.0})) == [
        "ＤＲＥＡＤＦＵＬ",
        "noooooo",
    ]


def test_a_word_of_the_title_is_marked(finder: SpanFinder) -> None:
    title, text = "Dreadful train", "It was late"
    item = TextInput(text=text, title=title)
    line = clean_text(item, token_limit=LIMIT).text
    found = finder.find(item, line, evidence=evidence(line, "anger", {"Dread": 1.0}))
    assert [(span.start, span.end, span.in_title) for span in found] == [(0, 8, True)]


def test_links_and_handles_are_never_a_span(finder: SpanFinder) -> None:
    assert words(
        spans(
            finder,
            "@bob https://t.co/x rude",
            "anger",
            says={"@user": 2.0, "http": 2.0, "rude": 2.5},
        )
    ) == ["rude"]


def test_a_single_word_carries_all(finder: SpanFinder) -> None:
    assert words(spans(finder, "dreadful!", "anger", says={"dreadful": 1.0})) == ["dreadful"]


def test_neutral_and_what_nothing_speaks_for_have_no_span(finder: SpanFinder) -> None:
    assert spans(finder, "a rude train", "neutral", says={"rude": 1.0}) == []
    assert spans(finder, "a rude train", "anger", says={}) == []
    assert spans(finder, "", "anger", says={}) == []
    assert spans(finder, "... !!!", "anger", says={"!": 1.0}) == []


def test_a_line_of_another_text_gives_no_span(finder: SpanFinder) -> None:
    line = "a rude train"
    pieces = evidence(line, "anger", {"rude": 1.0})
    assert finder.find(TextInput(text="something else"), line, evidence=pieces) == ()


@given(
    st.lists(
        st.sampled_from(
            [
                "not",
                "bad",
                "very",
                "happy",
                "train",
                "不太好",
                "雨天",
                "😂😂",
                "@bob",
                "https://a.b/c",
                "Ｂａｄ！",
                "noooooo",
                "&amp;",
                "\u200b",
            ]
        ),
        max_size=12,
    ),
)
def test_spans_hold_their_words_and_share_nothing(finder: SpanFinder, parts: list[str]) -> None:
    # Given any text, with any shares
    text = "  ".join(parts)
    item = TextInput(text=text)
    line = clean_text(item, token_limit=LIMIT).text
    pieces = evidence(line, "joy", {})
    rng = np.random.default_rng(len(text))
    pieces.shares[:] = rng.normal(size=pieces.shares.shape)

    # When its spans are found
    found = finder.find(item, line, evidence=pieces)

    # Then they are few, strongest first, apart from one another, and hold whole words of the line
    assert len(found) <= MOST_SPANS
    assert [span.weight for span in found] == sorted((s.weight for s in found), reverse=True)
    assert all(0 < span.weight <= 1 for span in found)
    assert sum(span.weight for span in found) <= 1.001
    taken = sorted((span.start, span.end) for span in found)
    assert all(end <= start for (_, end), (start, _) in pairwise(taken))
    for span in found:
        assert_words(finder, text, span, line=line)


def assert_words(finder: SpanFinder, text: str, span: Span, *, line: str) -> None:
    raw = normalize_line(text[span.start : span.end])
    starts = {start for start, _ in split_words(line, finder.divider)}
    assert raw
    assert any(line.startswith(raw, start) for start in starts)
