"""Evidence: few mentions that speak for what the rule saw, of two sources where there are two, none said twice."""

import random
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.alerting.evidence import Shown, choose_quotes, make_evidence
from consumers.alerting.rule import AlertRule, RuleKind, Verdict
from consumers.alerting.sampling import WATCH_LIMITS, Sample, Samples, rank_of
from consumers.alerting.voices import said
from contracts.alerts import CurvePoint, Phrase
from contracts.scores import Span

SURGE = AlertRule("mood", "negative_surge", "1", measure="negative_share")
WORDS = "hot cold red blue dead fast slow loud new old flat thin".split()
SAMPLES = st.lists(
    st.tuples(st.integers(0, 11), st.sampled_from("abc"), st.booleans(), st.integers(0, 9)),
    max_size=40,
)


def sample_of(number: int, text: str = "", source: str = "chirp", **fields: Any) -> Sample:
    id = f"mention-{number}"
    known: dict[str, Any] = {
        "rank": rank_of(id), "mention": id, "event": str(number), "source": source,
        "at_ms": 1_795_453_200_000 + number, "lang": "en",
        "text": text or f"The phone is {WORDS[number % 12]} and {WORDS[number // 12 % 12]}",
    }  # fmt: skip
    return Sample(**{**known, **fields})


def samples_of(samples: list[Sample]) -> Samples:
    kept = Samples(WATCH_LIMITS)
    for sample in samples:
        kept.take(sample)
    return kept


def vector_of(angle: float) -> bytes:
    return np.array([127 * np.cos(angle), 127 * np.sin(angle)]).astype(np.int8).tobytes()


def verdict_of(**fields: Any) -> Verdict:
    known: dict[str, Any] = {
        "rule": "mood", "group": "", "end_ms": 1_795_453_500_000, "window_s": 300,
        "measure": "share:negative", "level": "breach", "observed": 0.74, "threshold": 1e-6,
        "expected": 0.31, "probability": 1e-7, "mentions": 212, "voices": 100, "sources": 2, "reach": 900,
    }  # fmt: skip
    return Verdict(**{**known, **fields})


@given(facts=SAMPLES, order=st.randoms(use_true_random=False))
def test_quotes_do_not_depend_on_order_repeat_nothing_and_have_two_sources_where_there_are(
    facts: list[tuple[int, str, bool, int]], order: random.Random
) -> None:
    # Given mentions of several sources, some of which say the same
    samples = [
        sample_of(
            at, f"My phone is {WORDS[word]}!", source,
            reach=reach * 100, sentiment="negative" if bad else "positive", vector=vector_of(word),
        )
        for at, (word, source, bad, reach) in enumerate(facts)
    ]  # fmt: skip
    quotes = choose_quotes(samples_of(samples), SURGE)
    # When they come in another order
    order.shuffle(samples)
    # Then the quotes are the same
    assert choose_quotes(samples_of(samples), SURGE) == quotes
    # And say different things, three at least where three different ones are kept, six at most
    words = [said(quote.text) for quote in quotes]
    kept = samples_of(samples).kept
    assert len(set(words)) == len(words)
    assert min(3, len({said(s.text) for s in kept})) <= len(words) <= 6
    # And a second source is heard wherever it says something else
    first = {quote.source for quote in quotes[:1]}
    if {s.source for s in kept if said(s.text) not in words[:1]} - first:
        assert len({quote.source for quote in quotes}) > 1


def test_typical_are_those_nearest_to_the_mean_among_those_that_fit() -> None:
    # Given negatives around one direction with an outlier, and a positive in the midst
    samples = [
        sample_of(1, "burnt my hand today", sentiment="negative", vector=vector_of(0.30)),
        sample_of(2, "it smells of smoke", sentiment="negative", vector=vector_of(0.35)),
        sample_of(3, "so hot in my pocket", sentiment="negative", vector=vector_of(0.50)),
        sample_of(4, "the parcel came late", sentiment="negative", vector=vector_of(2.0)),
        sample_of(5, "what a lovely screen", sentiment="positive", vector=vector_of(0.50)),
    ]
    # When quotes are chosen for a surge of negatives
    quotes = choose_quotes(samples_of(samples), SURGE)
    # Then the nearest come first, the outlier last, and the positive only where room is left
    assert [quote.mention for quote in quotes[:4]] == [f"mention-{n}" for n in (3, 2, 1, 4)]


def test_a_second_source_comes_second() -> None:
    samples = [sample_of(n, sentiment="negative", vector=vector_of(0.1 * n)) for n in range(10)]
    other = sample_of(99, "The wire says it burns", "newswire", vector=vector_of(3.0))
    quotes = choose_quotes(samples_of([*samples, other]), SURGE)
    assert [quote.source for quote in quotes[:3]] == ["chirp", "newswire", "chirp"]


def test_without_vectors_those_that_fit_come_first_in_order_of_rank() -> None:
    samples = [sample_of(n, sentiment="negative" if n % 2 else "positive") for n in range(6)]
    quotes = choose_quotes(samples_of(samples), SURGE)
    fitting = sorted((s for s in samples if s.sentiment == "negative"), key=lambda s: s.rank)
    assert [quote.mention for quote in quotes[:3]] == [s.mention for s in fitting]


def test_the_mention_that_reached_so_far_is_the_first_quote_of_an_influential_post() -> None:
    # Given one negative and one positive mention of great reach among many
    samples = [sample_of(n, sentiment="negative") for n in range(5)]
    samples.append(sample_of(50, "They lie to us", sentiment="negative", reach=800))
    samples.append(sample_of(51, "I love my phone", sentiment="positive", reach=900))
    for measure, first in (("reach", "mention-51"), ("negative_reach", "mention-50")):
        # When the rule asks for any, or for negative ones
        rule = AlertRule("post", "influential_post", "1", measure=measure)
        quotes = choose_quotes(samples_of(samples), rule)
        # Then it stands first
        assert (quotes[0].mention, quotes[0].why) == (first, "influential")


@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        ("emotion_shift", {"emotion": "fear", "measure": "emotion:fear"}, "mention-2"),
        ("threshold", {"measure": "emotion:anger"}, "mention-1"),
        ("threshold", {"measure": "positive_share"}, "mention-4"),
        ("threshold", {"measure": "negative_share"}, "mention-1"),
    ],
)
def test_the_first_quote_has_the_label_that_the_rule_is_about(
    kind: RuleKind, fields: dict[str, str], expected: str
) -> None:
    samples = [
        sample_of(1, emotion="anger", sentiment="negative"),
        sample_of(2, emotion="fear", sentiment="neutral"),
        sample_of(3, emotion="fear", sentiment="neutral", is_abstained=True),
        sample_of(4, emotion="joy", sentiment="positive"),
    ]
    rule = msgspec.convert({"id": "r", "kind": kind, "version": "1", **fields}, AlertRule)
    assert choose_quotes(samples_of(samples), rule)[0].mention == expected


def test_evidence_holds_the_facts_of_its_verdict_and_says_them() -> None:
    # Given a verdict and what is known of its window
    samples = samples_of([sample_of(1, sentiment="negative"), sample_of(2, source="newswire")])
    shown = Shown(
        sources={"chirp": 200, "newswire": 12},
        samples=samples,
        curve=(CurvePoint(1_795_453_500_000, 0.74, 0.31),),
        phrases=(Phrase("battery fire", 9, 3.2),),
    )
    # When evidence is made
    evidence = make_evidence(verdict_of(), rule=SURGE, watch_name="Norvia", shown=shown)
    # Then it holds them
    assert (evidence.observed, evidence.expected, evidence.probability) == (0.74, 0.31, 1e-7)
    assert (evidence.mentions, evidence.voices, evidence.reach) == (212, 100, 900)
    assert (evidence.curve, evidence.phrases) == (shown.curve, shown.phrases)
    assert not evidence.single_source
    assert evidence.says["en"].startswith("Norvia: 74 % are negative where 31 % is usual")
    assert evidence.says["zh"].startswith("【Norvia】5分钟内负面占比达74%")


def test_a_single_source_is_marked() -> None:
    shown = Shown(sources={"chirp": 212}, samples=samples_of([sample_of(1)]))
    evidence = make_evidence(verdict_of(sources=1), rule=SURGE, watch_name="Norvia", shown=shown)
    assert evidence.single_source
    assert "all from one source, chirp" in evidence.says["en"]


def test_what_fell_silent_has_no_quotes() -> None:
    rule = AlertRule("quiet", "silence", "1", measure="silence")
    verdict = verdict_of(
        measure="silence", observed=7200.0, threshold=3600.0, expected=None, probability=None,
        mentions=0, voices=0, sources=0,
    )  # fmt: skip
    evidence = make_evidence(verdict, rule=rule, watch_name="Norvia", shown=Shown())
    assert evidence.quotes == ()
    assert not evidence.single_source
    assert evidence.says["en"] == "Norvia: no mention for 2 hours, where the limit is 1 hour."


def test_a_quote_shows_the_mention_and_no_label_that_the_model_abstained_from() -> None:
    # Given a mention whose emotion is known, and one whose is not
    spans = (Span(0, 3, "anger", 0.8),)
    sure = sample_of(
        1, "Hot again", emotion="anger", probability=0.9, spans=spans, url="https://x.example/1",
        author="en-0001", reach=77,
    )  # fmt: skip
    unsure = sample_of(2, emotion="anger", probability=0.3, is_abstained=True)
    quotes = {q.mention: q for q in choose_quotes(samples_of([sure, unsure]), SURGE)}
    # Then the one shows it with its spans, the other does not
    quote = quotes["mention-1"]
    assert (quote.label, quote.probability, quote.spans) == ("anger", 0.9, spans)
    assert (quote.author, quote.reach, quote.url) == ("en-0001", 77, "https://x.example/1")
    assert quote.at.isoformat() == "2026-11-23T17:00:00.001000+00:00"
    assert (quotes["mention-2"].label, quotes["mention-2"].probability) == (None, None)
