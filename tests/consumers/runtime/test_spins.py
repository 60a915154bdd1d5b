"""Spins: a client that turns in circles is waited for in its place, and in the end begun anew."""

from consumers.runtime.spins import CALM_POLLS, Spins


def test_a_client_that_waits_as_it_should_is_let_wait() -> None:
    spins = Spins(1000)
    for now in range(0, 100_000, 200):
        assert not spins.waited(200, busy_ms=5, now_ms=now)
        assert not spins.is_calming


def test_after_one_that_turned_in_circles_a_second_of_waits_is_ours_and_then_it_is_tried_again() -> (
    None
):
    spins = Spins(10_000)
    assert not spins.waited(200, busy_ms=180, now_ms=0)
    for _ in range(CALM_POLLS):
        assert spins.is_calming
        spins.calmed()
    assert not spins.is_calming


def test_what_it_brings_ends_the_calm() -> None:
    spins = Spins(10_000)
    spins.waited(200, busy_ms=180, now_ms=0)
    spins.rested()
    assert not spins.is_calming


def test_circles_for_the_limit_are_told_and_a_proper_wait_in_between_begins_anew() -> None:
    spins = Spins(3000)
    assert not spins.waited(200, busy_ms=180, now_ms=0)
    assert not spins.waited(200, busy_ms=180, now_ms=2900)
    assert not spins.waited(200, busy_ms=1, now_ms=3000)
    assert not spins.waited(200, busy_ms=180, now_ms=3200)
    assert not spins.waited(200, busy_ms=180, now_ms=6100)
    assert spins.waited(200, busy_ms=180, now_ms=6200)
