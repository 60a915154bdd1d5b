"""Tallies: sums that do not hang on order, and what heads abstained from."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.alerting.measures import NAMES, measured
from consumers.alerting.tallies import SOURCES_LIMIT, Tally, bound, groups_of, summed
from contracts.mentions import Mention
from tests.consumers.alerting.desk import EMOTIONS, HEADS, mention

MENTIONS = st.lists(
    st.builds(
        lambda number, sentiment, emotion, valence, reach: mention(
            number, number, source=f"s{number % 40}", sentiment=sentiment, emotion=emotion,
            valence=valence, reach=reach,
        ),
        st.integers(0, 10_000), st.sampled_from([*HEADS["sentiment"], None]),
        st.sampled_from([*EMOTIONS, None]), st.floats(-1, 1) | st.none(), st.integers(0, 10**7) | st.none(),
    ),
    max_size=60,
)  # fmt: skip


def tally_of(mentions: list[Mention]) -> Tally:
    tally = Tally()
    for one in mentions:
        tally.take(one)
    return tally


def seen(tally: Tally) -> list[object]:
    """Return all that is read of a tally."""
    measures = [measured(tally, name) for name in (*NAMES, *(f"emotion:{e}" for e in EMOTIONS))]
    return [*measures, tally.furthest, tally.furthest_negative, sorted(tally.sources.items())]


@given(MENTIONS, st.integers(0, 2**32))
def test_the_order_of_mentions_changes_nothing(mentions: list[Mention], seed: int) -> None:
    shuffled = random.Random(seed).sample(mentions, len(mentions))
    assert seen(tally_of(shuffled)) == seen(tally_of(mentions))


@given(MENTIONS, st.integers(0, 60))
def test_stretches_add_up_and_are_left_as_they_were(mentions: list[Mention], cut: int) -> None:
    # Given few enough sources to keep them all
    mentions = [one for one in mentions if int(one.source[1:]) < SOURCES_LIMIT]
    first, second = tally_of(mentions[:cut]), tally_of(mentions[cut:])
    before = seen(first)
    whole = summed([{"": first}, {"": second}])[""]
    assert seen(whole) == seen(tally_of(mentions))
    assert seen(first) == before


def test_what_a_head_abstained_from_leaves_its_shares_and_is_counted_apart() -> None:
    tally = tally_of(
        [
            mention(1, 1, sentiment="negative", emotion="anger"),
            mention(2, 2, sentiment="positive", emotion=None),
            mention(3, 3, sentiment=None, emotion="joy"),
            mention(4, 4),
        ]
    )
    assert measured(tally, "negative_share") == 0.5
    assert measured(tally, "emotion:anger") == 0.5
    assert measured(tally, "abstained_share") == 0.5
    assert measured(tally, "harm_share") is None
    assert measured(tally, "valence") is None


def test_the_furthest_negative_mention_is_not_the_furthest_of_all() -> None:
    tally = tally_of(
        [
            mention(1, 1, sentiment="positive", reach=900),
            mention(2, 2, sentiment="negative", reach=70),
            mention(3, 3, sentiment=None, reach=800),
        ]
    )
    assert (tally.furthest, tally.furthest_negative, tally.reach) == (900, 70, 1770)


def test_an_estimate_of_voices_says_no_more_than_there_are_mentions() -> None:
    for many in (1, 127, 128, 200, 382, 1000):
        assert tally_of([mention(n, n) for n in range(many)]).heard() <= many


def test_a_mention_counts_in_the_total_and_in_the_label_of_each_head_that_answered() -> None:
    one = mention(1, 1, topic="health", sentiment=None, emotion="joy")
    assert groups_of(one, ["emotion", "intent", "sentiment", "topic"]) == [
        "",
        "emotion=joy",
        "topic=health",
    ]


@given(st.lists(st.sampled_from("abcdefgh")), st.integers(1, 8), st.sets(st.sampled_from("fgh")))
def test_which_names_stay_does_not_hang_on_their_order(
    names: list[str], limit: int, first: set[str]
) -> None:
    kept: dict[str, int] = {}
    for name in names:
        kept[name] = kept.get(name, 0) + 1
        bound(kept, limit, first=first)
    ranked = sorted(set(names), key=lambda name: (name not in first, name))[:limit]
    assert kept == {name: names.count(name) for name in ranked}


@pytest.mark.parametrize("name", NAMES)
def test_a_measure_of_nothing_is_nothing_or_zero(name: str) -> None:
    assert not measured(Tally(), name)
    assert not isinstance(measured(Tally(), name), int)


def test_a_name_that_is_no_measure_is_an_error() -> None:
    with pytest.raises(KeyError, match="volum"):
        measured(Tally(), "volum")
