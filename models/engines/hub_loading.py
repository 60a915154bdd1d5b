"""Load tokenizer and weights of a hub model, or say why they cannot be.

In: a checked `HubFolder`. Out: a `LoadedModel`. Imports torch and transformers lazily. Never runs code that came with a
model and never reads a pickle: the loader sees a folder of links to the files that were checked, and nothing else.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from contracts.errors import MissingExtra, ModelInvalid
from models.engines.hub_fetching import EXTRA
from models.hub.folder import HubFolder, sealed

LOCAL: Mapping[str, Any] = {"local_files_only": True, "trust_remote_code": False}
# An encoder's pooler may lack: vectors are the mean of what lies below it.
UNUSED = ("pooler.",)


class LoadedModel(NamedTuple):
    """Hold a model ready to run: the network, its tokenizer's core, torch itself.

    `pad_id` is None where the model has no padding piece. `limit` is how many pieces it reads, of which `marks` are its
    own, such as [CLS].
    """

    network: Any
    tokenizer: Any
    torch: Any
    pad_id: int | None
    limit: int
    marks: int


def load(folder: HubFolder, *, token_limit: int) -> LoadedModel:
    """Load a sequence classifier, or an encoder where the folder holds none, as float32 for one CPU thread.

    Raises `MissingExtra` without torch or transformers, `ModelInvalid` where the files do not belong together.
    """
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        import torch
        import transformers
    except ImportError as error:
        raise MissingExtra(EXTRA) from error
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(1)
    with sealed(folder) as place:
        tokenizer, network, lacking = _read(folder, place=place, dtype=torch.float32)
    _refuse_untrained(folder, lacking)
    backend = _checked_tokenizer(folder, tokenizer, network=network)
    limit = min(token_limit, tokenizer.model_max_length, _positions(network, otherwise=token_limit))
    marks = backend.num_special_tokens_to_add(False)
    if limit <= marks:
        raise ModelInvalid(f"{folder.path} reads {limit} pieces, which its own {marks} marks fill")
    backend.encode_special_tokens = True
    backend.no_padding()
    backend.enable_truncation(limit)
    pad_id = getattr(network.config, "pad_token_id", None)
    return LoadedModel(network, backend, torch, pad_id, limit, marks)


def _read(folder: HubFolder, *, place: Path, dtype: Any) -> tuple[Any, Any, list[str]]:
    from transformers import (
        AutoConfig,
        AutoModel,
        AutoModelForSequenceClassification,
        AutoTokenizer,
    )

    kind = AutoModelForSequenceClassification if folder.is_classifier else AutoModel
    try:
        config = AutoConfig.from_pretrained(place, **LOCAL)
        tokenizer = AutoTokenizer.from_pretrained(place, config=config, **LOCAL)
        network, told = kind.from_pretrained(
            place,
            config=config,
            use_safetensors=True,
            dtype=dtype,
            output_loading_info=True,
            **LOCAL,
        )
    except Exception as error:
        # transformers and tokenizers raise nearly anything, bare Exception included, for files that are wrong.
        words = str(error).replace(str(place), str(folder.path)).strip().partition("\n")[0]
        raise ModelInvalid(
            f"transformers cannot load {folder.path} as {_what(folder)}: {type(error).__name__}: {words}"
        ) from error
    return tokenizer, network.eval(), sorted(told["missing_keys"])


def _what(folder: HubFolder) -> str:
    return f"a {folder.config.model_type} {'classifier' if folder.is_classifier else 'encoder'}"


def _refuse_untrained(folder: HubFolder, lacking: Sequence[str]) -> None:
    """Raise `ModelInvalid` for weights that transformers has filled with random numbers."""
    if not folder.is_classifier:
        lacking = [name for name in lacking if not any(part in name for part in UNUSED)]
    if lacking:
        raise ModelInvalid(
            f"the weights in {folder.path} lack {len(lacking)} tensors of {_what(folder)} ({lacking[0]}, ...):"
            " they were saved from another architecture"
        )


def _checked_tokenizer(folder: HubFolder, tokenizer: Any, *, network: Any) -> Any:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise ModelInvalid(
            f"the tokenizer in {folder.path} is not a fast one: save it with a tokenizer.json"
        )
    highest = max(backend.get_vocab(with_added_tokens=True).values(), default=-1)
    rows = network.get_input_embeddings().num_embeddings
    if highest >= rows:
        raise ModelInvalid(
            f"the tokenizer in {folder.path} has pieces up to {highest}, the weights {rows} rows:"
            " they do not belong together"
        )
    return backend


def _positions(network: Any, *, otherwise: int) -> int:
    """Return how many pieces the network has places for; RoBERTa's kind leaves the first ones to padding."""
    try:
        places = getattr(network.config, "max_position_embeddings", None)
    except NotImplementedError:  # XLNet's config says so: it has no limit
        places = None
    if not isinstance(places, int) or places <= 0:
        return otherwise
    taken = [
        module.padding_idx + 1
        for name, module in network.named_modules()
        if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None
    ]
    return places - max(taken, default=0)
