"""A head with thousands of labels costs a watch no more than the groups that are followed apart."""

import random

import pytest

from consumers.alerting.keeping import Keeping, Kept
from consumers.alerting.panes import OpenPane
from consumers.alerting.sampling import Samples
from consumers.alerting.tallies import Tally
from consumers.runtime.state import Overlay
from contracts.watches import Rule
from tests.consumers.alerting.desk import Desk, mention, watch_of

PLAIN: dict[str, str | float | bool] = {"measure": "volume", "above": 999, "by": "topic"}
LABELS = [f"label-{number:04d}" for number in range(400)]


def pane_of(*groups: str) -> OpenPane:
    return OpenPane(0, {g: Tally() for g in groups}, {g: Samples() for g in groups})


def test_only_the_first_groups_met_stay_in_a_pane() -> None:
    kept = Kept(0, 0, 0)
    first, second = pane_of("", "topic=b", "topic=c"), pane_of("", "topic=a", "topic=c")
    kept.follow(first, 3, heads=["topic"])
    kept.follow(second, 3, heads=["topic"])
    assert set(first.groups) == {"", "topic=b", "topic=c"}
    assert set(second.groups) == set(second.samples) == {"", "topic=c"}


def test_of_those_met_in_one_pane_the_most_mentioned_stay() -> None:
    kept, pane = Kept(0, 0, 0), pane_of("", "topic=a", "topic=b", "topic=c", "topic=d")
    for name, many in (("", 9), ("topic=a", 1), ("topic=b", 2), ("topic=c", 4), ("topic=d", 2)):
        pane.groups[name].mentions = many
    kept.follow(pane, 3, heads=["topic"])
    assert kept.followed == ["", "topic=c", "topic=b"]


@pytest.mark.parametrize("seed", range(4))
def test_the_most_mentioned_of_more_labels_than_are_followed_are_judged_in_any_order(
    seed: int,
) -> None:
    # Given 7 places, and a pane of 24 labels of which the last by name have the most mentions
    desk = Desk(watch_of(Rule("threshold", PLAIN)), alert={"groups": 8})
    said = [mention(n, n / 40, topic=LABELS[n % 24]) for n in range(24)]
    said += [mention(100 + n, n / 40, topic=LABELS[17 + n % 7]) for n in range(70)]
    dice = random.Random(seed)
    dice.shuffle(said)
    while said:
        size = dice.choice([1, 5, 100])
        desk.give(*said[:size])
        said = said[size:]
    desk.pass_to(10)
    # Then those are judged with all of their mentions
    assert seen_by(desk) == {f"topic={label}": 11 for label in LABELS[17:24]}
    # And in a later pane of other labels too, of which the first by name are as many
    desk.give(*(mention(200 + n, 70 + n / 40, topic=LABELS[n % 24]) for n in range(48)))
    desk.judged.clear()
    desk.pass_to(80)
    assert seen_by(desk) == {f"topic={label}": 2 for label in LABELS[17:24]}


def seen_by(desk: Desk) -> dict[str, int]:
    return {one.verdict.group: one.verdict.mentions for one in desk.judged}


def test_groups_of_a_head_that_is_not_asked_for_any_more_make_room() -> None:
    kept = Kept(0, 0, 0)
    kept.follow(pane_of("", "topic=b", "topic=c"), 3, heads=["topic"])
    kept.follow(later := pane_of("", "brand=a", "brand=b"), 3, heads=["brand"])
    assert set(later.groups) == {"", "brand=a", "brand=b"}


def test_labels_without_number_leave_what_is_kept_and_learnt_bounded() -> None:
    """Given 400 topics, each pane others, Then no more are kept, learnt or drawn than are followed."""
    desk = Desk(watch_of(Rule("negative_surge", {"by": "topic"})), alert={"groups": 8})
    for pane in range(20):
        said = [
            mention(20 * pane + n, 10 * pane + n / 4, topic=LABELS[20 * pane + n])
            for n in range(20)
        ]
        desk.give(*said)
        desk.pass_to(10 * pane + 10)
    assert len({one.verdict.group for one in desk.judged}) == 7
    keeping = Keeping("default/acme", Overlay(desk.rehearsal.state(desk.mentions)))
    kept = keeping.kept()
    assert kept is not None
    assert len(kept.followed) == 8
    assert all(len(step.groups) <= 8 for step in kept.history.steps)
    assert len(keeping.curves().by_rule) == 7


def test_panes_of_many_verdicts_come_in_more_parts() -> None:
    """Given 64 topics in each of 300 panes, When time passes all at once, Then one transaction ends long before."""
    desk = Desk(watch_of(Rule("threshold", {"measure": "volume", "above": 999, "by": "topic"})))
    said = [
        mention(n, 10 * pane + n % 64 / 10, topic=LABELS[n % 63])
        for pane in range(130)
        for n in range(64 * pane, 64 * pane + 64)
    ]
    desk.give(*said)
    parts = 0

    def counted(self: object = None) -> None:
        nonlocal parts
        parts += 1
        applied()

    applied = desk.stage.applied
    desk.stage.applied = counted  # type: ignore[method-assign]
    desk.pass_to(1300)
    assert parts > 1
