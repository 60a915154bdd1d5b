"""Watches in a file: TOML, JSON and JSON lines say the same; what is wrong is named with its place."""

from pathlib import Path

import msgspec
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


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("w.toml", "[[watch]]\nid = 'a'\nquery = 'a'\n[[watch.rule]]\nkind = 'volume_spike'",
         "watch 1: rule is no key of a watch; near: rules"),
        ("w.toml", "[[watch]]\nid = 'a'\nqurey = 'a'", "watch 1: qurey is no key of a watch; near: query"),
        ("w.toml", "[[watch]]\nid = 'a'\nquery = 'a'\nxyz = 1",
         "watch 1: xyz is no key of a watch; expected id, query, tenant, "),
        ("w.toml", "[[watch]]\nid = 'a'\nquery = 'a'\n[[watch.rules]]\nkind = 'silence'\nsensitivity = 'high'",
         "watch 1: rules[0].sensitivity is no key of a rule; it belongs in settings: settings = { sensitivity = ... }"),
        ("w.jsonl", '{"id": "a", "query": "a"}\n{"id": "b", "rules": [{"kind": "silence"}, {"kinds": "x"}]}',
         "watch 2: rules[1].kinds is no key of a rule; near: kind"),
        ("w.json", '{"id": "a", "query": "a", "rules": [{"kind": "silence", "xyz": 1}]}',
         "watch 1: rules[0].xyz is no key of a rule; expected kind, settings or id"),
    ],
)  # fmt: skip
def test_a_key_that_nobody_knows_is_refused_with_its_place_and_the_nearest(
    tmp_path: Path, name: str, content: str, told: str
) -> None:
    file = tmp_path / name
    file.write_text(content, encoding="utf-8")
    with pytest.raises(WatchInvalid) as caught:
        read_watches(file)
    assert str(caught.value).startswith(f"{file}, {told}")


@pytest.mark.parametrize("content", ["[3]", '[{"id": "a", "query": "a", "rules": "ab"}]',
                                     '[{"id": "a", "query": "a", "rules": [3]}]'])  # fmt: skip
def test_what_is_no_watch_or_no_rule_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "w.json").write_text(content, encoding="utf-8")
    with pytest.raises(WatchInvalid, match=r"w\.json, watch 1: Expected"):
        read_watches(tmp_path / "w.json")


def test_what_is_written_of_a_watch_with_everything_in_it_is_read_again(tmp_path: Path) -> None:
    rule = Rule("volume_spike", {"by": "topic"}, "mine")
    whole = Watch("floods", "flood*", "t", "Floods", 7, "desk", "paused", (rule,))
    file = tmp_path / "w.jsonl"
    file.write_bytes(b"\n".join(map(msgspec.json.encode, (whole, FLOODS))))
    assert read_watches(file) == [whole, FLOODS]


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
