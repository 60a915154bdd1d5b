"""The hub engine: refuses files that do not belong together, and reads nothing but what was checked."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from contracts.errors import ModelInvalid
from models.batching import pad_batch
from models.engines.hub import HEAD, HubEngine
from models.hub.folder import open_folder
from models.protocols import Engine
from tests.models.hub.saving import MOODS, WIDTH, save_tiny

pytest.importorskip("transformers")


def engine(folder: Path, *, wants_vectors: bool = True) -> HubEngine:
    return HubEngine(open_folder(folder, "mine"), token_limit=512, wants_vectors=wants_vectors)


def refusal(folder: Path) -> str:
    with pytest.raises(ModelInvalid) as caught:
        engine(folder).start()
    assert str(folder) in str(caught.value)
    return str(caught.value)


def change_config(folder: Path, **keys: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | keys))


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("hub") / "bert")


@pytest.fixture
def copy(bert: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bert, tmp_path / "copy"))


def test_it_is_an_engine_with_logits_and_unit_vectors(bert: Path) -> None:
    running = engine(bert)
    assert isinstance(running, Engine)
    running.start()
    output = running.run(pad_batch([[2, 40, 3], [2, 3]], 3, pad_id=running.pad_id))
    assert output.logits[HEAD].shape == (2, len(MOODS))
    assert output.embedding.shape == (2, WIDTH)
    assert np.allclose(np.linalg.norm(output.embedding, axis=1), 1, atol=1e-5)
    running.close()
    running.close()


def test_without_a_wish_for_vectors_there_are_none(bert: Path) -> None:
    running = engine(bert, wants_vectors=False)
    running.start()
    output = running.run(pad_batch([[2, 40, 3]], 3, pad_id=0))
    assert (output.embedding.shape, output.pooled) == ((1, 0), None)


@pytest.mark.parametrize(("kind", "rows"), [("bert", 256), ("roberta", 256), ("fnet", 1)])
def test_a_model_whose_answers_depend_on_padding_shares_no_batch(
    kind: str, rows: int, tmp_path: Path
) -> None:
    running = engine(save_tiny(tmp_path / kind, kind))
    running.start()
    assert running.row_limit == rows


def test_weights_in_half_precision_are_run_in_full(copy: Path) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification

    model = AutoModelForSequenceClassification.from_pretrained(copy)
    model.to(torch.float16).save_pretrained(copy)
    running = engine(copy)
    running.start()
    assert running.run(pad_batch([[2, 40, 3]], 3, pad_id=0)).logits[HEAD].dtype == np.float32


def test_an_encoders_weights_under_a_classifiers_name_are_refused(copy: Path) -> None:
    # transformers itself would fill the classifier with random numbers and go on.
    save_tiny(copy, labels=None)
    change_config(
        copy, architectures=["BertForSequenceClassification"], id2label={"0": "a", "1": "b"}
    )
    assert "they were saved from another architecture" in refusal(copy)


def test_weights_of_another_kind_are_refused(copy: Path, tmp_path: Path) -> None:
    other = save_tiny(tmp_path / "distilbert", "distilbert")
    shutil.copy(other / "model.safetensors", copy)
    assert "they were saved from another architecture" in refusal(copy)


def test_weights_of_another_size_are_refused(copy: Path, tmp_path: Path) -> None:
    other = save_tiny(tmp_path / "wide", intermediate_size=128)
    shutil.copy(other / "model.safetensors", copy)
    assert "transformers cannot load" in refusal(copy)


def test_a_kind_without_classifiers_is_refused(copy: Path) -> None:
    change_config(
        copy, model_type="clip_vision_model", architectures=["XForSequenceClassification"]
    )
    assert "as a clip_vision_model classifier" in refusal(copy)


def test_a_kind_that_nobody_knows_is_refused(copy: Path) -> None:
    change_config(copy, model_type="nosuch")
    assert "transformers cannot load" in refusal(copy)


def test_a_broken_tokenizer_is_refused(copy: Path) -> None:
    (copy / "tokenizer.json").write_text("{}")
    assert "transformers cannot load" in refusal(copy)


def test_a_tokenizer_with_more_pieces_than_the_weights_have_rows_is_refused(tmp_path: Path) -> None:
    assert "they do not belong together" in refusal(save_tiny(tmp_path / "few", vocab_size=50))


def test_it_says_when_it_is_not_started(bert: Path) -> None:
    with pytest.raises(ModelInvalid, match=r"before start\(\) or after close\(\)"):
        engine(bert).encode(["a"])


def test_code_that_lies_beside_a_model_is_never_run(copy: Path, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    (copy / "modeling_theirs.py").write_text(f"open({str(mark)!r}, 'w')")
    running = engine(copy)
    running.start()
    change_config(copy, auto_map={"AutoModelForSequenceClassification": "modeling_theirs.X"})
    assert "none is ever run" in refusal(copy)
    assert not mark.exists()


@pytest.mark.slow
def test_without_transformers_the_extra_is_named(bert: Path) -> None:
    script = (
        "import sys; sys.modules['transformers'] = None\n"
        "from pathlib import Path\n"
        "from models.engines.hub import HubEngine\n"
        "from models.hub.folder import open_folder\n"
        "from contracts.errors import MissingExtra\n"
        f"engine = HubEngine(open_folder(Path({str(bert)!r}), 'x'), token_limit=64, wants_vectors=True)\n"
        "try:\n    engine.start()\nexcept MissingExtra as error:\n    print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "extra `torch`" in run.stdout


@pytest.mark.slow
def test_loading_says_nothing_on_the_way(bert: Path) -> None:
    script = (
        "from pathlib import Path\n"
        "from models.engines.hub import HubEngine\n"
        "from models.hub.folder import open_folder\n"
        f"HubEngine(open_folder(Path({str(bert)!r}), 'x'), token_limit=64, wants_vectors=True).start()\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout + run.stderr == ""
