"""Silences and time: one holds for the windows before its end, however late by the clock they are judged."""

import msgspec
import pytest

from consumers.alerting.silences import Silences
from contracts.alerts import Silence
from tests.consumers.alerting.desk import (
    Desk,
    changes,
    feedback,
    mention,
    moment,
    volume_rule,
    watch_of,
)

HOUR_S = 3600
RULES = (volume_rule(3, id="first"), volume_rule(3, id="second"))


def standing(desk: Desk) -> list[str | None]:
    """Return the rules over which a silence stands."""
    raw = desk.kept()["silences/default/acme"]
    return [one.rule for one in msgspec.msgpack.decode(raw, type=Silences).standing]


@pytest.mark.parametrize("restarts", [False, True])
def test_a_silence_that_is_over_by_the_clock_still_covers_windows_before_its_end(
    restarts: bool,
) -> None:
    # Given input that lags by two hours, and two silences, the second asked for when the first is over by the clock
    desk = Desk(watch_of(*RULES))
    desk.give(feedback("silence", 0, rule="first", until=moment(HOUR_S)))
    desk.give(feedback("silence", 2 * HOUR_S, rule="second", until=moment(3 * HOUR_S)))
    if restarts:
        desk.restart()
    # When windows from the hour of the first break both rules
    desk.give(*(mention(n, 600 + n) for n in range(5)))
    desk.pass_to(660)
    # Then both alerts are silent from their first record on
    assert changes(desk.transitions) == ["fired", "silenced"] * 2
    assert {one.rule: one.silenced for one in desk.alerts} == {
        "first": Silence("ana", moment(HOUR_S)), "second": Silence("ana", moment(3 * HOUR_S)),
    }  # fmt: skip


def test_a_silence_that_no_window_needs_any_more_makes_room_for_the_next() -> None:
    # Given a silence that has ended in event time, and one that has not
    desk = Desk(watch_of(*RULES))
    desk.give(feedback("silence", 0, rule="first", until=moment(HOUR_S)))
    desk.give(feedback("silence", 0, rule="second", until=moment(3 * HOUR_S)))
    desk.give(mention(1, 5))
    desk.pass_to(2 * HOUR_S)
    # When another is asked for by a clock that is behind
    desk.give(feedback("silence", 600, group="", until=moment(3 * HOUR_S)))
    # Then the first is let go of
    assert standing(desk) == ["second", None]


def test_a_silence_of_a_watch_takes_nothing_from_the_longer_one_of_an_alert() -> None:
    desk = Desk(watch_of(volume_rule(3, id="first")))
    desk.give(*[mention(n, n) for n in range(5)])
    desk.pass_to(60)
    desk.give(feedback("silence", 60, alert=desk.alerts[0].id, until=moment(7 * 86_400)))
    desk.give(feedback("silence", 61, until=moment(3600)))
    assert desk.alerts[0].silenced is not None
    assert desk.alerts[0].silenced.until == moment(7 * 86_400)
    # What was said of the watch may be made shorter, and what is said of the alert itself counts anyway.
    desk.give(feedback("silence", 62, alert=desk.alerts[0].id, until=moment(600)))
    assert desk.alerts[0].silenced.until == moment(600)
    desk.give(feedback("silence", 63, until=moment(1800)))
    desk.give(feedback("silence", 64, until=moment(900)))
    assert desk.alerts[0].silenced.until == moment(900)
