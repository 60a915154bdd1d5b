"""A watch that is paused warns of nothing; a rule that cannot be read takes no other with it."""

from msgspec.structs import replace

from consumers.alerting.episodes import PAUSED
from contracts.watches import Rule, Watch
from tests.consumers.alerting.desk import Desk, changes, mention, volume_rule, watch_of

SILENT = watch_of(
    Rule("silence", {"for": "1h"}),
    Rule("threshold", {"measure": "volume", "below": 3, "window": "10m"}),
)
HOUR = 3600


def listened(watch: Watch) -> Desk:
    """Return a desk whose watch was mentioned five times a minute for ten minutes."""
    desk = Desk(watch)
    for minute in range(10):
        desk.give(*[mention(5 * minute + n, 60 * minute + n) for n in range(5)])
        desk.pass_to(60 * minute + 60)
    return desk


def pause(desk: Desk, watch: Watch, *, revision: int) -> None:
    desk.put(replace(watch, state="paused", revision=revision))


def test_the_silence_of_a_paused_watch_is_no_alert() -> None:
    desk = listened(SILENT)
    pause(desk, SILENT, revision=2)
    desk.pass_to(5 * HOUR)
    assert desk.transitions == []


def test_what_fires_when_its_watch_is_paused_ends_and_says_why() -> None:
    desk = listened(watch := watch_of(volume_rule(3)))
    assert changes(desk.transitions)[0] == "fired"
    pause(desk, watch, revision=2)
    desk.pass_to(660)
    assert (desk.transitions[-1].change, desk.transitions[-1].why) == ("closed", PAUSED)


def test_after_a_pause_silence_counts_from_the_next_mention() -> None:
    """Given a pause of a day, When the watch is mentioned again, Then it fires an hour later, and not at once."""
    watch = watch_of(Rule("silence", {"for": "1h", "source": "chirp"}))
    desk = listened(watch)
    pause(desk, watch, revision=2)
    desk.pass_to(24 * HOUR)
    desk.put(replace(watch, revision=3))
    desk.give(mention(1000, 24 * HOUR + 1, source="weiyu"))
    desk.pass_to(26 * HOUR)
    assert desk.transitions == []
    desk.give(mention(1001, 26 * HOUR + 1, source="chirp"))
    desk.pass_to(28 * HOUR)
    assert [one.at.hour for one in desk.transitions if one.change == "fired"] == [3]


def test_a_rule_that_cannot_be_read_takes_no_other_with_it() -> None:
    """Given a head that is served no more, Then rules that name it are left out, and the others fire."""
    desk = Desk(watch_of(Rule("negative_surge", {"by": "brand"}), volume_rule(3)))
    desk.give(*[mention(n, n) for n in range(5)])
    desk.pass_to(60)
    assert [(one.rule, one.change) for one in desk.transitions] == [("threshold", "fired")]
