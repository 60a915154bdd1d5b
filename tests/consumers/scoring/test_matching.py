"""Matching: which watches match an event before and after scoring, where, and that changes and tenants stay apart."""

from typing import Any

import pytest

from consumers.scoring.chinese import Lexicon
from consumers.scoring.matching import SPAN_LIMIT, Match, Matcher, compile_watch
from consumers.scoring.views import MatchInput
from contracts.errors import QueryInvalid
from contracts.scores import HeadScore

ANGER = {"emotion": HeadScore("anger", 0.9), "sentiment": HeadScore("negative", 0.8)}
UNSURE = {"emotion": HeadScore("anger", 0.4, abstained=True)}


def make_matcher(lexicon: Lexicon, *queries: str) -> Matcher:
    """Return a matcher whose watches are called by their queries."""
    return Matcher([compile_watch(query, query) for query in queries], lexicon)


def matched(
    matcher: Matcher,
    event: MatchInput,
    scores: dict[str, HeadScore] | None = None,
    *,
    lang: str | None = None,
) -> list[str]:
    matches = matcher.decide(matcher.candidates(event), scores or {}, lang=lang)
    return [match.watch_key for match in matches]


@pytest.mark.parametrize(
    ("query", "facts", "wanted"),
    [
        ("source:weibo", {"source": "Weibo"}, True),
        ("source:wei", {"source": "weibo"}, False),
        ("kind:news", {"kind": "news"}, True),
        ("kind:news", {}, False),
        ("author:42", {"author_key": "42"}, True),
        ("author:@bob", {"author_key": "42", "author_name": "Bob"}, True),
        ("author:@bob", {"author_name": "@Bob"}, True),
        ("author:bob", {"author_key": "42", "author_name": "Bob"}, False),
        ("is:repost", {"is_repost": True}, True),
        ("is:reply", {"is_repost": True}, False),
        ("has:media", {"has_media": True}, True),
        ("word -author:42", {}, True),
        ("word -is:reply", {"is_reply": True}, False),
        ("lang:zh", {"lang": "zh-Hant-TW"}, True),
        ("lang:zh-hant", {"lang": "zh_Hant"}, True),
        ("lang:zh-hant", {"lang": "zh"}, False),
        ("word -lang:zh", {"lang": "en"}, True),
    ],
)
def test_facts_decide_before_scoring(
    query: str, facts: dict[str, Any], wanted: bool, lexicon: Lexicon
) -> None:
    # Given an event with some facts
    matcher = make_matcher(lexicon, query)

    # When candidates are asked for
    candidates = matcher.candidates(MatchInput("a word", **facts))

    # Then the watch matches for sure or not at all
    assert (bool(candidates), candidates.maybe) == (wanted, ())
    assert [watch.key for watch in candidates.sure] == [query] * wanted


def test_what_depends_on_scores_waits_for_them(lexicon: Lexicon) -> None:
    # Given watches that need scores, need none, and cannot match
    matcher = make_matcher(
        lexicon, "flood emotion:anger", "flood OR emotion:joy", "fire emotion:joy"
    )

    # When candidates are asked for
    candidates = matcher.candidates(MatchInput("A flood!"))

    # Then each is where it belongs, and the scores decide the rest
    assert [watch.key for watch in candidates.sure] == ["flood OR emotion:joy"]
    assert [watch.key for watch in candidates.maybe] == ["flood emotion:anger"]
    assert len(matcher.decide(candidates, ANGER)) == 2
    assert len(matcher.decide(candidates, {"emotion": HeadScore("fear", 0.9)})) == 1


@pytest.mark.parametrize(
    "query",
    [
        "flood emotion:anger",
        "flood -emotion:anger",
        "flood NOT (emotion:anger fire)",
        "emotion:anger",
    ],
)
def test_an_abstained_head_matches_no_query_on_it(query: str, lexicon: Lexicon) -> None:
    # Given a query that hangs on a head, for or against, when the other clauses hold
    matcher = make_matcher(lexicon, query)
    event = MatchInput("flood and fire")

    # Then neither an abstained head nor a missing one makes it match
    assert matched(matcher, event, UNSURE) == []
    assert matched(matcher, event, {}) == []


@pytest.mark.parametrize(
    "query",
    [
        "flood OR emotion:anger",
        "flood -(emotion:anger fire)",
        "flood (rain OR flood OR emotion:joy)",
    ],
)
def test_an_abstained_head_does_not_undo_what_holds_without_it(
    query: str, lexicon: Lexicon
) -> None:
    assert matched(make_matcher(lexicon, query), MatchInput("a flood"), UNSURE) == [query]


def test_a_language_that_nobody_has_named_matches_nothing_until_it_is_detected(
    lexicon: Lexicon,
) -> None:
    # Given watches for and against a language, and an event whose source names none
    matcher = make_matcher(lexicon, "lang:zh", "flood -lang:zh", "lang:en flood")
    event = MatchInput("flood")

    # Then all may match, none does without a language, and the detected one decides
    assert len(matcher.candidates(event).maybe) == 3
    assert matched(matcher, event) == []
    assert matched(matcher, event, lang="en") == ["flood -lang:zh", "lang:en flood"]
    assert matched(matcher, event, lang="zh") == ["lang:zh"]


def test_the_language_that_the_source_names_stands(lexicon: Lexicon) -> None:
    matcher = make_matcher(lexicon, "lang:ja")
    assert matched(matcher, MatchInput("x", lang="ja"), lang="other") == ["lang:ja"]


def test_spans_are_places_in_the_original_text(lexicon: Lexicon) -> None:
    # Given full-width letters, an emoji of two characters and a ligature before the terms
    text = "ﬃ ❤️ ｆｌｏｏｄ，手機 and flood"
    matcher = make_matcher(lexicon, "flood 手机 OR nothing")

    # When it is matched
    (match,) = matcher.decide(matcher.candidates(MatchInput(text)), {})

    # Then the spans cut the words out of the text as it was written
    assert [text[start:end] for start, end in match.spans] == ["ｆｌｏｏｄ", "手機", "flood"]


def test_title_and_text_are_both_searched_and_have_spans_of_their_own(lexicon: Lexicon) -> None:
    # Given a word in the title and another in the text
    matcher = make_matcher(lexicon, "flood calgary", '"flood calgary"')
    event = MatchInput("calgary is wet", title="Great flood")

    # Then a query may find one in each, but no phrase goes from one into the other
    assert matcher.decide(matcher.candidates(event), {}) == [
        Match("flood calgary", spans=((0, 7),), title_spans=((6, 11),))
    ]


def test_only_what_satisfied_the_query_has_spans(lexicon: Lexicon) -> None:
    # Given a branch that fails though one of its terms is there
    matcher = make_matcher(lexicon, "(rain snow) OR flood OR (hail -ice)")

    # Then its term has no span
    (match,) = matcher.decide(matcher.candidates(MatchInput("rain, flood, hail")), {})
    assert match.spans == ((6, 11), (13, 17))


def test_overlapping_spans_are_one_and_their_number_is_limited(lexicon: Lexicon) -> None:
    matcher = make_matcher(lexicon, '"new york" "york city"', "a OR b")
    (match,) = matcher.decide(matcher.candidates(MatchInput("in New York City")), {})
    assert match.spans == ((3, 16),)

    (match,) = matcher.decide(matcher.candidates(MatchInput("a b " * 500)), {})
    assert len(match.spans) == SPAN_LIMIT


def test_a_watch_sees_its_own_tenant_alone(lexicon: Lexicon) -> None:
    # Given two tenants with one query
    watches = [compile_watch(f"{name}/w", "flood", tenant=name) for name in ("one", "two")]
    matcher = Matcher(watches, lexicon)

    # Then an event matches the watch of its own tenant, and none of a tenant without watches
    assert matched(matcher, MatchInput("flood", tenant="two")) == ["two/w"]
    assert matched(matcher, MatchInput("flood", tenant="three")) == []


def test_matches_come_in_order_of_their_keys_and_each_once(lexicon: Lexicon) -> None:
    matcher = make_matcher(lexicon, "z OR a", "a OR z", "m OR a OR z")
    assert matched(matcher, MatchInput("a z m")) == ["a OR z", "m OR a OR z", "z OR a"]


def test_a_change_makes_a_new_matcher_and_leaves_the_old_one(lexicon: Lexicon) -> None:
    # Given a matcher
    old = Matcher([compile_watch("a", "flood"), compile_watch("b", "fire")], lexicon)
    event = MatchInput("flood and fire and hail")

    # When watches are added, replaced and removed
    added = old.apply(compile_watch("c", "hail"))
    replaced = added.apply(compile_watch("a", "drought"))
    removed = replaced.remove("b").remove("unknown").remove("a", tenant="unknown")

    # Then each matcher answers for its own watches
    assert matched(old, event) == ["a", "b"]
    assert matched(added, event) == ["a", "b", "c"]
    assert matched(replaced, event) == ["b", "c"]
    assert matched(removed, event) == ["c"]
    assert [len(matcher) for matcher in (old, added, replaced, removed)] == [2, 3, 3, 2]


def test_a_first_watch_of_a_tenant_can_be_added(lexicon: Lexicon) -> None:
    matcher = Matcher([], lexicon).apply(compile_watch("new/w", "flood", tenant="new"))
    assert matched(matcher, MatchInput("flood", tenant="new")) == ["new/w"]


def test_candidates_may_be_decided_twice(lexicon: Lexicon) -> None:
    matcher = make_matcher(lexicon, "emotion:anger", "lang:zh")
    candidates = matcher.candidates(MatchInput("x"))
    assert len(matcher.decide(candidates, ANGER, lang="zh")) == 2
    assert matcher.decide(candidates, UNSURE, lang="en") == []
    assert len(matcher.decide(candidates, ANGER, lang="zh")) == 2


def test_a_query_that_does_not_parse_makes_no_watch() -> None:
    with pytest.raises(QueryInvalid):
        compile_watch("a", "flood AND")


@pytest.mark.timeout(20)
def test_a_text_of_the_greatest_length_is_matched_in_seconds(lexicon: Lexicon) -> None:
    # Given 200,000 characters without a space, in which a term's characters stand everywhere across words
    text = "手机会" * 66_666 + "，家电"
    matcher = make_matcher(lexicon, "机会 OR 家电", "手机", "机会*")

    # Then the term is still found where it is a word, and not elsewhere
    (first, second) = matcher.decide(matcher.candidates(MatchInput(text)), {})
    assert (first.watch_key, len(first.spans)) == ("手机", SPAN_LIMIT)
    assert (second.watch_key, second.spans) == ("机会 OR 家电", ((199_999, 200_001),))
