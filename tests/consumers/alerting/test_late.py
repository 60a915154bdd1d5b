"""Mentions that come too late for their own pane count in the one then open, and prove its alert."""

from tests.consumers.alerting.desk import Desk, mention, moment, volume_rule, watch_of


def test_an_alert_of_late_mentions_shows_them_with_their_own_times() -> None:
    """Given twenty mentions of the first minute that come an hour late, Then their alert quotes some of them."""
    desk = Desk(watch_of(volume_rule(3)))
    desk.pass_to(3600)
    desk.give(*[mention(number, number) for number in range(20)])
    desk.pass_to(3720)
    (alert,) = desk.alerts
    assert len(alert.evidence.quotes) >= 3
    assert all(quote.at < moment(20) for quote in alert.evidence.quotes)


def test_what_came_late_proves_no_later_window() -> None:
    desk = Desk(watch_of(volume_rule(3, update="1m")))
    desk.pass_to(3600)
    desk.give(*[mention(number, number) for number in range(20)])
    desk.pass_to(3720)
    desk.give(*[mention(100 + number, 3800 + number) for number in range(4)])
    desk.pass_to(3900)
    (alert,) = desk.alerts
    assert {quote.at >= moment(3800) for quote in alert.evidence.quotes} == {True}
