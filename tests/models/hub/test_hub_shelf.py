"""The settings' tables name heads and scorers of the hub; nothing heavy is imported to know their labels."""

import subprocess
import sys
from pathlib import Path

import pytest

from contracts.errors import ModelInvalid
from contracts.hub_models import HubModel
from contracts.settings import ModelSettings
from models.hub.shelf import HubShelf
from models.registry import build_text_scorer
from tests.models.hub.saving import save_tiny


def shelf(home: Path, **hub: HubModel) -> HubShelf:
    return HubShelf(ModelSettings(home=home, hub=hub))


def test_a_table_is_a_head_and_a_scorer_under_its_name(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    folder = str(save_tiny(tmp_path / "mood"))
    tables = shelf(
        tmp_path, feelings=HubModel(model=folder, labels={"anger": "bad", "joy": "good"})
    )
    assert set(tables.names) == {"feelings"}
    assert (tables.head("feelings").name, tables.head("feelings").labels) == (
        "feelings",
        ("bad", "good"),
    )
    assert tables.scorer("hub:feelings").labels == {"feelings": ("bad", "good")}
    assert set(tables.scorer(f"hub:{folder}").labels) == {"emotion"}


def test_a_name_that_is_no_table_is_a_hub_name(tmp_path: Path) -> None:
    with pytest.raises(ModelInvalid, match="no hub model 'someone/mood'"):
        shelf(tmp_path).scorer("hub:someone/mood")


def test_hub_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelInvalid, match="hub: names no model"):
        shelf(tmp_path).scorer("hub:")


def test_labels_are_known_without_torch(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(
        '{"model_type": "bert", "architectures": ["BertForSequenceClassification"],'
        ' "id2label": {"0": "negative", "1": "positive"}}'
    )
    script = (
        "import sys; from pathlib import Path; from contracts.settings import ModelSettings\n"
        "from models.hub.shelf import HubShelf\n"
        f"print(HubShelf(ModelSettings()).scorer('hub:{tmp_path}').labels)\n"
        "print(sorted({'torch', 'transformers', 'onnxruntime'} & set(sys.modules)))\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["{'sentiment': ('negative', 'positive')}", "[]"]


def test_the_registry_knows_hub_models(tmp_path: Path) -> None:
    settings = ModelSettings(home=tmp_path, hub={"mood": HubModel(model="someone/mood")})
    for model in ("hub:mood", "hub:someone/mood"):
        with pytest.raises(ModelInvalid, match="no hub model 'someone/mood'"):
            build_text_scorer(model, hub=settings)
