"""Words are found where they stand, and only as words."""

from hypothesis import given
from hypothesis import strategies as st

from models.lexicon.entries import Entry
from models.lexicon.matching import Lexicon, lowered, total

ENTRIES = [
    Entry("sad", "en", "sadness", 2.0),
    Entry("sad", "en", "valence", -0.5),
    Entry("fed up", "en", "anger", 2.0),
    Entry("can't wait", "en", "joy", 1.0),
    Entry("[泪]", "zh", "sadness", 1.0),
    Entry("高兴", "zh", "joy", 1.0),
    Entry("好", "zh", "joy", 1.0),
    Entry("lol", "en", "joy", 1.0),
    Entry("lol", "zh", "joy", 3.0),
]
LEXICON = Lexicon(ENTRIES)


def found(text: str) -> list[str]:
    return [text[match.first : match.last] for match in LEXICON.find(text)]


def test_a_latin_word_has_edges_and_a_chinese_one_has_none() -> None:
    assert found("sad, Sad! #sad crusade sadly sad") == ["sad", "Sad", "sad", "sad"]
    assert found("我很高兴啊") == ["很高兴"]
    assert found("sad的人") == ["sad"]


def test_the_longest_word_wins_over_the_negator_in_it() -> None:
    assert found("I can't wait") == ["can't wait"]
    assert found("I can’t wait, fed up") == ["can’t wait", "fed up"]


def test_a_word_that_is_also_a_degree_strengthens_what_follows() -> None:
    assert found("好高兴") == ["好高兴"]
    assert found("真好") == ["真好"]


def test_what_both_languages_say_of_a_word_is_averaged() -> None:
    assert LEXICON.find("lol")[0].weights == {"joy": 2.0}


def test_the_sum_of_a_text_counts_every_match() -> None:
    weights, valence = total(LEXICON.find("sad and very sad"))
    assert weights == {"sadness": 4.5}
    assert valence == -1.125


def test_the_version_names_the_entries_in_whatever_order() -> None:
    assert Lexicon(reversed(ENTRIES)).version == LEXICON.version
    assert Lexicon(ENTRIES[1:]).version != LEXICON.version


def test_a_text_without_words_of_the_lexicon_says_nothing() -> None:
    assert LEXICON.find("") == LEXICON.find("not very") == LEXICON.find("不是很") == []


@given(
    st.text(alphabet=st.sampled_from(list("sad notve ry’'不很高兴好极了[泪],。İ\n")), max_size=40)
)
def test_matches_lie_in_the_text_in_order_and_hold_their_word(text: str) -> None:
    plain = lowered(text)
    matches = LEXICON.find(text)
    assert len(plain) == len(text)
    assert matches == sorted(matches)
    for match in matches:
        assert 0 <= match.first <= match.start < match.end <= match.last <= len(text)
        assert plain[match.start : match.end] in LEXICON.senses


@given(st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    assert isinstance(LEXICON.find(text), list)
