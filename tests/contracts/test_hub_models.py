"""Hub models in settings: a table each in the file, one JSON object in the environment, a mistake names its key."""

import os
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import SettingsInvalid
from contracts.hub_models import HubModel, written_hub
from contracts.settings import load, shown

TABLE = """
[models.hub.toxicity]
model = "unitary/toxic-bert"
labels = { toxic = "offensive", threat = "threat" }
languages = ["en"]
threshold = 0.5
"""
TOXICITY = HubModel(
    model="unitary/toxic-bert",
    labels={"toxic": "offensive", "threat": "threat"},
    languages=("en",),
    threshold=0.5,
)


@pytest.fixture(autouse=True)
def _own_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.upper().startswith("HUBBUB_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def mistake(**arguments: Any) -> str:
    with pytest.raises(SettingsInvalid) as caught:
        load(**arguments)
    return str(caught.value)


def test_a_table_of_the_file_is_a_hub_model() -> None:
    Path("hubbub.toml").write_text(TABLE, encoding="utf-8")
    assert load().models.hub == {"toxicity": TOXICITY}


def test_what_is_shown_can_be_given_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("hubbub.toml").write_text(TABLE, encoding="utf-8")
    as_shown = shown(load())["models.hub"]
    Path("hubbub.toml").unlink()
    monkeypatch.setenv("HUBBUB_MODELS_HUB", as_shown)
    assert load().models.hub == {"toxicity": TOXICITY}
    assert '"temperature"' not in written_hub({"toxicity": TOXICITY})


def test_a_flag_may_hold_ready_models() -> None:
    flags = {"models": {"hub": {"toxicity": TOXICITY}}}
    assert load(flags=flags).models.hub == {"toxicity": TOXICITY}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[models]\nhub = 'x'", "expected one JSON object by name; a table [models.hub.NAME]"),
        ("[models]\nhub = 1", "expected a table [models.hub.NAME] for each model"),
        ("[[models.hub]]\nmodel = 'x'", "expected a table [models.hub.NAME] for each model"),
        ("[models.hub]\nmood = 'x'", "[models.hub.mood] Input should be"),
        ("[models.hub.Mood]\nmodel = 'x'", "'Mood' cannot name a head: expected a small letter"),
        ("[models.hub.mood]\nlabels = {a = 'b'}", "[models.hub.mood] model: Field required"),
        ("[models.hub.mood]\nmodl = 'x'", "modl is no key of a hub model; near: model"),
        ("[models.hub.mood]\nmodel = 'x'\ntemperature = 0", "temperature: Input should be greater than 0"),
        ("[models.hub.mood]\nmodel = 'x'\nthreshold = nan", "threshold: Input should be a finite number"),
        ("[models.hub.mood]\nmodel = 'x'\nlanguages = ['fr']", "languages.0: Input should be 'en', 'zh' or 'other'"),
        ("[models.hub.mood]\nmodel = 'x'\nlabels = {a = 1}", "labels.a: Input should be a valid string"),
        ("[models.hub.lang]\nmodel = 'x'", "[models.hub.lang] 'lang' is a field of queries: choose another name"),
        ("[models.hub.is]\nmodel = 'x'", "'is' is a field of queries: choose another name, such as my-is"),
        ("[models.hub.mood]\nmodel = 'x'\nlabels = {a = \"x\\u001b[31m\"}", r"labels: 'a' is mapped to 'x\x1b[31m'"),
        ("[models.hub.mood]\nmodel = 'x'\nlabels = {a = ' '}", "mapped to '', expected 1 to 100 printable characters"),
        ("[models.hub.mood]\nmodel = 'x'\nlabels = {a = 'Anger', b = 'anger'}", "labels: 'Anger' and 'anger' are one"),
        ("[models.hub.mood]\nmodel = 'x'\nrest = \"\\u202e\"", r"rest: the label is '\u202e', expected 1 to 100"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_table_names_its_key(text: str, words: str) -> None:
    Path("hubbub.toml").write_text(text, encoding="utf-8")
    message = mistake()
    assert words in message
    assert "models.hub" in message


def test_words_that_are_no_json_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBBUB_MODELS_HUB", "toxicity=unitary/toxic-bert")
    assert "expected one JSON object by name" in mistake()


def test_labels_are_words_as_those_of_a_head_of_one_s_own() -> None:
    model = HubModel(model="x", labels={"a": " Anger  Big ", "b": "\u5f00\u5fc3", "c": "Anger Big"})
    assert model.labels == {"a": "Anger Big", "b": "\u5f00\u5fc3", "c": "Anger Big"}
