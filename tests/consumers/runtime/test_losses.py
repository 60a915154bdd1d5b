"""Losses: waits that grow, and two workers of one slot told from bad luck."""

import pytest

from consumers.runtime.losses import FENCED_LIMIT, Losses
from contracts.errors import BrokerUnreachable, TransactionLost

FENCED = TransactionLost("replaced", fenced=True)
AWAY = BrokerUnreachable("away")


def test_waits_double_up_to_ten_seconds_and_begin_anew_after_a_commit() -> None:
    losses = Losses("hubbub.score.0")
    waits = [losses.note(AWAY, now_s=0) for _ in range(8)]
    assert waits == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10]
    losses.recovered()
    assert losses.note(AWAY, now_s=0) == 0.2


def test_a_broker_that_is_long_away_is_waited_for() -> None:
    losses = Losses("hubbub.score.0")
    assert losses.note(FENCED, now_s=0) > 0
    assert [losses.note(AWAY, now_s=second) for second in range(2000)][-1] == 10


def test_being_shut_out_five_times_in_a_minute_ends_it_even_with_commits_in_between() -> None:
    losses = Losses("hubbub.score.0")
    for second in range(FENCED_LIMIT - 1):
        losses.note(FENCED, now_s=second * 10)
        losses.recovered()
    with pytest.raises(TransactionLost, match=r"hubbub\.score\.0 .* same slot"):
        losses.note(FENCED, now_s=45)


def test_being_shut_out_now_and_then_does_not() -> None:
    losses = Losses("hubbub.score.0")
    waits = [losses.note(FENCED, now_s=n * 61 / (FENCED_LIMIT - 1)) for n in range(50)]
    assert all(wait > 0 for wait in waits)
