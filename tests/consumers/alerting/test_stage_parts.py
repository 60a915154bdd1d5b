"""A batch that moves time by days is judged in parts, each a transaction that ends, and nothing else is different."""

import pytest

from consumers.alerting import batch
from contracts.codec import encode_value
from tests.consumers.alerting.desk import Desk, mention, tick, volume_rule, watch_of

HOUR = 3600


def said() -> list[object]:
    return [mention(n, 40.0 * n, topic="health" if n % 3 else "sport") for n in range(200)]


def run(*, most: int, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(batch, "PANES_A_BATCH", most)
    desk = Desk(watch_of(volume_rule(2), id="acme"), watch_of(volume_rule(2), id="other"))
    items = said()
    desk.give(*items[:120], tick(2 * HOUR), *items[120:], tick(3 * HOUR))  # type: ignore[arg-type]
    return desk


@pytest.mark.parametrize("most", [1, 7, 150])
def test_parts_give_the_same_as_one_batch(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run(most=1_000_000, monkeypatch=monkeypatch)
    parts = run(most=most, monkeypatch=monkeypatch)
    assert whole.transitions
    assert [encode_value(t) for t in parts.transitions] == [
        encode_value(t) for t in whole.transitions
    ]
    assert parts.ledger() == whole.ledger()
    assert parts.ledger().taken == 202


def test_what_is_still_due_after_a_restart_comes_before_new_records(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Given a batch that was left half done when its worker ended, Then the next one begins with the rest."""
    monkeypatch.setattr(batch, "PANES_A_BATCH", 10)
    whole = run(most=1_000_000, monkeypatch=monkeypatch)
    monkeypatch.setattr(batch, "PANES_A_BATCH", 10)
    desk = Desk(watch_of(volume_rule(2), id="acme"), watch_of(volume_rule(2), id="other"))
    items = said()
    desk.give_once(*items[:120], tick(2 * HOUR))  # type: ignore[arg-type]
    desk.restart()
    desk.give(*items[120:], tick(3 * HOUR))  # type: ignore[arg-type]
    assert [encode_value(t) for t in desk.transitions] == [
        encode_value(t) for t in whole.transitions
    ]
