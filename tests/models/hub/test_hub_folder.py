"""A hub model's folder is checked before anything of it is loaded, and named by all that decides its answers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import ModelInvalid
from models.hub.folder import deciding_files, digest_of, open_folder, pooling_of, sealed

CONFIG: dict[str, Any] = {
    "model_type": "bert",
    "architectures": ["BertForSequenceClassification"],
    "id2label": {"0": "negative", "1": "positive"},
    "hidden_size": 32,
}
Make = Callable[..., Path]


def headed(header: object) -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text


def safetensors(values: int = 2) -> bytes:
    header = {"w": {"dtype": "F32", "shape": [values], "data_offsets": [0, 4 * values]}}
    return headed(header) + bytes(4 * values)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Return a maker of whole folders, with keys added to the config and files added (None takes one away)."""

    def made(config: dict[str, Any] | None = None, **files: bytes | None) -> Path:
        contents: dict[str, bytes | None] = {
            "config.json": json.dumps(CONFIG | (config or {})).encode(),
            "tokenizer.json": b"{}",
            "model.safetensors": safetensors(),
        }
        for name, content in (contents | files).items():
            if content is not None:
                (tmp_path / name).parent.mkdir(exist_ok=True)
                (tmp_path / name).write_bytes(content)
        return tmp_path

    return made


def refusal(path: Path) -> str:
    with pytest.raises(ModelInvalid) as caught:
        deciding_files(open_folder(path, "mine"))
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_a_whole_folder_tells_its_labels_and_width(make: Make) -> None:
    folder = open_folder(make(), "mine")
    assert (folder.is_classifier, folder.labels, folder.width) == (
        True,
        ("negative", "positive"),
        32,
    )
    assert set(deciding_files(folder)) == {"config.json", "tokenizer.json", "model.safetensors"}


def test_a_model_without_label_names_has_generic_ones(make: Make) -> None:
    assert open_folder(make({"id2label": None}), "mine").labels == ("LABEL_0", "LABEL_1")


def test_weights_as_pickle_alone_are_refused(make: Make) -> None:
    words = refusal(make(**{"model.safetensors": None, "pytorch_model.bin": b"x"}))
    assert "pytorch_model.bin alone, which can run code when it is read" in words
    assert "save_pretrained(FOLDER) writes safetensors" in words


@pytest.mark.parametrize("key", ["auto_map", "quantization_config", "transformers_weights"])
def test_what_asks_for_code_or_files_from_elsewhere_is_refused(make: Make, key: str) -> None:
    words = refusal(make({"text_config": {key: {"AutoModel": "theirs.Model"}}}))
    assert f"has {key}, which asks for code or files beyond the folder; none is ever run" in words


def test_a_tokenizer_with_code_of_its_own_is_refused(make: Make) -> None:
    told = json.dumps({"auto_map": {"AutoTokenizer": ["theirs.Tokenizer", None]}}).encode()
    assert "tokenizer_config.json has auto_map" in refusal(make(**{"tokenizer_config.json": told}))


def test_an_attention_kernel_from_elsewhere_is_refused(make: Make) -> None:
    assert "a kernel from elsewhere" in refusal(make({"attn_implementation": "someone/kernel"}))


@pytest.mark.parametrize(
    ("config", "files", "words"),
    [
        ({}, {"config.json": None}, "No such file or directory; a hub model's folder is what"),
        ({}, {"config.json": b"{"}, "is not JSON"),
        ({}, {"config.json": b"[]"}, "holds no JSON object"),
        ({"model_type": ""}, {}, "names no model_type"),
        ({"id2label": [1]}, {}, "is no model's config"),
        ({}, {"tokenizer.json": None}, "has no tokenizer that can be read: expected tokenizer.json"),
        ({}, {"tokenizer.json": None, "spiece.model": b"x"}, "has no tokenizer that can be read"),
        ({}, {"model.safetensors": None}, "has no weights: expected model.safetensors"),
        ({}, {"model.safetensors": safetensors()[:-1]}, "its header promises"),
        ({}, {"model.safetensors": b"\x04" + bytes(7) + b"oops"}, "its header is not JSON"),
        ({}, {"model.safetensors": b"\xff" * 9}, "is no safetensors file"),
        ({}, {"model.safetensors": headed([1])}, "is no safetensors file"),
        ({}, {"model.safetensors": headed({"w": [1]})}, "where each tensor ends"),
        ({}, {"model.safetensors": headed({"w": {}})}, "where each tensor ends"),
        ({}, {"model.safetensors": headed({"w": {"data_offsets": [0]}})}, "where each tensor ends"),
        ({}, {"model.safetensors": headed({"w": {"data_offsets": [0, "x"]}})}, "where each tensor"),
        ({}, {"adapter_config.json": b"{}"}, "merge it into its base"),
    ],
)  # fmt: skip
def test_what_cannot_be_loaded_is_refused_by_file_and_with_a_remedy(
    make: Make, config: dict[str, Any], files: dict[str, bytes | None], words: str
) -> None:
    assert words in refusal(make(config, **files))


def test_labels_without_gaps_are_asked_for(make: Make) -> None:
    with pytest.raises(ModelInvalid, match="expected 0 to 1"):
        _ = open_folder(make({"id2label": {"0": "a", "2": "b"}}), "mine").labels


def test_weights_in_parts_are_all_named_and_none_lies_elsewhere(make: Make) -> None:
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    parts = {"model-1.safetensors": safetensors(), "model-2.safetensors": safetensors(3)}
    name = "model.safetensors.index.json"
    path = make(**{"model.safetensors": None, name: json.dumps(index).encode(), **parts})
    assert {name, *parts} <= set(deciding_files(open_folder(path, "mine")))
    (path / name).write_text('{"weight_map": {"a": "../elsewhere.safetensors"}}')
    assert "expected a .safetensors file beside it" in refusal(path)


def test_the_digest_changes_with_weights_tokenizer_and_config_and_nothing_else(make: Make) -> None:
    def digest(**files: bytes | None) -> str:
        return digest_of(open_folder(make(**files), "mine"))

    first = digest()
    assert digest(**{"README.md": b"# new"}) == first
    changed = {
        digest(**{"model.safetensors": safetensors(3)}),
        digest(**{"tokenizer.json": b"{ }"}),
        digest(**{"config.json": json.dumps(CONFIG | {"hidden_size": 64}).encode()}),
    }
    assert len(changed | {first}) == 4


def test_a_loader_sees_the_checked_files_alone(make: Make) -> None:
    whole = make(**{"pytorch_model.bin": b"x", "modeling_theirs.py": b"raise SystemExit"})
    with sealed(open_folder(whole, "mine")) as place:
        seen = {path.name for path in place.iterdir()}
        assert seen == {"config.json", "tokenizer.json", "model.safetensors"}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}, "mean"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "first"),
        ({"pooling_mode": "cls"}, "first"),
    ],
)
def test_a_sentence_encoder_says_how_its_pieces_become_one(
    make: Make, told: dict[str, Any], expected: str
) -> None:
    path = make(**{"1_Pooling/config.json": json.dumps(told).encode()})
    folder = open_folder(path, "mine")
    assert pooling_of(folder) == expected
    assert "1_Pooling/config.json" in deciding_files(folder)


def test_another_way_of_pooling_is_refused(make: Make) -> None:
    told = json.dumps({"pooling_mode_max_tokens": True}).encode()
    folder = open_folder(make(**{"1_Pooling/config.json": told}), "mine")
    with pytest.raises(ModelInvalid, match="only the mean or the first piece"):
        pooling_of(folder)
