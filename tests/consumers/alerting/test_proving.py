"""What an alert is proved by is kept for the rules that a watch has, and for no others."""

from consumers.alerting.keeping import Keeping
from consumers.runtime.state import Overlay
from tests.consumers.alerting.desk import Desk, mention, volume_rule, watch_of


def test_curves_of_rules_that_are_no_more_are_let_go_of() -> None:
    """Given a rule that is given another id again and again, Then one curve is kept."""
    desk = Desk(watch_of(volume_rule(9, id="rule-0")))
    for minute in range(5):
        desk.put(watch_of(volume_rule(9, id=f"rule-{minute}"), revision=minute + 2))
        desk.give(mention(minute, 60 * minute))
        desk.pass_to(60 * minute + 60)
    keeping = Keeping("default/acme", Overlay(desk.rehearsal.state(desk.mentions)))
    assert list(keeping.curves().by_rule) == ["rule-4/"]
