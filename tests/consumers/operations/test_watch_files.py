"""Watches in a file: TOML, JSON and JSON lines say the same; what is wrong is named with its place."""

from pathlib import Path

import pytest

from consumers.operations.watch_files import read_watches
from contracts.errors import WatchInvalid
from contracts.watches import Watch

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


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WatchInvalid, match=r"none\.toml"):
        read_watches(tmp_path / "none.toml")
