"""Read what a hub model's folder says of itself, and refuse what must not or cannot be loaded.

In: a folder with `config.json`, a tokenizer and safetensors. Out: a frozen `HubFolder`, the files that decide its
answers, their digest. Reads JSON and hashes; imports no torch and no transformers: what is refused here was not run.
"""

import hashlib
import json
import operator
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from contracts.errors import ModelInvalid

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
WEIGHTS_INDEX = "model.safetensors.index.json"
POOLING = "1_Pooling/config.json"
ADAPTER = "adapter_config.json"
TOKENIZER_CONFIG = "tokenizer_config.json"
TOKENIZER_FILES = (
    "tokenizer.json", TOKENIZER_CONFIG, "special_tokens_map.json", "added_tokens.json",
    "vocab.txt", "vocab.json", "merges.txt",
)  # fmt: skip
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5", "*.msgpack", "*.pkl")
# Keys that make transformers run other code or read other files than those of the folder.
STEERING = ("auto_map", "quantization_config", "transformers_weights", "fusion_config")
HEADER_LIMIT_BYTES = 100_000_000
SHARD_NAME = re.compile(r"[\w.-]+\.safetensors")
CLASSIFIER = "ForSequenceClassification"


class HubConfig(msgspec.Struct, frozen=True):
    """Hold what `config.json` says that we need; a width goes by several names."""

    model_type: str = ""
    architectures: tuple[str, ...] | None = None
    id2label: dict[int, str] | None = None
    problem_type: str | None = None
    hidden_size: int | None = None
    dim: int | None = None
    d_model: int | None = None
    n_embd: int | None = None
    is_encoder_decoder: bool = False


class HubFolder(NamedTuple):
    """Hold one folder: where it is, how a person named it, what it says."""

    path: Path
    name: str
    config: HubConfig

    @property
    def is_classifier(self) -> bool:
        """Return whether its architecture is a sequence classifier; a config without any is one if it names labels."""
        if self.config.architectures:
            return self.config.architectures[0].endswith(CLASSIFIER)
        return self.config.id2label is not None

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the model's own labels in the order of its logits: two generic ones where it names none.

        Raises `ModelInvalid` where the numbers of `id2label` are not 0, 1, 2 and so on.
        """
        named = self.config.id2label or {0: "LABEL_0", 1: "LABEL_1"}
        if sorted(named) != list(range(len(named))):
            raise ModelInvalid(
                f"{self.path / CONFIG}: id2label numbers {sorted(named)}, expected 0 to {len(named) - 1}"
            )
        return tuple(named[number] for number in range(len(named)))

    @property
    def width(self) -> int:
        """Return the width of its hidden states. Raises `ModelInvalid` where the config does not say it."""
        config = self.config
        width = config.hidden_size or config.dim or config.d_model or config.n_embd
        if width is None:
            raise ModelInvalid(
                f"{self.path / CONFIG} does not say how wide {self.name} is (hidden_size): it can be a head, no encoder"
            )
        return width


def open_folder(path: Path, name: str) -> HubFolder:
    """Read `config.json`. Raises `ModelInvalid` where it is none, or asks for code or files from elsewhere."""
    raw = _json(path / CONFIG)
    _refuse_steering(raw, path / CONFIG)
    if (path / TOKENIZER_CONFIG).is_file():
        _refuse_steering(_json(path / TOKENIZER_CONFIG), path / TOKENIZER_CONFIG)
    if (path / ADAPTER).is_file():
        raise ModelInvalid(
            f"{path} is an adapter ({ADAPTER}) of another model: merge it into its base and save the whole"
        )
    try:
        config = msgspec.convert(raw, HubConfig, strict=False)
    except msgspec.ValidationError as error:
        raise ModelInvalid(f"{path / CONFIG} is no model's config: {error}") from error
    if not config.model_type:
        raise ModelInvalid(f"{path / CONFIG} names no model_type: it is not a transformers model")
    return HubFolder(path, name, config)


def deciding_files(folder: HubFolder) -> list[str]:
    """Return the names of all files that are loaded. Raises `ModelInvalid` where weights or tokenizer lack."""
    found = [name for name in TOKENIZER_FILES if (folder.path / name).is_file()]
    if not {"tokenizer.json", "vocab.txt"} & set(found) and not {"vocab.json", "merges.txt"} <= set(
        found
    ):
        raise ModelInvalid(
            f"{folder.path} has no tokenizer that can be read: expected tokenizer.json, which"
            " AutoTokenizer.from_pretrained(...).save_pretrained(FOLDER) writes"
        )
    pooling = [POOLING] if (folder.path / POOLING).is_file() else []
    return [CONFIG, *found, *pooling, *_weights(folder.path)]


def digest_of(folder: HubFolder) -> str:
    """Return the sha256 over the names and sha256 of all files that are loaded, as hex digits."""
    lines = []
    for name in sorted(deciding_files(folder)):
        with (folder.path / name).open("rb") as file:
            lines.append(f"{name} {hashlib.file_digest(file, 'sha256').hexdigest()}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@contextmanager
def sealed(folder: HubFolder) -> Iterator[Path]:
    """Yield a folder of links to the deciding files alone: a loader finds nothing else, pickles least of all."""
    with tempfile.TemporaryDirectory(prefix="hubbub-hub-") as place:
        for name in deciding_files(folder):
            if "/" not in name:
                (Path(place) / name).symlink_to((folder.path / name).resolve())
        yield Path(place)


def pooling_of(folder: HubFolder) -> Literal["mean", "first"]:
    """Return how a sentence encoder says that its pieces become one vector; mean where it says nothing.

    Raises `ModelInvalid` for another way than the mean of the pieces or the first one.
    """
    path = folder.path / POOLING
    if not path.is_file():
        return "mean"
    told = _json(path)
    chosen = {
        key for key, value in told.items() if key.startswith("pooling_mode_") and value is True
    }
    mode = told.get("pooling_mode")
    if mode == "mean" or (mode is None and chosen == {"pooling_mode_mean_tokens"}):
        return "mean"
    if mode == "cls" or (mode is None and chosen == {"pooling_mode_cls_token"}):
        return "first"
    raise ModelInvalid(
        f"{path} asks for {mode or sorted(chosen)}: only the mean or the first piece can be taken"
    )


def _weights(path: Path) -> list[str]:
    if (path / WEIGHTS).is_file():
        _check_safetensors(path / WEIGHTS)
        return [WEIGHTS]
    if (path / WEIGHTS_INDEX).is_file():
        parts = shards(path / WEIGHTS_INDEX)
        for part in parts:
            _check_safetensors(path / part)
        return [WEIGHTS_INDEX, *parts]
    pickles = sorted(file.name for pattern in PICKLES for file in path.glob(pattern))
    if pickles:
        raise ModelInvalid(
            f"{path} has its weights as {pickles[0]} alone, which can run code when it is read: take a revision with"
            f" {WEIGHTS}, or convert it where you trust it: save_pretrained(FOLDER) writes safetensors"
        )
    raise ModelInvalid(f"{path} has no weights: expected {WEIGHTS} or {WEIGHTS_INDEX}")


def shards(index: Path) -> list[str]:
    """Return the files of weights that an index names, in order. Raises `ModelInvalid` where it is none."""
    parts = _json(index).get("weight_map")
    if not isinstance(parts, dict) or not parts:
        raise ModelInvalid(f"{index} has no weight_map of tensors to files")
    names = sorted({str(part) for part in parts.values()})
    for name in names:
        if not SHARD_NAME.fullmatch(name):
            raise ModelInvalid(f"{index} names {name!r}, expected a .safetensors file beside it")
    return names


def _check_safetensors(path: Path) -> None:
    """Raise `ModelInvalid` unless the file is whole: 8 bytes of header length, a JSON header, tensors up to the end."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length)) if length <= HEADER_LIMIT_BYTES else None
        size = path.stat().st_size
    except OSError as error:
        raise ModelInvalid(
            f"cannot read {path}: {error.strerror}; fetch the model again"
        ) from error
    except ValueError as error:
        raise ModelInvalid(f"{path} is no safetensors file: its header is not JSON") from error
    if not isinstance(header, dict):
        raise ModelInvalid(f"{path} is no safetensors file: a header of {length} bytes")
    tensors = [value for key, value in header.items() if key != "__metadata__"]
    try:
        end = max((operator.index(tensor["data_offsets"][1]) for tensor in tensors), default=0)
    except (TypeError, KeyError, IndexError, AttributeError) as error:
        raise ModelInvalid(
            f"{path} is no safetensors file: its header does not say where each tensor ends"
        ) from error
    if size != 8 + length + end:
        raise ModelInvalid(
            f"{path} has {size} bytes, its header promises {8 + length + end}: fetch the model again"
        )


def _refuse_steering(value: Any, path: Path) -> None:
    if not isinstance(value, dict):
        return
    for key, inner in value.items():
        if key in STEERING and inner:
            raise ModelInvalid(
                f"{path} has {key}, which asks for code or files beyond the folder; none is ever run."
                f" Where transformers knows this kind of model itself, a copy without {key} can be used"
            )
        if "attn_implementation" in str(key) and "/" in str(inner):
            raise ModelInvalid(
                f"{path} has {key} {inner!r}, a kernel from elsewhere: remove it from a copy"
            )
        _refuse_steering(inner, path)


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except OSError as error:
        raise ModelInvalid(
            f"cannot read {path}: {error.strerror}; a hub model's folder is what save_pretrained writes"
        ) from error
    except ValueError as error:
        raise ModelInvalid(f"{path} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ModelInvalid(f"{path} holds no JSON object")
    return value
