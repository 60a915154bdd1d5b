"""The ledger: sums that must come to zero."""

from hypothesis import given
from hypothesis import strategies as st

from consumers.runtime.ledger import Ledger, read_ledger, write_ledger

COUNTS = st.integers(min_value=0, max_value=1000)
LEDGERS = st.builds(
    Ledger, taken=COUNTS, result=COUNTS, dead=COUNTS,
    dropped=st.dictionaries(st.sampled_from(["repeat", "unmatched"]), COUNTS),
)  # fmt: skip


@given(LEDGERS)
def test_what_is_written_is_read_back(ledger: Ledger) -> None:
    assert read_ledger(write_ledger(ledger)) == ledger


@given(LEDGERS, LEDGERS)
def test_balances_add_up(one: Ledger, other: Ledger) -> None:
    assert one.plus(other).balance == one.balance + other.balance
    assert one.plus(other) == other.plus(one)
    assert one.plus(Ledger()).balance == one.balance


def test_the_balance_is_what_is_unaccounted_for() -> None:
    ledger = Ledger(taken=10, result=6, dead=1, dropped={"repeat": 2})
    assert ledger.balance == 1
    assert ledger.plus(Ledger(dropped={"unmatched": 1})).balance == 0


def test_a_partition_without_a_ledger_has_an_empty_one() -> None:
    assert read_ledger(None) == Ledger()
