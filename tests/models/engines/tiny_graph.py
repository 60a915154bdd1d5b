"""A small network of the shipped kind, written by the exporter itself: its plan is built in a second."""

import hashlib
import shutil
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from models.manifest import MANIFEST_FILE
from models.registry import locate_model, open_model

HIDDEN, WIDE, LAYERS, PARTS = 32, 64, 2, 2
PLACES = 176


def tiny_graph(labels: dict[str, tuple[str, ...]], *, pieces: int, places: int = PLACES) -> bytes:
    """Return ONNX bytes of a random network of these heads."""
    from models.training.graph import EncoderWeights, encoder_graph

    draw = np.random.default_rng(7)

    def array(*shape: int) -> Any:
        return (0.3 * draw.normal(size=shape)).astype(np.float32)

    spans, end = {}, 0
    for head, names in labels.items():
        spans[head] = (end, end + len(names))
        end += len(names)
    arrays = {"words": array(pieces, HIDDEN), "positions": array(places, HIDDEN)}
    arrays |= _norm("norm")
    for at in range(LAYERS):
        name = f"layers.{at}"
        arrays |= _norm(f"{name}.attended_norm") | _norm(f"{name}.norm")
        for part, rows, columns in (
            ("qkv", 3 * HIDDEN, HIDDEN),
            ("attended", HIDDEN, HIDDEN),
            ("widen", WIDE, HIDDEN),
            ("narrow", HIDDEN, WIDE),
        ):
            arrays[f"{name}.{part}.weight"] = array(rows, columns)
            arrays[f"{name}.{part}.bias"] = array(rows)
    arrays |= {"project.weight": array(HIDDEN, 2 * HIDDEN), "project.bias": array(HIDDEN)}
    arrays |= {"heads.weight": array(end, HIDDEN), "heads.bias": array(end)}
    shares = array(3 * HIDDEN + 1, len(labels["emotion"]))
    weights = EncoderWeights(arrays, LAYERS, 1, PARTS, heads=spans, shares=shares)
    return encoder_graph(weights)


def _norm(name: str) -> dict[str, Any]:
    return {
        f"{name}.weight": np.ones(HIDDEN, np.float32),
        f"{name}.bias": np.zeros(HIDDEN, np.float32),
    }


def write_tiny_model(folder: Path) -> Path:
    """Write the bundled model's folder with a small random network in it; return the folder."""
    bundled = open_model(locate_model("bundled"))
    shutil.copytree(bundled.folder, folder, ignore=shutil.ignore_patterns("*.onnx"))
    graph = tiny_graph(bundled.manifest.labels, pieces=60_000)
    (folder / bundled.manifest.network).write_bytes(graph)
    files = bundled.manifest.files | {bundled.manifest.network: hashlib.sha256(graph).hexdigest()}
    manifest = msgspec.structs.replace(bundled.manifest, files=files, vector_width=HIDDEN)
    (folder / MANIFEST_FILE).write_bytes(msgspec.json.encode(manifest))
    return folder
