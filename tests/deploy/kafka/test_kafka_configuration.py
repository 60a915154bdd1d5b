"""The node's settings: loopback alone, what a user may change, and how a value is written."""

from pathlib import Path

import pytest

from contracts.errors import NotLoopback, SettingsInvalid
from deploy.kafka.cli import parse_heap, parse_properties
from deploy.kafka.configuration import (
    Endpoints,
    check_loopback,
    check_properties,
    render_properties,
)

HERE = Endpoints("127.0.0.1", client=9092, controller=9093)


def lines(endpoints: Endpoints = HERE, **properties: str) -> list[str]:
    dotted = {key.replace("_", "."): value for key, value in properties.items()}
    text = render_properties(endpoints, Path("/data/log"), security={}, properties=dotted)
    return text.splitlines()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "localhost"])
def test_a_loopback_address_is_accepted(host: str) -> None:
    check_loopback(host)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.0.2.7", "2001:db8::1", "kafka.example", "127.0.0.1.example", ""]
)
def test_an_address_beyond_loopback_is_refused_with_the_reason(host: str) -> None:
    with pytest.raises(NotLoopback, match=r"one machine") as refusal:
        check_loopback(host)
    assert repr(host) in str(refusal.value)


def test_a_property_that_ties_the_node_to_its_machine_is_refused_by_name() -> None:
    with pytest.raises(SettingsInvalid, match=r"listeners, log\.dirs"):
        check_properties({"log.dirs": "/tmp", "listeners": "PLAINTEXT://0.0.0.0:9092"})


def test_a_users_property_replaces_the_default() -> None:
    assert "message.max.bytes=16777216" in lines()
    assert [line for line in lines(message_max_bytes="99") if "message.max" in line] == [
        "message.max.bytes=99"
    ]


def test_the_node_listens_where_it_was_told_and_nowhere_else() -> None:
    listeners = [line for line in lines() if line.startswith("listeners=")]
    assert listeners == ["listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093"]


def test_an_ipv6_host_is_written_in_brackets() -> None:
    here = Endpoints("::1", client=9092, controller=9093, secure=9094)
    assert "advertised.listeners=PLAINTEXT://[::1]:9092,SECURE://[::1]:9094" in lines(here)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain", "plain"),
        ("a\\b", "a\\\\b"),
        ("two\nlines", "two\\nlines"),
        (" led by a blank", "\\ led by a blank"),
        ("密码😀", "\\u5bc6\\u7801\\ud83d\\ude00"),
    ],
)
def test_a_value_is_escaped_as_java_reads_it(value: str, written: str) -> None:
    assert f"some.key={written}" in lines(some_key=value)


@pytest.mark.parametrize(("text", "heap_mb"), [("768m", 768), ("256M", 256), ("2g", 2048)])
def test_a_heap_size_is_read_in_megabytes(text: str, heap_mb: int) -> None:
    assert parse_heap(text) == heap_mb


@pytest.mark.parametrize("text", ["768", "m", "-1g", "255m", "1.5g", "", "9999999g"])
def test_a_heap_size_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(SettingsInvalid, match="expected at least 256m"):
        parse_heap(text)


def test_properties_are_read_as_pairs() -> None:
    assert parse_properties(["a.b=1", "c= x=y "]) == {"a.b": "1", "c": "x=y"}


@pytest.mark.parametrize("pair", ["a.b", "=1", ""])
def test_a_property_that_is_no_pair_is_refused(pair: str) -> None:
    with pytest.raises(SettingsInvalid, match="expected KEY=VALUE"):
        parse_properties([pair])
