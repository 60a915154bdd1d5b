"""A watch that is paused warns of nothing; a rule that cannot be read takes no other with it."""

from msgspec.structs import replace

from consumers.alerting.episodes import PAUSED
from contracts.watches import Rule, Watch
from tests.consumers.alerting.desk import Desk, changes, mention, moment, volume_rule, watch_of

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


def resume(desk: Desk, watch: Watch, at_s: float) -> None:
    desk.put(replace(watch, revision=3, resumed_at=moment(at_s)))


def chatter(desk: Desk, first: int, last: int) -> None:
    """Let a watch be mentioned five times or so a minute, from one minute to another."""
    for minute in range(first, last):
        many = 3 + minute * 7919 % 5
        desk.give(
            *[
                mention(10 * minute + n, 60 * minute + 9 * n, sentiment="negative")
                for n in range(many)
            ]
        )
        desk.pass_to(60 * minute + 60)


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
    resume(desk, watch, 24 * HOUR)
    desk.give(mention(1000, 24 * HOUR + 1, source="weiyu"))
    desk.pass_to(26 * HOUR)
    assert desk.transitions == []
    desk.give(mention(1001, 26 * HOUR + 1, source="chirp"))
    desk.pass_to(28 * HOUR)
    assert [one.at.hour for one in desk.transitions if one.change == "fired"] == [3]


def test_silence_that_falls_due_after_a_pause_waits_for_the_next_mention_too() -> None:
    desk = listened(watch := watch_of(Rule("silence", {"for": "1h"})))
    # Nothing is to be judged any more when the pause begins, but the silence itself.
    desk.pass_to(HOUR / 4)
    pause(desk, watch, revision=2)
    desk.pass_to(HOUR)
    resume(desk, watch, HOUR)
    desk.pass_to(5 * HOUR)
    assert desk.transitions == []


def test_after_a_pause_a_window_is_too_quiet_only_where_all_of_it_was_listened_to() -> None:
    desk = listened(SILENT)
    pause(desk, SILENT, revision=2)
    desk.pass_to(HOUR)
    resume(desk, SILENT, HOUR)
    desk.give(mention(1000, HOUR + 5))
    desk.pass_to(2 * HOUR)
    fired = [
        one.at for one in desk.transitions if one.rule == "threshold" and one.change == "fired"
    ]
    assert fired == [moment(HOUR + 600)]


def test_what_is_usual_before_a_pause_is_no_surge_after_it() -> None:
    """Given hours of talk and a day's pause, When talk goes on as before, Then nothing is told; a real surge is."""
    desk = Desk(watch := watch_of(Rule("volume_spike"), Rule("negative_surge")))
    chatter(desk, 0, 240)
    pause(desk, watch, revision=2)
    begin = 240 + 1440
    desk.pass_to(60 * begin)
    resume(desk, watch, 60 * begin)
    chatter(desk, begin, begin + 30)
    desk.restart()
    chatter(desk, begin + 30, begin + 60)
    assert desk.transitions == []
    desk.give(*[mention(99_000 + n, 60 * (begin + 60) + n / 2) for n in range(100)])
    desk.pass_to(60 * (begin + 61))
    assert changes(desk.transitions)[0] == "fired"


def test_a_rule_that_cannot_be_read_takes_no_other_with_it() -> None:
    """Given a head that is served no more, Then rules that name it are left out, and the others fire."""
    desk = Desk(watch_of(Rule("negative_surge", {"by": "brand"}), volume_rule(3)))
    desk.give(*[mention(n, n) for n in range(5)])
    desk.pass_to(60)
    assert [(one.rule, one.change) for one in desk.transitions] == [("threshold", "fired")]
