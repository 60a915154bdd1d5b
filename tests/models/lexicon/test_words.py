"""A line falls into words, in English and Chinese."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.lexicon.chinese import HAN, Divider
from models.lexicon.words import PLACEHOLDERS, split_words


@pytest.fixture(scope="module")
def divider() -> Divider:
    return Divider.load(least_count=20)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        ("so happy, isn't it?", ["so", "happy", "isn't", "it"]),
        ("@user see http now", ["see", "now"]),
        ("#blessed well-known x2", ["#blessed", "well-known", "x2"]),
        ("今天心情真的不太好", ["今天", "心情", "真的", "不", "太", "好"]),
        ("手机会爆炸吗？手机好", ["手机", "会", "爆炸", "吗", "手机", "好"]),
        ("提高兴趣[泪][泪]", ["提高", "兴趣", "[泪]", "[泪]"]),
        ("good😂😂 :) <3 …", ["good", "😂😂", ":)", "<3"]),
        ("iPhone很差劲", ["iPhone", "很", "差劲"]),
        ("café ありがとう 고마워", ["café", "ありがとう", "고마워"]),
    ],
)
def test_a_line_is_split(divider: Divider, line: str, words: list[str]) -> None:
    assert [line[start:end] for start, end in split_words(line, divider)] == words


def test_characters_that_no_dictionary_has_stand_alone() -> None:
    divider = Divider({"开心": 5})
    assert divider.divide("我很开心啊") == ((0, 1), (1, 2), (2, 4), (4, 5))
    assert Divider({}).divide("开心") == ((0, 1), (1, 2))


@given(st.text(alphabet=st.sampled_from(list("今天心情不太好ab #@'😂[泪]:) ,。é")), max_size=40))
def test_words_are_in_order_and_never_overlap(divider: Divider, line: str) -> None:
    words = split_words(line, divider)
    edges = [edge for word in words for edge in word]
    assert edges == sorted(edges)
    assert all(start < end for start, end in words)
    assert not {line[start:end] for start, end in words} & PLACEHOLDERS


@given(st.text(alphabet=st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), min_size=1))
def test_a_division_covers_its_run(divider: Divider, run: str) -> None:
    assert HAN.fullmatch(run)
    division = divider.divide(run)
    assert [start for start, _ in division] == [0, *(end for _, end in division[:-1])]
    assert division[-1][1] == len(run)
