"""Portions: small while few wait, the limit while much does."""

from consumers.runtime.portion import Portion


def test_before_a_record_s_time_is_known_the_limit_may_be_taken() -> None:
    assert Portion(1000, target_s=0.05).most(0) == 1000


def test_while_few_wait_so_many_are_taken_as_are_worked_off_soon() -> None:
    slow, fast = Portion(1000, target_s=0.05), Portion(1000, target_s=0.05)
    slow.note(10, 0.02)
    fast.note(1000, 0.1)
    assert (slow.most(0), slow.most(60)) == (25, 25)
    assert fast.most(60) == 500


def test_where_much_waits_the_limit_is_taken_and_never_more() -> None:
    portion = Portion(1000, target_s=0.05)
    portion.note(10, 0.02)
    assert (portion.most(100), portion.most(101), portion.most(50_000)) == (25, 1000, 1000)
    fast = Portion(1000, target_s=0.05)
    fast.note(1000, 0.001)
    assert fast.most(0) == 1000


def test_a_record_that_takes_seconds_goes_by_itself() -> None:
    portion = Portion(1000, target_s=0.05)
    portion.note(1, 5.0)
    assert portion.most(2) == 1


def test_the_pace_follows_the_newest_portions() -> None:
    portion = Portion(1000, target_s=0.05)
    portion.note(10, 0.01)
    portion.note(0, 9.0)
    assert portion.most(0) == 50
    for _ in range(30):
        portion.note(10, 0.1)
    assert portion.most(0) == 5
