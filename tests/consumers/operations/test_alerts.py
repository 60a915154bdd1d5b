"""Alerts as a person asks for them: in which order, and which one a few characters mean."""

from datetime import timedelta

import msgspec
import pytest

from consumers.operations.alerts import UNRESOLVED, check_active, chosen, find, unknown_words
from contracts.errors import InvalidInput
from tests.given_alerts import NOON, alert_of, resolved

SURGE = alert_of()
SPIKE = alert_of(rule="volume_spike", severity="critical")
LATER = alert_of(began_at=NOON + timedelta(hours=1))
PENDING = alert_of(watch="globex", state="pending", severity="critical")
OVER = resolved(alert_of(watch="globex"), NOON + timedelta(minutes=9))
OTHERS = alert_of(tenant="other")
ALL = [OVER, PENDING, SURGE, LATER, SPIKE, OTHERS]


def test_what_fires_comes_first_then_the_most_severe_then_the_newest() -> None:
    found = chosen(ALL, tenant="default", states=UNRESOLVED)
    assert found == [SPIKE, LATER, SURGE, PENDING]


def test_tenant_state_and_watch_choose() -> None:
    assert chosen(ALL, tenant="other", states=UNRESOLVED) == [OTHERS]
    assert chosen(ALL, tenant="default", states=["resolved"]) == [OVER]
    assert chosen(ALL, tenant="default", states=UNRESOLVED, watch="globex") == [PENDING]


@pytest.mark.parametrize("given", [SURGE.id, SURGE.id[:6], f" {SURGE.id[:7].upper()} "])
def test_an_id_or_its_first_six_characters_find_an_alert(given: str) -> None:
    assert find(ALL, given) is SURGE


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (SURGE.id[:5], "expected an id, or at least its first 6 characters"),
        ("", "expected an id"),
        (f"{SURGE.id[:5]}_", rf"near: {SURGE.id} \(default/acme negative_surge, firing\)"),
        (f"{SURGE.id[1:]}", f"near: {SURGE.id}"),
        ("zzzzzzzz", "`hubbub alerts list --all` shows them"),
    ],
)
def test_a_wrong_id_is_told_with_those_near_it(given: str, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        find(ALL, given)


def test_a_beginning_of_several_is_told_with_all_of_them() -> None:
    twin = msgspec.structs.replace(SPIKE, id=SURGE.id[:8] + "0" * 16)
    with pytest.raises(InvalidInput, match=f"begins 2 alerts: {SURGE.id} .*, {twin.id} "):
        find([SURGE, twin], SURGE.id[:6])


def test_with_no_alert_at_all_it_says_so() -> None:
    with pytest.raises(InvalidInput, match="there are none yet"):
        find([], "abcdef")


def test_only_what_fires_can_be_acknowledged() -> None:
    check_active(SURGE, to="acknowledge")
    with pytest.raises(InvalidInput, match=r"is resolved; expected one that is firing"):
        check_active(OVER, to="acknowledge")


def test_a_watch_or_tenant_that_nobody_knows_is_told_with_those_near_it() -> None:
    known = {"default/acme", "sales/globex"}
    assert unknown_words("default", "acme", known=known) == ""
    assert unknown_words("sales", None, known=known) == ""
    assert (
        unknown_words("default", "acne", known=known)
        == "there is no watch 'default/acne'; near: default/acme"
    )
    assert unknown_words("sale", None, known=known) == "tenant 'sale' has no watch; near: sales"
    assert (
        unknown_words("x", None, known=())
        == "tenant 'x' has no watch; `hubbub watch list` shows them all"
    )
