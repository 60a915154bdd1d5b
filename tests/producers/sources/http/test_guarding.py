"""Who may post, and how much at a time."""

import pytest
from pydantic import SecretStr

from contracts.errors import SettingsInvalid
from contracts.settings import HttpSettings
from producers.sources.http.guarding import ByteBudget, Keyring, check_exposed


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.8.8"])
def test_without_a_key_loopback_alone_is_allowed(host: str) -> None:
    check_exposed(HttpSettings(host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.5", "example.org"])
def test_an_open_address_needs_a_key(host: str) -> None:
    with pytest.raises(SettingsInvalid, match="HUBBUB_HTTP_API_KEY"):
        check_exposed(HttpSettings(host=host))
    check_exposed(HttpSettings(host=host, api_key=SecretStr("k")))


@pytest.mark.parametrize(
    ("headers", "admitted"),
    [
        ({"x-api-key": "s3cret"}, True),
        ({"authorization": "Bearer s3cret"}, True),
        ({"authorization": "bearer  s3cret "}, True),
        ({"x-api-key": "s3creT"}, False),
        ({"authorization": "Basic s3cret"}, False),
        ({"x-api-key": "é"}, False),
        ({}, False),
    ],
    ids=["key", "bearer", "spaces", "wrong", "basic", "unicode", "none"],
)
def test_a_key_is_compared_whole(headers: dict[str, str], admitted: bool) -> None:
    assert Keyring(SecretStr("s3cret")).admits(headers) is admitted


@pytest.mark.parametrize(
    ("host", "admitted"),
    [
        ("127.0.0.1:8080", True),
        ("localhost", True),
        ("[::1]:8080", True),
        ("[::1]", True),
        ("rebound.example:8080", False),
        ("127.0.0.1.rebound.example", False),
        ("", False),
    ],
)
def test_without_a_key_the_host_must_be_a_local_name(host: str, admitted: bool) -> None:
    assert Keyring(None).admits({"host": host}) is admitted


def test_a_budget_is_taken_and_given_back() -> None:
    budget = ByteBudget(10)
    assert budget.take(6)
    assert not budget.take(5)
    assert budget.take(4)
    budget.give_back(6)
    assert budget.take(5)
    assert budget.used_bytes == 9


def test_what_is_larger_than_the_whole_budget_may_come_alone() -> None:
    budget = ByteBudget(10)
    assert budget.take(50)
    assert not budget.take(1)
    budget.give_back(50)
    assert budget.take(1)
