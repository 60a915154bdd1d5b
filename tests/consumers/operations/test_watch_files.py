"""Watches in a file: TOML, JSON and JSON lines say the same; what is wrong is named with its place."""

from pathlib import Path

import pytest

from consumers.operations.watch_files import read_watches
from contracts.errors import QueryInvalid, RuleInvalid, WatchInvalid
from contracts.watches import Rule, Watch

FLOODS = Watch(id="floods", query="flood* OR 洪水", owner="desk")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("w.toml", '[[watch]]\nid = "floods"\nquery = "flood* OR 洪水"\nowner = "desk"\n'),
        ("w.json", '{"id": "floods", "query": "flood* OR 洪水", "owner": "desk"}'),
        ("list.json", '[{"id": "floods", "query": "flood* OR 洪水", "owner": "desk"}]'),
        ("w.jsonl", '\n{"id": "floods", "query": "flood* OR 洪水", "owner": "desk"}\n'),
    ],
)
def test_every_form_gives_the_same_watch(tmp_path: Path, name: str, content: str) -> None:
    file = tmp_path / name
    file.write_text(content, encoding="utf-8")
    assert read_watches(file) == [FLOODS]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("w.toml", "[[watch]]\nid = \nquery = 'a'", "line 2"),
        ("w.toml", "[[watches]]\nid = 'a'", "watches"),
        ("w.toml", "[[watch]]\nid = 'a'\nquery = 'a'\n[[watch]]\nid = 'b'", "watch 2.*query"),
        ("w.jsonl", '{"id": "a", "query": "b"}\n{"id"', "line 2"),
        ("w.json", '{"id": "a b", "query": "b"}', "watch 1"),
    ],
)
def test_a_fault_is_named_with_its_place(
    tmp_path: Path, name: str, content: str, told: str
) -> None:
    file = tmp_path / name
    file.write_text(content, encoding="utf-8")
    with pytest.raises(WatchInvalid, match=told):
        read_watches(file)


RULES = """
[[watch]]
id = "calm"
query = "calm"

[[watch]]
id = "floods"
query = "flood*"
[[watch.rules]]
kind = "volume_spike"
[[watch.rules]]
kind = "negative_surge"
settings = { by = "topic", window = 300, sensitivity = "high" }
"""


def test_rules_are_read_with_their_watch(tmp_path: Path) -> None:
    file = tmp_path / "w.toml"
    file.write_text(RULES, encoding="utf-8")
    calm, floods = read_watches(file)
    assert calm.rules == ()
    settings: dict[str, str | float | bool] = {"by": "topic", "window": 300, "sensitivity": "high"}
    assert floods.rules == (Rule("volume_spike"), Rule("negative_surge", settings))


def test_a_rule_that_cannot_be_is_named_with_file_watch_and_place(tmp_path: Path) -> None:
    file = tmp_path / "w.toml"
    file.write_text(RULES.replace('"high"', '"hgih"'), encoding="utf-8")
    with pytest.raises(RuleInvalid) as caught:
        read_watches(file)
    assert str(caught.value) == (
        f"{file}, watch 2: rules[1].settings.sensitivity: 'hgih'; expected low, medium or high; near: high"
    )


def test_what_the_caller_checks_is_named_with_its_place_too(tmp_path: Path) -> None:
    def refuse(watch: Watch) -> None:
        raise QueryInvalid("no such label", line=2, column=3)

    file = tmp_path / "w.toml"
    file.write_text(RULES, encoding="utf-8")
    with pytest.raises(QueryInvalid, match=r"w\.toml, watch 1: no such label") as caught:
        read_watches(file, check=refuse)
    assert (caught.value.line, caught.value.column) == (2, 3)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WatchInvalid, match=r"none\.toml"):
        read_watches(tmp_path / "none.toml")
