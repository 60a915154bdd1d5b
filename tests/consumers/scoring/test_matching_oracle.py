"""The matcher answers as an evaluator that tries every query on every text, whatever queries and texts are drawn."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consumers.scoring.chinese import Lexicon
from consumers.scoring.matching import Matcher, compile_watch
from consumers.scoring.query.tree import And, Field, Node, Not, Or, Phrase, Term, render
from consumers.scoring.views import MatchInput
from consumers.scoring.words import fold
from contracts.scores import HeadScore
from tests.consumers.scoring.naive_oracle import NaiveChinese, NaiveQuery, plain_of

# Words that contain one another, stand across one another, and meet at scripts' borders.
ENGLISH = [
    "app",
    "apple",
    "pineapple",
    "new",
    "york",
    "New York",
    "don't",
    "don",
    "c++",
    "covid-19",
    "#app",
    "@app",
    "5",
]
CHINESE = [
    "中国",
    "国家",
    "家电",
    "发展",
    "发展中国家",
    "南京",
    "市长",
    "长江",
    "江大桥",
    "大桥",
    "手机",
    "机会",
    "苹果",
    "会",
]
MORE = [
    "大学",
    "大学生",
    "学生",
    "生活",
    "火车",
    "车票",
    "罗马",
    "罗马尼亚",
    "百度",
    "一百",
    "京东",
    "华为",
    "王小明",
    "臺灣",
    "5G手机",
]
TERMS = ENGLISH + CHINESE + MORE
PIECES = [
    *TERMS,
    " ",
    " ",
    ", ",
    "_",
    "，",
    "#",
    "😡",
    "的",
    "为",
    "一",
    "号",
    "ａｐｐ",
    "中国家电",
    "南京市长江大桥",
    "手机会",
    "é",
    "…",
]
LABELS = ["anger", "joy"]

TEXTS = st.lists(st.sampled_from(PIECES), max_size=9).map("".join)
LEAVES: st.SearchStrategy[Node] = (
    st.builds(Term, st.sampled_from(TERMS))
    | st.builds(Term, st.sampled_from([term for term in TERMS if term != "5"]), st.just(True))
    | st.builds(Phrase, st.lists(st.sampled_from(TERMS), min_size=1, max_size=3).map(" ".join))
    | st.builds(Field, st.just("emotion"), st.sampled_from(LABELS))
    | st.sampled_from([Field("lang", "zh"), Field("lang", "en"), Field("is", "repost")])
    | st.sampled_from([Field("source", "weibo"), Field("author", "@bob"), Field("kind", "news")])
)
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.builds(Not, inner)
        | st.builds(And, st.lists(inner, min_size=2, max_size=3).map(tuple))
        | st.builds(Or, st.lists(inner, min_size=2, max_size=3).map(tuple))
    ),
    max_leaves=6,
)
EVENTS = st.builds(
    MatchInput,
    TEXTS,
    title=TEXTS | st.just(""),
    source=st.sampled_from(["weibo", "jetstream"]),
    kind=st.sampled_from(["social", "news"]),
    lang=st.sampled_from([None, "zh", "en", "zh-TW"]),
    author_name=st.sampled_from([None, "Bob"]),
    is_repost=st.booleans(),
)
SCORES = st.dictionaries(
    st.just("emotion"),
    st.builds(HeadScore, st.sampled_from(LABELS), st.just(0.9), abstained=st.booleans()),
)
LANGS = st.sampled_from([None, "zh", "en"])


@pytest.fixture(scope="module")
def chinese(lexicon: Lexicon) -> NaiveChinese:
    return NaiveChinese(lexicon)


def queries_of(trees: list[Node]) -> Iterator[str]:
    """Yield each tree as a query that asks for something: alone where it does, else beside a term."""
    for tree in trees:
        whole = tree if not true_of_nothing(tree) else And((Term("app"), tree))
        yield render(whole)


def true_of_nothing(node: Node) -> bool:
    match node:
        case Not(child):
            return not true_of_nothing(child)
        case And(children):
            return all(true_of_nothing(child) for child in children)
        case Or(children):
            return any(true_of_nothing(child) for child in children)
        case _:
            return False


@settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    trees=st.lists(TREES, min_size=1, max_size=12),
    events=st.lists(EVENTS, min_size=1, max_size=4),
    scores=SCORES,
    lang=LANGS,
)
def test_the_matcher_agrees_with_the_naive_evaluator(
    trees: list[Node],
    events: list[MatchInput],
    scores: dict[str, HeadScore],
    lang: str | None,
    lexicon: Lexicon,
    chinese: NaiveChinese,
) -> None:
    # Given watches and events
    watches = [compile_watch(f"w{n}", query) for n, query in enumerate(queries_of(trees))]
    matcher = Matcher(watches, lexicon)
    for event in events:
        # When they are matched
        candidates = matcher.candidates(event)
        found = {match.watch_key for match in matcher.decide(candidates, scores, lang=lang)}

        # Then the answer is that of trying each query by itself
        plain = plain_of(event)
        wanted = {
            watch.key
            for watch in watches
            if NaiveQuery(watch.tree, chinese).matches(event, scores, plain=plain, lang=lang)
        }
        assert found == wanted


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(trees=st.lists(TREES, min_size=1, max_size=6), event=EVENTS, scores=SCORES, lang=LANGS)
def test_what_is_sure_before_scoring_stays_so_and_what_is_out_stays_out(
    trees: list[Node],
    event: MatchInput,
    scores: dict[str, HeadScore],
    lang: str | None,
    lexicon: Lexicon,
) -> None:
    # Given candidates before scoring
    watches = [compile_watch(f"w{n}", query) for n, query in enumerate(queries_of(trees))]
    matcher = Matcher(watches, lexicon)
    candidates = matcher.candidates(event)
    sure = {watch.key for watch in candidates.sure}
    maybe = {watch.key for watch in candidates.maybe}

    # When scores come, whatever they are
    found = {match.watch_key for match in matcher.decide(candidates, scores, lang=lang)}

    # Then what was sure matches, and nothing matches that was neither sure nor possible
    assert sure <= found <= sure | maybe


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(term=st.sampled_from(["app", "5", "中国", "手机", "学生"]), event=EVENTS)
def test_a_span_cuts_out_what_the_term_folds_to(
    term: str, event: MatchInput, lexicon: Lexicon
) -> None:
    matcher = Matcher([compile_watch("w", term)], lexicon)
    for match in matcher.decide(matcher.candidates(event), {}):
        assert match.spans or match.title_spans
        cuts = [event.text[start:end] for start, end in match.spans]
        cuts += [event.title[start:end] for start, end in match.title_spans]
        assert {fold(cut).plain for cut in cuts} == {fold(term).plain}
