"""The base encoder's file: read exactly, and refused when it is another."""

import struct
from pathlib import Path

import msgspec
import numpy as np
import pytest

from contracts.errors import MissingExtra, ModelInvalid
from models.training.base_encoder import WORD_ROWS, locate_base_encoder, read_base_encoder
from models.training.config import read_config

BASE = read_config(Path(__file__).parents[3] / "models" / "training" / "encoder.toml").base
PIECES = [("<s>", 0.0), ("\u2581好", -1.5)]
SCALE, NIBBLES = 0.5, np.arange(32) % 16


def packed_file(path: Path, *, magic: bytes = b"E5S1", block: int = 32) -> None:
    """Write two word rows of 32 weights in 4 bits and one norm of 32 plain weights."""
    words = [piece.encode() for piece, _ in PIECES]
    offsets = np.cumsum([0, *map(len, words)])
    head = magic + struct.pack("<I7ifi", 1, 32, 0, 1, 64, 2, 512, 2, 1e-12, block)
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, int(offsets[-1]))
    head += (
        struct.pack("<3I", *offsets)
        + struct.pack("<2f", *(score for _, score in PIECES))
        + b"".join(words)
    )
    head += struct.pack("<iI", 1, 9) + struct.pack("<IBI", 0xFF01, 1, 0x21)
    row = np.float16(SCALE).tobytes() + bytes((NIBBLES[:16] | NIBBLES[16:] << 4).astype(np.uint8))
    bodies = [("emb.word", 1, 2, row * 2), ("emb.ln.w", 0, 32, np.ones(32, "<f4").tobytes())]
    size = len(head) + 4 + sum(2 + len(name) + 21 for name, *_ in bodies)
    table = struct.pack("<i", len(bodies))
    for name, kind, rows, body in bodies:
        table += (
            struct.pack("<H", len(name))
            + name.encode()
            + struct.pack("<BIQQ", kind, rows, size, len(body))
        )
        size += len(body)
    path.write_bytes(head + table + b"".join(body for *_, body in bodies))


def test_pieces_and_weights_are_read_as_they_were_packed(tmp_path: Path) -> None:
    packed_file(tmp_path / "e5.bin")
    encoder = read_base_encoder(tmp_path / "e5.bin")
    assert encoder.pieces == PIECES
    assert (encoder.hidden, encoder.layers, encoder.heads, encoder.ffn) == (32, 0, 1, 64)
    assert encoder.weights[WORD_ROWS].tolist() == [((NIBBLES - 8) * SCALE).tolist()] * 2
    assert encoder.weights["embeddings.LayerNorm.weight"].tolist() == [1.0] * 32


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    packed_file(tmp_path / "e5.bin", magic=b"GGUF")
    with pytest.raises(ModelInvalid, match="does not start with E5S1"):
        read_base_encoder(tmp_path / "e5.bin")


def test_a_file_with_other_blocks_is_refused(tmp_path: Path) -> None:
    packed_file(tmp_path / "e5.bin", block=64)
    with pytest.raises(ModelInvalid, match="packs 64 weights a block, expected 32"):
        read_base_encoder(tmp_path / "e5.bin")


def test_a_package_that_is_not_installed_is_named() -> None:
    with pytest.raises(MissingExtra, match="no_such_package carries the base encoder"):
        locate_base_encoder(msgspec.structs.replace(BASE, package="no_such_package"))


def test_another_file_than_the_pinned_one_is_refused() -> None:
    # Given a package that is surely installed, and a file of it that is not the weights
    other = msgspec.structs.replace(BASE, package="msgspec", file="__init__.py")
    with pytest.raises(ModelInvalid, match=f"expected {BASE.sha256}"):
        locate_base_encoder(other)
