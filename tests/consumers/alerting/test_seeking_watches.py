"""A watch that is gone is looked for once a batch, however many of its mentions are still to come."""

from tests.consumers.alerting.desk import Desk, Item, mention, tick, volume_rule, watch_of


def test_a_watch_that_is_gone_is_looked_for_once_a_batch() -> None:
    desk = Desk(watch_of(volume_rule()))
    desk.remove("default/acme")
    reads = desk.rows.reads
    items: list[Item] = []
    for number in range(100):
        items += [mention(number, number / 10), tick(number / 10)]
    desk.give(*items)
    assert desk.ledger().dropped == {"no_watch": 100}
    assert desk.rows.reads <= reads + 2


def test_a_watch_that_was_not_there_is_found_in_the_next_batch() -> None:
    desk = Desk()
    desk.rows.is_slow = True
    desk.give(mention(1, 1))
    desk.put(watch_of(volume_rule()))
    desk.give(mention(2, 2))
    assert (desk.ledger().dropped, desk.ledger().result) == ({"no_watch": 1}, 1)
