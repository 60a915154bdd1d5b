"""Explanations: the truth of every clause, where it stands, and why it does not."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consumers.scoring.chinese import Lexicon
from consumers.scoring.explaining import explain, lines
from consumers.scoring.matching import Matcher, compile_watch
from consumers.scoring.views import MatchInput
from contracts.scores import HeadScore

EVENT = MatchInput("手机会爆炸吗? a pineapple", title="Phone", author_name="Bob", source="weibo")


@pytest.mark.parametrize(
    ("query", "truth", "reason"),
    [
        ("手机", True, "stands as a word"),
        ("机会", False, "its characters are not a word in 手机 会 爆炸 吗"),
        ("apple", False, "its letters are only in the middle of words"),
        ("cherry", False, "is not in the text"),
        ("author:@bob", True, "author is @bob"),
        ("author:42", False, "author is @bob"),
        ("source:rss", False, "source is weibo"),
        ("has:media", False, "nothing is known of has"),
        ("lang:en", False, "the language is zh-hant"),
        ("emotion:anger", True, "emotion is anger"),
        ("emotion:joy", False, "emotion is anger"),
        ("sentiment:negative", None, "sentiment abstained"),
        ("topic:sports", None, "the model has no head topic"),
    ],
)
def test_each_clause_has_its_truth_and_its_reason(
    query: str, truth: bool | None, reason: str, lexicon: Lexicon
) -> None:
    scores = {
        "emotion": HeadScore("anger", 0.9),
        "sentiment": HeadScore("negative", 0.4, abstained=True),
    }
    clause = explain(
        compile_watch("w", query), EVENT, lexicon=lexicon, scores=scores, lang="zh-Hant"
    )
    assert (clause.truth, clause.reason) == (truth, reason)


def test_without_scores_what_depends_on_them_is_not_known(lexicon: Lexicon) -> None:
    clause = explain(compile_watch("w", "phone emotion:joy lang:en"), EVENT, lexicon=lexicon)
    reasons = {part.query: (part.truth, part.reason) for part in clause.clauses}
    assert clause.truth is None
    assert reasons == {
        "phone": (True, "stands as a word"),
        "emotion:joy": (None, "the models were not asked"),
        "lang:en": (None, "the language is not known"),
    }


def test_places_are_told_in_title_and_text(lexicon: Lexicon) -> None:
    clause = explain(compile_watch("w", "phone OR 手机"), EVENT, lexicon=lexicon)
    phone, handset = clause.clauses
    assert (phone.spans, phone.title_spans) == ((), ((0, 5),))
    assert (handset.spans, handset.title_spans) == (((0, 2),), ())


def test_an_explanation_is_read_line_by_line(lexicon: Lexicon) -> None:
    watch = compile_watch("w", "(手机 OR 机会) -emotion:joy")
    assert list(lines(explain(watch, EVENT, lexicon=lexicon))) == [
        "not known  (手机 OR 机会) AND NOT emotion:joy  (1 of 2 hold, all must)",
        "  yes        手机 OR 机会  (1 of 2 hold, one must)",
        "    yes        手机  (stands as a word)",
        "    no         机会  (its characters are not a word in 手机 会 爆炸 吗)",
        "  not known  NOT emotion:joy  (the opposite of what follows)",
        "    not known  emotion:joy  (the models were not asked)",
    ]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    query=st.sampled_from(
        ["手机 -机会", "机会 OR emotion:joy", "(a OR 爆炸) -lang:en", "phone -(手机 emotion:anger)"]
    ),
    abstained=st.booleans(),
    lang=st.sampled_from(["en", "zh", None]),
)
def test_an_explanation_agrees_with_the_matcher(
    query: str, abstained: bool, lang: str | None, lexicon: Lexicon
) -> None:
    # Given what the models say
    scores = {"emotion": HeadScore("anger", 0.9, abstained=abstained)}
    watch = compile_watch("w", query)

    # When a watch is matched and explained
    matcher = Matcher([watch], lexicon)
    matches = matcher.decide(matcher.candidates(EVENT), scores, lang=lang)
    clause = explain(watch, EVENT, lexicon=lexicon, scores=scores, lang=lang)

    # Then both say the same
    assert bool(matches) is (clause.truth is True)
