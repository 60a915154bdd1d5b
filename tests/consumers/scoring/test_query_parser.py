"""The language of watches' queries: what it means, where it is wrong, and that it survives being printed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.scoring.query.parser import DEPTH_LIMIT, TERM_LIMIT, parse_query
from consumers.scoring.query.tree import And, Field, Node, Not, Or, Phrase, Term, render
from contracts.errors import InvalidInput, QueryInvalid
from contracts.watches import QUERY_LIMIT

A, B, C, D = (Term(letter) for letter in "abcd")


@pytest.mark.parametrize(
    ("query", "tree"),
    [
        ("flood", Term("flood")),
        ("a b", And((A, B))),
        ("a AND b", And((A, B))),
        ("a OR b", Or((A, B))),
        ("a b OR c d", Or((And((A, B)), And((C, D))))),
        ("a (b OR c) d", And((A, Or((B, C)), D))),
        ("a -b", And((A, Not(B)))),
        ("a NOT b", And((A, Not(B)))),
        ("a AND NOT (b OR c)", And((A, Not(Or((B, C)))))),
        ("a -(b c)", And((A, Not(And((B, C)))))),
        ("((a))", A),
        ("a or b", And((A, Term("or"), B))),
        ("ORANGE ANDROID NOTHING", And((Term("ORANGE"), Term("ANDROID"), Term("NOTHING")))),
        ('"new york" b', And((Phrase("new york"), B))),
        ("“new york”b", And((Phrase("new york"), B))),
        ("flood*", Term("flood", is_prefix=True)),
        ("covid-19", Term("covid-19")),
        ("#climate_change @who", And((Term("#climate_change"), Term("@who")))),
        ("10:30", Term("10:30")),
        ("LANG:ZH", Field("lang", "zh")),
        ("lang:zh-Hant", Field("lang", "zh-hant")),
        ('source:"My Feed"', Field("source", "my feed")),
        ("author:@Bob author:42", And((Field("author", "@bob"), Field("author", "42")))),
        ("a -is:repost", And((A, Not(Field("is", "repost"))))),
        ("a -emotion:joy", And((A, Not(Field("emotion", "joy"))))),
        ("a\n  b", And((A, B))),
        ("（苹果　OR　华为） －壳", And((Or((Term("苹果"), Term("华为"))), Not(Term("壳"))))),
        ("ｌａｎｇ：ｚｈ", Field("lang", "zh")),
        ("NOT NOT a", Not(Not(A))),
    ],
)
def test_a_query_means_its_tree(query: str, tree: Node) -> None:
    assert parse_query(query) == tree


@pytest.mark.parametrize(
    ("query", "line", "column", "problem"),
    [
        ("", 1, 1, "the query is empty"),
        (" \n ", 1, 1, "the query is empty"),
        ("-spam", 1, 1, "would match whatever lacks something"),
        ("flood OR -spam", 1, 1, "would match whatever lacks something"),
        ("  NOT (a b)", 1, 3, "would match whatever lacks something"),
        ("-lang:zh", 1, 1, "would match whatever lacks something"),
        ("a OR", 1, 5, "found the end"),
        ("OR a", 1, 1, "expected a term, a phrase, a field or an opening bracket, found OR"),
        ("a AND\nb AND OR c", 2, 7, "found OR"),
        ("()", 1, 2, "found )"),
        ("(a (b c)", 1, 1, "this bracket is never closed"),
        ("a b)", 1, 4, "this bracket closes nothing"),
        ('a "b c', 1, 3, "this quotation mark is never closed"),
        ("a - b", 1, 3, "a minus sign must touch the term"),
        ("--a", 1, 1, "a minus sign must touch the term"),
        ("emotoin:anger", 1, 1, "unknown field emotoin:, did you mean emotion"),
        ("http://example.com", 1, 1, "unknown field http:, expected one of author, emotion"),
        ("a lang:", 1, 8, "a value must follow at once"),
        ("lang:(en OR zh)", 1, 6, "(lang:a OR lang:b)"),
        ("lang:中文", 1, 6, "中文 is no language code"),
        ("kind:socal", 1, 6, "kind:socal is unknown, did you mean social?"),
        ("is:retweet", 1, 4, "is:retweet is unknown, expected one of reply, repost"),
        ("fl*od", 1, 1, "a star may only stand at the end"),
        ("f*", 1, 1, "a star needs at least 2 letters"),
        ("*", 1, 1, "* holds no letter, digit or symbol"),
        ('a "b*"', 1, 3, "a star has no meaning between quotation marks"),
        ("a ...", 1, 3, "... holds no letter, digit or symbol"),
        ('a "?!"', 1, 3, "the phrase holds no letter, digit or symbol"),
        ("苹果 （华为", 1, 4, "this bracket is never closed"),
    ],
)
def test_a_mistake_is_told_with_its_place(query: str, line: int, column: int, problem: str) -> None:
    with pytest.raises(QueryInvalid) as caught:
        parse_query(query)

    assert problem in str(caught.value)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert str(caught.value).startswith(f"line {line}, column {column}: ")


def test_a_mistake_is_a_persons_and_has_a_stable_code() -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_query("(a")
    assert caught.value.code == "query_invalid"


def test_the_caret_stands_under_the_place_however_wide_the_characters_are() -> None:
    # Given two Chinese characters, each two columns wide, before the mistake
    with pytest.raises(QueryInvalid) as caught:
        parse_query("first line\n苹果 OR OR b")

    # Then the caret has 2 + 2 + 4 columns before it, after the two of the margin
    assert str(caught.value).splitlines()[1:] == ["  苹果 OR OR b", "  " + " " * 8 + "^"]


def test_a_long_line_is_shown_around_the_place_alone() -> None:
    with pytest.raises(QueryInvalid) as caught:
        parse_query("word " * 60 + "AND AND " + "word " * 60)

    _, picture, caret = str(caught.value).splitlines()
    assert len(picture) < 80
    assert picture[caret.index("^") :].startswith("AND word")


def test_labels_are_checked_where_they_are_known() -> None:
    heads = {"emotion": ("anger", "joy"), "urgency": ()}

    assert parse_query("emotion:joy urgency:high", heads=heads) == And(
        (Field("emotion", "joy"), Field("urgency", "high"))
    )
    with pytest.raises(QueryInvalid, match="emotion:angery is unknown, did you mean anger"):
        parse_query("a emotion:angery", heads=heads)
    with pytest.raises(QueryInvalid, match="unknown field topic:"):
        parse_query("topic:finance", heads=heads)


def test_a_query_may_be_as_long_as_the_limit_and_no_longer() -> None:
    assert parse_query("a" * QUERY_LIMIT) == Term("a" * QUERY_LIMIT)
    with pytest.raises(QueryInvalid, match="4,097 characters, more than 4,096"):
        parse_query("a" * (QUERY_LIMIT + 1))


def test_a_query_may_have_as_many_terms_as_the_limit_and_no_more() -> None:
    tree = parse_query("a " * TERM_LIMIT)
    assert isinstance(tree, And)
    assert len(tree.children) == TERM_LIMIT
    with pytest.raises(QueryInvalid, match=f"more than {TERM_LIMIT} terms"):
        parse_query("a " * (TERM_LIMIT + 1))


@pytest.mark.parametrize("opening", ["(", "NOT ", "-(", "NOT (", "NOT NOT NOT NOT ("])
def test_deep_nesting_is_refused_and_never_overflows(opening: str) -> None:
    # Given a query as deep as its length allows
    count = (QUERY_LIMIT - 1) // (len(opening) + opening.count("("))
    deep = opening * count + "a" + ")" * count * opening.count("(")

    # Then it is refused for its depth
    with pytest.raises(QueryInvalid, match="nested deeper than 32 levels"):
        parse_query(deep)


def test_nesting_up_to_the_limit_is_taken() -> None:
    assert parse_query("(" * DEPTH_LIMIT + "a" + ")" * DEPTH_LIMIT) == A
    assert render(parse_query("(NOT " * 16 + "a" + ")" * 16)) == "NOT " * 16 + "a"


TERMS = st.builds(
    Term,
    st.sampled_from(
        [
            "apple",
            "Or",
            "covid-19",
            "C++",
            "#flood",
            "@who",
            "苹果手机",
            "5G",
            "10:30",
            "don't",
            "😡",
        ]
    ),
)
PREFIXES = st.builds(Term, st.sampled_from(["flood", "苹果", "#fl"]), st.just(True))
PHRASES = st.builds(
    Phrase, st.sampled_from(["new york", "a (b) OR c", "苹果 手机", "AND", "lang:zh"])
)
FIELDS = st.builds(
    Field,
    st.sampled_from(["source", "author", "topic", "emotion"]),
    st.sampled_from(["weibo", "my feed", "@bob", "世界", "a)b", "or"]),
) | st.sampled_from([Field("lang", "zh-hant"), Field("is", "reply"), Field("kind", "news")])
TREES = st.recursive(
    TERMS | PREFIXES | PHRASES | FIELDS,
    lambda inner: (
        st.builds(Not, inner)
        | st.builds(And, st.lists(inner, min_size=2, max_size=4).map(tuple))
        | st.builds(Or, st.lists(inner, min_size=2, max_size=4).map(tuple))
    ),
    max_leaves=12,
)


@given(TREES)
def test_a_tree_that_is_printed_and_parsed_is_the_same(tree: Node) -> None:
    # Given any tree, made positive by a term beside it
    whole = And((Term("anchor"), tree))

    # When it is printed and parsed, then it is the same
    assert parse_query(render(whole)) == whole


@given(st.text(alphabet=' ()-"“”*:#@aAbNOTRD苹果，：（\n', max_size=40))
def test_any_text_is_a_query_or_a_mistake_with_a_place(query: str) -> None:
    # When any text is parsed
    result: Node | QueryInvalid
    try:
        result = parse_query(query)
    except QueryInvalid as error:
        result = error

    # Then it is a tree that prints and parses, or a mistake that lies in the text
    if isinstance(result, QueryInvalid):
        lines = query.split("\n")
        assert 1 <= result.line <= len(lines)
        assert 1 <= result.column <= len(lines[result.line - 1]) + 1
    else:
        assert parse_query(render(result)) == result
