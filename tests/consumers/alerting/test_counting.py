"""Mentions counted: in which pane, as what, and how much is written for it."""

from consumers.alerting.baselines import Memory
from consumers.alerting.counting import REMEMBERED_PANES, Counter
from consumers.alerting.keeping import Keeping
from consumers.alerting.rules import read_rules
from consumers.alerting.watched import Setup, Timing, Watched
from consumers.runtime.state import Overlay, PartitionState
from contracts.mentions import Mention
from contracts.watches import Rule
from tests.consumers.alerting.desk import BEGIN_MS, HEADS, PHRASING, mention, watch_of

SETUP = Setup(Timing(), PHRASING, Memory(), HEADS["emotion"], limit=3)
WATCH = watch_of(Rule("negative_surge", {"by": "topic"}))
WATCHED = Watched(WATCH, read_rules(WATCH, heads=HEADS))


class Counts:
    """Batches of mentions counted one after the other."""

    def __init__(self) -> None:
        self.state = PartitionState()
        self.written: list[str] = []

    def take(self, *mentions: Mention, watermark_s: float = 0.0) -> list[bool]:
        overlay = Overlay(self.state)
        counter = Counter(WATCHED, Keeping(WATCH.key, overlay), setup=SETUP)
        answers = counter.take(mentions, watermark_ms=BEGIN_MS + round(watermark_s * 1000))
        self.written = sorted(key.partition("/")[0] for key in overlay.written)
        overlay.apply()
        return answers

    @property
    def keeping(self) -> Keeping:
        return Keeping(WATCH.key, Overlay(self.state))

    def panes(self) -> dict[int, int]:
        """Return how many mentions each open pane has, by its second."""
        found = {}
        for start_ms in self.keeping.open_starts():
            pane = self.keeping.pane(start_ms)
            assert pane is not None
            found[(start_ms - BEGIN_MS) // 1000] = pane.groups[""].mentions
        return found


def test_a_mention_counts_in_the_pane_of_its_own_time() -> None:
    counts = Counts()
    assert (
        counts.take(mention(1, 0), mention(2, 9.999), mention(3, 10), mention(4, 31)) == [True] * 4
    )
    assert counts.panes() == {0: 2, 10: 1, 30: 1}
    kept = counts.keeping.kept()
    assert kept is not None
    assert (kept.first_ms - BEGIN_MS, kept.due_ms - BEGIN_MS) == (0, 10_000)


def test_one_that_comes_late_counts_in_the_first_open_pane_and_is_marked() -> None:
    counts = Counts()
    counts.take(mention(1, 3), mention(2, 26), watermark_s=35)
    assert counts.panes() == {30: 2}
    pane = counts.keeping.pane(BEGIN_MS + 30_000)
    assert pane is not None
    assert pane.late == 2


def test_an_earlier_pane_makes_the_watch_due_earlier() -> None:
    counts = Counts()
    counts.take(mention(1, 95))
    counts.take(mention(2, 41))
    kept = counts.keeping.kept()
    assert kept is not None
    assert (kept.first_ms - BEGIN_MS, kept.due_ms - BEGIN_MS) == (40_000, 50_000)


def test_only_what_changes_is_written() -> None:
    counts = Counts()
    counts.take(mention(1, 1))
    assert counts.written == ["counted", "kept", "open"]
    counts.take(mention(2, 2))
    assert counts.written == ["counted", "open"]
    assert counts.take(mention(2, 2)) == [False]
    assert counts.written == []


def test_a_repeat_is_known_for_six_panes() -> None:
    counts = Counts()
    counts.take(mention(1, 1))
    last_s = 10 * REMEMBERED_PANES + 14.999
    assert counts.take(mention(1, 1), watermark_s=last_s) == [False]
    assert counts.take(mention(1, 1), watermark_s=last_s + 0.001) == [True]


def test_groups_are_bounded_and_so_are_their_examples() -> None:
    counts = Counts()
    topics = [f"t{n:02}" for n in reversed(range(20))]
    counts.take(*(mention(n, 1, topic=topic) for n, topic in enumerate(topics)))
    pane = counts.keeping.pane(BEGIN_MS)
    assert pane is not None
    # Three are followed, the total among them: four times as many have room until that is known
    names = ["", *(f"topic=t{n:02}" for n in range(11))]
    assert sorted(pane.groups) == sorted(pane.samples) == names
    assert pane.groups[""].mentions == 20


def test_the_models_that_scored_a_pane_are_noted() -> None:
    counts = Counts()
    counts.take(*(mention(n, 1, model_version=f"v{9 - n}") for n in range(8)))
    pane = counts.keeping.pane(BEGIN_MS)
    assert pane is not None
    assert pane.models == ["v2", "v3", "v4", "v5"]
