"""`hubbub watch` stores rules with a watch and refuses what could never fire, before anything is written."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from consumers.cli.watch import app
from contracts.errors import RuleInvalid
from contracts.settings import Settings
from tests.streams import environment_of, stream_settings

Watch = Callable[..., str]


@pytest.fixture
def watch(bootstrap: str) -> Watch:
    """Run `hubbub watch` in a deployment of its own; errors of ours are raised."""
    settings: Settings = stream_settings(bootstrap, "score", score={"model": "identity"})

    def run(*words: str) -> str:
        result = CliRunner().invoke(app, list(words), env=environment_of(settings))
        if result.exception is not None:
            raise result.exception
        return result.output

    return run


def rules_of(watch: Watch) -> list[dict[str, object]]:
    row: dict[str, list[dict[str, object]]] = json.loads(watch("list", "--json"))
    return row.get("rules", [])


def test_a_watch_is_added_with_its_rules_and_keeps_them_when_its_query_changes(
    watch: Watch,
) -> None:
    # Given a watch with two rules
    words = ("--rule", "negative_surge by=topic sensitivity=high", "--rule", "silence for=2h")
    watch("add", "floods", "--query", "flood*", *words)
    # When its query is changed
    told = watch("add", "floods", "--query", "flood* OR rain")
    # Then the rules are still there
    assert "revision 2" in told
    assert rules_of(watch) == [
        {"kind": "negative_surge", "settings": {"by": "topic", "sensitivity": "high"}},
        {"kind": "silence", "settings": {"for": "2h"}},
    ]
    # And other rules take their place
    watch("add", "floods", "--query", "flood*", "--rule", "volume_spike")
    assert rules_of(watch) == [{"kind": "volume_spike"}]


def test_a_rule_that_cannot_be_is_refused_with_its_place_and_nothing_is_stored(
    watch: Watch, tmp_path: Path
) -> None:
    with pytest.raises(RuleInvalid, match=r"^rules\[0\]\.settings\.sensitivity: 'hgih'; expected"):
        watch("add", "floods", "--query", "flood*", "--rule", "volume_spike sensitivity=hgih")
    file = tmp_path / "watches.toml"
    file.write_text(
        '[[watch]]\nid = "a"\nquery = "a"\n'
        '[[watch]]\nid = "b"\nquery = "b"\nrules = [{ kind = "volume_spike", settings = { by = "topc" } }]\n',
        encoding="utf-8",
    )
    with pytest.raises(
        RuleInvalid, match=r"watches\.toml, watch 2: rules\[0\]\.settings\.by: 'topc'"
    ):
        watch("apply", str(file))
    assert watch("list", "--json") == ""
