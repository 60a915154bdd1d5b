"""Settings of channels: who asks is one user or one token, and what is secret stays so."""

from typing import Any

import pytest

from contracts.errors import SettingsInvalid
from contracts.settings import load, shown

HUSH = "hush-7c1f"
URL = "http://127.0.0.1:9093"


def test_alertmanager_is_off_unless_it_has_an_address() -> None:
    assert load().alertmanager.url is None


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"username": "desk"}, "expected alertmanager.username and alertmanager.password together"),
        ({"password": HUSH}, "expected alertmanager.username and alertmanager.password together"),
        ({"username": "desk", "password": HUSH, "token": HUSH}, "expected one of the two"),
        ({"resend_s": 0.5}, "greater than or equal to 1"),
        ({"poll_s": float("nan")}, "alertmanager.poll_s"),
    ],
)
def test_a_half_user_and_an_impossible_time_are_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsInvalid, match=told) as caught:
        load(flags={"alertmanager": {"url": URL, **given}})
    assert HUSH not in str(caught.value)


def test_password_and_token_are_never_shown() -> None:
    settings = load(flags={"alertmanager": {"url": URL, "token": HUSH}})
    assert shown(settings)["alertmanager.token"] == "**********"
    assert HUSH not in repr(settings)
