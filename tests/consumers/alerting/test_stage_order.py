"""The order in which mentions come within the allowed lateness, batches and restarts change no byte of an alert.

And for a plain threshold the alerts are what a plain count of the list of mentions says. ORDERS in the environment is
how many orders are tried: 1,000, or 10,000 where the figure is to be shown.
"""

import os
import random
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.mentions import Mention, Tick
from contracts.watches import Rule
from tests.consumers.alerting.desk import (
    BEGIN_MS,
    Desk,
    Item,
    by_key,
    mention,
    moment,
    tick,
    volume_rule,
    watch_of,
)

ORDERS = int(os.environ.get("ORDERS", "1000"))
PANE, LATENESS, STEP = 10, 5, 60
END = 480
LIMIT, RESOLVE, UPDATE, REOPEN = 4, 60, 30, 120
PLAIN = volume_rule(
    LIMIT, severity="info", resolve=RESOLVE, update=UPDATE, reopen=REOPEN, window=30
)
EVERY = (
    PLAIN,
    volume_rule(2, by="topic", id="by-topic", hold=20, resolve=30),
    Rule("threshold", {"measure": "negative_share", "above": 0.5, "min_mentions": 3, "resolve": 0}, id="mood"),
    Rule("influential_post", {"reach": 5000, "resolve": 0}),
    Rule("silence", {"source": "weiyu", "for": 90, "resolve": 0}),
)  # fmt: skip
WITH_CHANCES = (*EVERY, Rule("negative_surge", {"by": "topic"}), Rule("volume_spike"))

# (second, topic, is negative, reach) of one mention each.
SAID = st.tuples(
    st.integers(0, 180),
    st.sampled_from(["health", "sport", None]),
    st.booleans(),
    st.sampled_from([10, 9000]),
)


def mentions_of(said: Sequence[tuple[int, str | None, bool, int]]) -> list[Mention]:
    return [
        mention(
            n, at, topic=topic, sentiment="negative" if negative else "positive", reach=reach,
            emotion="anger" if negative else None, vector=bytes([n % 100, 7, 100 - n % 100]),
        )
        for n, (at, topic, negative, reach) in enumerate(said)
    ]  # fmt: skip


def second_of(one: Mention) -> int:
    return (int(one.at.timestamp() * 1000) - BEGIN_MS) // 1000


def with_ticks(mentions: Sequence[Mention], dice: random.Random) -> Iterator[Item]:
    """Yield mentions in this order, and ticks that leave each one still to come within the lateness."""
    for place, one in enumerate(mentions):
        if dice.random() < 0.4:
            yield tick(min(map(second_of, mentions[place:])) + dice.uniform(0, LATENESS))
        yield one


def batches_of(items: Sequence[Item], dice: random.Random) -> Iterator[Sequence[Item]]:
    while items:
        size = dice.choice([1, 2, 3, 5, 8, 100])
        yield items[:size]
        items = items[size:]


def lived(mentions: Sequence[Mention], *rules: Rule, dice: random.Random | None = None) -> Desk:
    """Return a desk after all mentions and the time after them, in one batch or in random ones."""
    desk = Desk(watch_of(*rules))
    items: list[Item] = [*mentions] if dice is None else [*with_ticks(mentions, dice)]
    for batch in [items] if dice is None else batches_of(items, dice):
        desk.give(*batch)
    desk.pass_to(END)
    return desk


def check_orders(mentions: list[Mention], *rules: Rule, seed: int, orders: int) -> Desk:
    """Check that random orders of mentions give what one batch of them in order gives, and return that."""
    dice = random.Random(seed)
    plain = lived(sorted(mentions, key=second_of), *rules)
    for _ in range(orders):
        shuffled = lived(dice.sample(mentions, len(mentions)), *rules, dice=dice)
        assert by_key(shuffled.written) == by_key(plain.written)
        assert shuffled.ledger().result - plain.ledger().result == ticks_of(shuffled) - 1
    return plain


def ticks_of(desk: Desk) -> int:
    return desk.given.count(Tick)


def plainly_told(mentions: Sequence[Mention]) -> list[tuple[str, int]]:
    """Return what the plain rule tells and when, from a count of the list alone: the oracle.

    Windows are judged at every pane until a minute after the last mention, and at every minute.
    """
    seconds = [second_of(one) for one in mentions]
    panes = {at // PANE * PANE + PANE for at in seconds}
    ends = {end + later for end in panes for later in range(0, STEP + 1, PANE)}
    ends |= {*range(STEP, END + 1, STEP)}
    told: list[tuple[str, int]] = []
    firing, ended, last_told, last, clear, reopened = False, None, 0, 0, 0, 0
    updates, most = 0, 0
    for end in sorted(ends):
        inside = [one for one in mentions if end - 30 <= second_of(one) < end]
        count, points = len(inside), plain_points(inside)
        passed, last = end - last, end
        if count >= LIMIT:
            clear = 0
            before = 0 if points > most else updates
            if firing and end - last_told < UPDATE * 2**before:
                continue
            if firing:
                change, updates = "updated", before + 1
            elif ended is not None and end - ended <= REOPEN:
                change, updates, reopened = "reopened", 0, reopened + 1
            else:
                change, updates, reopened, most = "fired", 0, 0, 0
            firing, last_told, most = True, end, max(most, points)
            told.append((change, end))
        elif count < 0.9 * LIMIT:
            clear += passed
            if firing and clear >= RESOLVE * min(2**reopened, 8):
                firing, ended = False, end
                told.append(("resolved", end))
    return told


def plain_points(mentions: Sequence[Mention]) -> int:
    """Return the points of a window by RULES.md, each mention being a voice of its own."""
    reached = sum(one.reach or 0 for one in mentions)
    sources = {one.source for one in mentions}
    return (reached >= 10_000) + (len(mentions) >= 30) + (len(sources) >= 3)


def told_by(desk: Desk) -> list[tuple[str, int]]:
    return [
        (one.change, int((one.at - moment(0)).total_seconds()))
        for one in desk.transitions
        if one.rule == "threshold"
    ]


@pytest.mark.slow
@pytest.mark.timeout(120 + ORDERS // 5)
@settings(max_examples=ORDERS // 20)
@given(st.lists(SAID, min_size=1, max_size=30), st.integers(0, 2**32))
def test_any_order_within_the_lateness_gives_the_same_alerts(
    said: list[tuple[int, str | None, bool, int]], seed: int
) -> None:
    mentions = mentions_of(said)
    desk = check_orders(mentions, *EVERY, seed=seed, orders=20)
    assert told_by(desk) == plainly_told(mentions)


@settings(max_examples=150)
@given(
    st.lists(st.integers(0, 400), min_size=1, max_size=60),
    st.lists(st.integers(0, 250), max_size=60),
)
def test_a_plain_threshold_is_what_a_plain_count_says(
    seconds: list[int], crowded: list[int]
) -> None:
    # Given mentions of some minutes, more of them in the first ones, so that an alert lasts
    mentions = [mention(n, at) for n, at in enumerate([*seconds, *crowded])]
    assert told_by(lived(mentions, PLAIN)) == plainly_told(mentions)


@settings(max_examples=10)
@given(st.lists(SAID, min_size=1, max_size=25), st.integers(0, 2**32))
def test_any_order_teaches_the_detectors_the_same(
    said: list[tuple[int, str | None, bool, int]], seed: int
) -> None:
    check_orders(mentions_of(said), *WITH_CHANCES, seed=seed, orders=2)


@settings(max_examples=25)
@given(st.lists(SAID, min_size=1, max_size=25), st.integers(0, 2**32))
def test_a_restart_at_any_point_changes_nothing(
    said: list[tuple[int, str | None, bool, int]], seed: int
) -> None:
    # Given the same batches with and without restarts between, each of which leaves the state alone
    dice = random.Random(seed)
    batches = [*batches_of([*with_ticks(sorted(mentions_of(said), key=second_of), dice)], dice)]
    batches += [[tick(at)] for at in range(200, END, 90)]
    whole, cut = Desk(watch_of(*WITH_CHANCES)), Desk(watch_of(*WITH_CHANCES))
    for batch in batches:
        whole.give(*batch)
        if dice.random() < 0.4:
            cut.restart()
        cut.give(*batch)
    # Then both write the same, to the last byte, in the same order.
    assert cut.written == whole.written
    assert cut.kept() == whole.kept()
