"""Samples: bounded, without favour, and the same in whatever order and parts the mentions came."""

import random
from collections import Counter

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from consumers.alerting.sampling import (
    GROUP_LIMITS,
    SOURCES_SHOWN,
    WATCH_LIMITS,
    Limits,
    Samples,
    rank_of,
    sample_of,
)
from contracts.alerts import QUOTE_LIMIT
from contracts.mentions import Mention, mention_id
from contracts.scores import HeadScore, Span

SMALL = Limits(drawn=4, influential=2, has_vectors=True)
FACTS = st.tuples(st.sampled_from("abcd"), st.sampled_from([None, 0, 5, 5, 70, 900]))


def mention_of(number: int, source: str = "chirp", **fields: object) -> Mention:
    id = mention_id("default", "norvia", event=(source, str(number)))
    known = {
        "id": id, "tenant": "default", "watch": "norvia", "watch_revision": 1,
        "event_id": str(number), "source": source, "kind": "social", "at": "2026-11-23T17:00:00Z",
        "lane": "text", "partition": 0, "offset": number, "lang": "en", "heads": {},
        "model_version": "m", "text": f"Hot phone {number}", "vector": b"v" * 384,
    }  # fmt: skip
    return msgspec.convert({**known, **fields}, Mention)


def mentions_of(facts: list[tuple[str, int | None]]) -> list[Mention]:
    return [mention_of(at, source, reach=reach) for at, (source, reach) in enumerate(facts)]


def samples_of(mentions: list[Mention], limits: Limits = SMALL) -> Samples:
    samples = Samples(limits)
    for mention in mentions:
        samples.offer(mention)
    return samples


def ranks(mentions: list[Mention]) -> list[int]:
    return [rank_of(mention.id) for mention in mentions]


@given(
    facts=st.lists(FACTS, max_size=60),
    cuts=st.integers(1, 7),
    order=st.randoms(use_true_random=False),
)
def test_no_order_and_no_parting_changes_what_is_kept(
    facts: list[tuple[str, int | None]], cuts: int, order: random.Random
) -> None:
    # Given mentions in one order
    mentions = mentions_of(facts)
    whole = samples_of(mentions)
    # When they come in another, some twice, in several parts that are merged
    again = mentions + mentions[::3]
    order.shuffle(again)
    merged = Samples(SMALL)
    for part in range(cuts):
        merged = merged.merge(samples_of(again[part::cuts]))
    # Then the same are kept
    assert merged == whole


@given(facts=st.lists(FACTS, max_size=60))
def test_what_is_kept_is_what_sorting_all_would_choose(
    facts: list[tuple[str, int | None]],
) -> None:
    mentions = mentions_of(facts)
    samples = samples_of(mentions)
    # The drawn are those of least rank
    by_rank = sorted(mentions, key=lambda m: rank_of(m.id))
    assert [s.rank for s in samples.drawn] == ranks(by_rank[: SMALL.drawn])
    # The influential are those of greatest reach
    reaching = sorted((m for m in by_rank if m.reach), key=lambda m: -(m.reach or 0))
    assert [s.rank for s in samples.influential] == ranks(reaching[: SMALL.influential])
    # Three sources are there, if there are three
    sources = {s.source for s in samples.kept}
    assert len(sources) >= min(SOURCES_SHOWN, len({m.source for m in mentions}))
    assert len(samples.kept) <= SMALL.drawn + SMALL.influential + SOURCES_SHOWN - 1


def test_every_mention_is_drawn_as_often_as_any_other() -> None:
    # Given a thousand draws of 4 of 40 mentions
    drawn: Counter[int] = Counter()
    for run in range(1000):
        ids = [mention_of(at, f"source-{run}") for at in range(40)]
        kept = {s.event for s in samples_of(ids).drawn}
        drawn.update(map(int, kept))
    # Then each was drawn about a hundred times: five standard deviations are 48
    assert all(abs(drawn[at] - 100) < 48 for at in range(40))


def test_a_second_source_is_kept_however_rare_it_is() -> None:
    mentions = [mention_of(at) for at in range(2000)] + [mention_of(1, "weiyu")]
    assert {s.source for s in samples_of(mentions, GROUP_LIMITS).kept} == {"chirp", "weiyu"}


def test_a_sample_holds_what_an_alert_may_show() -> None:
    # Given a long mention with spans inside and beyond the cut, and in the title
    spans = (
        Span(0, 3, "anger", 0.6),
        Span(QUOTE_LIMIT - 1, QUOTE_LIMIT + 3, "anger", 0.3),
        Span(0, 3, "anger", 0.1, in_title=True),
    )
    heads = {
        "emotion": HeadScore("anger", 0.4, abstained=True),
        "sentiment": HeadScore("negative", 0.9),
    }
    mention = msgspec.structs.replace(
        mention_of(1), text="Hot " * 200, heads=heads, emotion_spans=spans, url="https://x.example/"
    )
    # When it is taken with its vector
    sample = sample_of(mention, has_vector=True)
    # Then text and spans are cut, and what the models said is told
    assert len(sample.text) == QUOTE_LIMIT
    assert sample.spans == spans[:1]
    assert (sample.emotion, sample.is_abstained, sample.sentiment) == ("anger", True, "negative")
    assert (sample.at_ms, sample.url) == (1_795_453_200_000, "https://x.example/")
    assert sample.vector == b"v" * 64
    assert sample_of(mention, has_vector=False).vector == b""


def test_a_sentiment_that_the_model_abstained_from_is_not_told() -> None:
    heads = {"sentiment": HeadScore("negative", 0.4, abstained=True)}
    mention = msgspec.structs.replace(mention_of(1), heads=heads)
    assert sample_of(mention, has_vector=False).sentiment is None


def test_an_endless_address_is_left_out() -> None:
    mention = mention_of(1, url="https://x.example/" + "y" * 4000)
    assert sample_of(mention, has_vector=False).url is None


def test_samples_of_a_watch_and_of_a_group_are_small_and_come_back_from_bytes() -> None:
    mentions = [
        mention_of(at, text="Why does it burn? " * 12, reach=at, author=f"en-{at:04d}")
        for at in range(5000)
    ]
    for limits, most_bytes in ((WATCH_LIMITS, 20_000), (GROUP_LIMITS, 4_000)):
        samples = samples_of(mentions, limits)
        kept = msgspec.msgpack.encode(samples)
        assert len(kept) < most_bytes
        assert msgspec.msgpack.decode(kept, type=Samples) == samples
