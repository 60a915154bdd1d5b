"""Second teachers: their main axes, the texts that they read, and what is said when one is not there."""

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from contracts.errors import InvalidInput, MissingExtra, ModelInvalid
from models.training.config import SecondConfig
from models.training.monolingual import main_axes, monolingual_vectors, read_package
from models.training.sources import PlainText
from tests.models.training.tiny import OTHER, tiny_config
from tests.models.training.trained import Home

NAME = "tiny_sentences"


def write_package(folder: Path) -> str:
    """Write a random sentence encoder as an installed package has it; return the sha256 of its weights."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    path = folder / NAME / "model"
    words = {word: at for at, word in enumerate(["[PAD]", "[UNK]", *OTHER])}
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
    )
    transformers.BertModel(config, add_pooling_layer=False).save_pretrained(str(path))
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(path / "tokenizer.json"))
    return hashlib.sha256((path / "model.safetensors").read_bytes()).hexdigest()


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SecondConfig:
    sha256 = write_package(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return SecondConfig(package=NAME, package_sha256=sha256, texts=6, width=4)


def test_main_axes_are_those_along_which_vectors_differ() -> None:
    # Given vectors that differ by 10 along one axis, by 1 along another, and share a third
    vectors = np.array([[5, 0.5, 9], [5, -0.5, 9], [-5, 0.5, 9], [-5, -0.5, 9]], np.float32)
    one, two = main_axes(vectors, 1), main_axes(vectors, 2)
    assert np.abs(one).tolist() == [[1.0]] * 4
    assert one[0, 0] == one[1, 0] == -one[2, 0]
    assert two @ two.T == pytest.approx((vectors[:, :2] @ vectors[:, :2].T) / 25.25, abs=1e-5)


def test_axes_that_do_not_exist_are_zeros() -> None:
    vectors = np.eye(3, 2, dtype=np.float32)
    assert main_axes(vectors, 4).shape == (3, 4)
    assert main_axes(vectors, 4)[:, 2:].tolist() == [[0, 0]] * 3


def test_only_chosen_texts_of_its_language_have_a_vector(config: SecondConfig) -> None:
    texts = [PlainText(" ".join(OTHER[: 1 + n % 5]) + " x" * n, "en") for n in range(10)]
    texts += [PlainText("天气", "zh")] * 5
    vectors = monolingual_vectors(config, texts, device="cpu", seed=3).astype(np.float32)
    norms = np.linalg.norm(vectors, axis=1)
    assert vectors.shape == (15, 4)
    assert (norms[:10] > 0).sum() == 6
    assert norms[norms > 0] == pytest.approx(np.ones(6), abs=2e-3)
    assert norms[10:].tolist() == [0] * 5
    again = monolingual_vectors(config, texts, device="cpu", seed=3)
    assert again.astype(np.float32).tolist() == vectors.tolist()


def test_a_package_that_is_not_installed_is_named() -> None:
    with pytest.raises(MissingExtra, match="no-such-package"):
        read_package(SecondConfig(package="no_such_package"))


def test_other_weights_than_the_pinned_are_refused(config: SecondConfig) -> None:
    with pytest.raises(ModelInvalid, match="expected 00"):
        read_package(msgspec.structs.replace(config, package_sha256="00"))


def test_the_stage_is_there_where_the_config_has_it(home: Home, config: SecondConfig) -> None:
    from models.training.pipeline import Run, write_second

    assert "second" not in home.run.stages()
    run = Run(home.run.folder, msgspec.structs.replace(home.run.config, second=config))
    assert run.stages()[:3] == ["prepare", "vectors", "second"]
    # Given other data than those that were prepared, it is refused; else every text has its row
    with pytest.raises(InvalidInput, match="when it was prepared"):
        write_second(Run(run.folder, tiny_config(texts=[], second=config)), home.data)
    write_second(run, home.data)
    written = np.load(run.folder / "second.npy")
    with np.load(run.folder / "corpus.npz") as corpus:
        assert written.shape == (len(corpus["starts"]) - 1, 4)
    assert int((written != 0).any(1).sum()) == 6
    (run.folder / "second.npy").unlink()


def test_an_exported_bert_is_read_by_the_names_of_its_products() -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("transformers")
    from models.training.monolingual import bert_of

    graph, state = exported_bert(onnx)
    found = bert_of(graph).state_dict()
    assert {name for name, values in state.items() if found[name].tolist() != values.tolist()} == (
        set()
    )


def exported_bert(onnx: Any) -> tuple[bytes, dict[str, Any]]:
    """Return a graph as an exporter writes it, and the weights that it was made of."""
    import torch
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=8,
        hidden_size=64,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=96,
    )
    state = BertModel(config, add_pooling_layer=False).state_dict()
    state = {name: values for name, values in state.items() if values.dtype == torch.float32}
    initializers: list[Any] = []
    nodes: list[Any] = []
    for name, values in state.items():
        array = values.numpy()
        if name.startswith("encoder.") and values.ndim == 2:
            path = name.removesuffix(".weight")
            initializers.append(onnx.numpy_helper.from_array(array.T.copy(), f"m{len(nodes)}"))
            node = onnx.helper.make_node(
                "MatMul", ["x", f"m{len(nodes)}"], ["y"], name=f"/{path.replace('.', '/')}/MatMul"
            )
            # An exporter keeps the numbers of layers in one part: layer.0.
            node.name = node.name.replace("/layer/0/", "/layer.0/")
            nodes.append(node)
        else:
            initializers.append(onnx.numpy_helper.from_array(array, name))
    graph = onnx.helper.make_graph(nodes, "bert", [], [], initializers)
    return onnx.helper.make_model(graph).SerializeToString(), state
