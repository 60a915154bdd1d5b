"""A span of the normalised line finds its way back into the text as it came."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models.features.text import clean_text, normalize_line
from models.lexicon.aligning import Alignment, align
from models.protocols import TextInput

LIMIT = 64


def aligned(item: TextInput) -> tuple[str, Alignment | None]:
    line = clean_text(item, token_limit=LIMIT).text
    return line, align(item, line, token_limit=LIMIT)


def raw_of(text: str, word: str, *, title: str = "") -> str:
    """Return the raw slice behind the first `word` of the line."""
    line, alignment = aligned(TextInput(text=text, title=title))
    start = line.index(word)
    assert alignment is not None
    found = alignment.raw(start, start + len(word))
    assert found is not None
    return (title if found[2] else text)[found[0] : found[1]]


@pytest.mark.parametrize(
    ("text", "word", "raw"),
    [
        ("so happy today", "happy", "happy"),
        ("  so\t\n happy  ", "happy", "happy"),
        ("  so\t\n happy  ", "so happy", "so\t\n happy"),
        ("@bob @alice you are mean", "mean", "mean"),
        ("see https://t.co/AbC?x=1 how sad", "sad", "sad"),
        ("see https://t.co/AbC?x=1 how sad", "http", "https://t.co/AbC?x=1"),
        ("fish &amp; chips are great", "great", "great"),
        ("I &lt;3 you", "<3", "&lt;3"),
        ("I &lt3 you", "<3", "&lt3"),
        ("nooooooo way", "nooo", "nooooooo"),
        ("noooooo!!!!!! bad", "bad", "bad"),
        ("ｓｏ　ｈａｐｐｙ！", "happy", "ｈａｐｐｙ"),
        ("今天，真的不太好。", "不太好", "不太好"),
        ("①②③难过", "难过", "难过"),
        ("㍿ sad", "sad", "sad"),
        ("I ❤\ufe0f this", "❤", "❤\ufe0f"),
        ("ha\u200bppy", "happy", "ha\u200bppy"),
        ("cafe\u0301 sad", "café", "cafe\u0301"),
        ("bell\x07 sad\x01", "sad", "sad\x01"),
        ("看www.example.com/页面吧 难过", "难过", "难过"),
        ("//@小凡:哈哈哈哈哈哈 致敬", "哈哈哈", "哈哈哈哈哈哈"),
        ("ﬁne, sad", "fine", "ﬁne"),
        ("각 슬퍼 sad", "sad", "sad"),
        ("ｶﾞｯｶﾘ sad", "ガッカリ", "ｶﾞｯｶﾘ"),
    ],
)
def test_a_word_is_found_where_it_was_written(text: str, word: str, raw: str) -> None:
    assert raw_of(text, word) == raw


def test_a_word_of_the_title_lies_in_the_title() -> None:
    # Given a title before a text
    item = TextInput(text="and the  end", title="A sad day")
    line, alignment = aligned(item)
    assert alignment is not None

    # Then each position is that of its own field, and what lies in both lies nowhere
    assert line == "A sad day and the end"
    assert alignment.raw(2, 5) == (2, 5, True)
    assert alignment.raw(18, 21) == (9, 12, False)
    assert alignment.raw(6, 13) is None


def test_a_title_that_opens_the_text_counts_once() -> None:
    _, alignment = aligned(TextInput(text="Sad day, and more", title="Sad day"))
    assert alignment is not None
    assert alignment.raw(0, 3) == (0, 3, False)


def test_a_line_of_another_text_has_no_alignment() -> None:
    assert align(TextInput(text="one text"), "another text", token_limit=LIMIT) is None


def test_a_text_that_was_cut_is_aligned_up_to_the_cut() -> None:
    text = "ab " * 5_000
    line, alignment = aligned(TextInput(text=text))
    assert alignment is not None
    assert alignment.raw(len(line) - 5, len(line) - 3) == (len(line) - 5, len(line) - 3, False)


FRAGMENTS = st.sampled_from(
    [
        *(
            "happy",
            "not bad",
            "不太好",
            "难过",
            "ｗｉｄｅ",
            "①",
            "㍿",
            "ﬁ",
            "é",
            "e\u0301",
            "각",
            "각",
            "ｶﾞ",
            "가",
            "İ",
        ),
        *(
            " ",
            "  ",
            "\n",
            "\u3000",
            "\t",
            "\xa0",
            "，",
            "。",
            "!",
            "!!!!!!",
            "......",
            "哈哈哈哈哈",
            "sooooo",
        ),
        *(
            "@bob",
            "@人民日报",
            "@a_b:",
            "a@b.com",
            "https://t.co/x",
            "www.a.cn/页",
            "&amp;",
            "&lt3",
            "&#128514;",
            "&notit;",
            "&",
        ),
        *(
            "😂",
            "❤\ufe0f",
            "👩\u200d👧",
            "\u200b",
            "\x07",
            "\ud83d",
            "\u202e",
            "[泪]",
            "#tag",
            "R&B",
        ),
    ]
)
TEXTS = st.lists(FRAGMENTS | st.text(max_size=5), max_size=25).map("".join)


@given(TEXTS, TEXTS | st.just(""))
@example("&amp;amp; sad", "")
@example("@a https://b.c/@d www.", "&#x110000;")
def test_the_raw_slice_of_every_word_normalises_to_that_word(text: str, title: str) -> None:
    # Given any text and its line
    item = TextInput(text=text, title=title)
    line, alignment = aligned(item)
    assert alignment is not None

    # Then what was written at a word's place normalises to the word
    start = 0
    for word in line.split(" "):
        found = alignment.raw(start, start + len(word)) if word else None
        if found is not None:
            first, last, in_title = found
            raw = (title if in_title else text)[first:last]
            assert raw
            # Whether an @ opens a handle depends on the character before it.
            assert normalize_line(raw) == word or "@" in raw
        start += len(word) + 1


@given(st.text(max_size=60))
def test_any_text_is_aligned_or_not_at_all(text: str) -> None:
    line, alignment = aligned(TextInput(text=text))
    if alignment is not None and line:
        first, last, _ = alignment.raw(0, len(line)) or (0, 0, False)
        assert normalize_line(text[first:last]) == line
