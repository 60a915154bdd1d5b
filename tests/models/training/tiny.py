"""A training run in small: a base encoder of random weights, data sets of a few hundred lines, a config for both."""

import gzip
import hashlib
import json
import random
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from models.training.config import TrainingConfig

SPACE = "\u2581"
GOOD, BAD, OTHER = (
    "great lovely happy".split(),
    "awful nasty angry".split(),
    "the bus train phone today".split(),
)
CHINESE = list("好坏天气车今手机很")
PACKAGE = "tiny_base"
HIDDEN, FFN, LAYERS, POSITIONS = 24, 48, 3, 96
FIT = {"layers": 2, "samples": 300, "tokens_per_step": 128, "rate": 3e-3, "head_rate": 1e-2}


def write_base(folder: Path) -> str:
    """Write a random base encoder as the package `tiny_base` below `folder` and return the file's sha256."""
    path = folder / PACKAGE / "e5.bin"
    path.parent.mkdir(parents=True)
    pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), (SPACE, -2.0)]
    pieces += [(chr(c), -9.0) for c in range(33, 127)]
    pieces += [(SPACE + word, -5.0) for word in GOOD + BAD + OTHER] + [(c, -6.0) for c in CHINESE]
    path.write_bytes(packed(pieces, tensors(len(pieces))))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def tensors(rows: int) -> dict[str, npt.NDArray[np.float32]]:
    """Return the weights of a BERT by the names of the file."""
    generator = np.random.default_rng(1)
    shapes: dict[str, tuple[int, ...]] = {
        "emb.word": (rows, HIDDEN),
        "emb.pos": (POSITIONS, HIDDEN),
        "emb.type": (2, HIDDEN),
    }
    norms = ["emb.ln"]
    for layer in range(LAYERS):
        shapes |= {f"l{layer}.{part}.w": (HIDDEN, HIDDEN) for part in ("q", "k", "v", "ao")}
        shapes |= {f"l{layer}.{part}.b": (HIDDEN,) for part in ("q", "k", "v", "ao", "fo")}
        shapes |= {f"l{layer}.fi.w": (FFN, HIDDEN), f"l{layer}.fi.b": (FFN,)}
        shapes[f"l{layer}.fo.w"] = (HIDDEN, FFN)
        norms += [f"l{layer}.aln", f"l{layer}.oln"]
    made = {name: generator.normal(0, 0.2, s).astype("<f4") for name, s in shapes.items()}
    made["emb.pos"] *= 0.1  # so that few texts suffice: a word is the same word wherever it stands
    made |= {f"{norm}.w": np.ones(HIDDEN, "<f4") for norm in norms}
    return made | {f"{norm}.b": np.zeros(HIDDEN, "<f4") for norm in norms}


def packed(pieces: list[tuple[str, float]], weights: Mapping[str, Any]) -> bytes:
    """Return the base encoder's file; its format stands in models.training.base_encoder."""
    words = [piece.encode() for piece, _ in pieces]
    shape = (HIDDEN, LAYERS, 12, FFN, len(pieces), POSITIONS, 2)
    head = b"E5S1" + struct.pack("<I7ifi", 1, *shape, 1e-12, 32)
    head += struct.pack("<5iQ", len(pieces), 0, 2, 1, 3, sum(map(len, words)))
    head += struct.pack(f"<{len(pieces) + 1}I", *np.cumsum([0, *map(len, words)]))
    head += struct.pack(f"<{len(pieces)}f", *(score for _, score in pieces)) + b"".join(words)
    head += struct.pack("<iIi", 0, 0, len(weights))
    at = len(head) + sum(2 + len(name) + 21 for name in weights)
    table = b""
    for name, values in weights.items():
        table += struct.pack("<H", len(name)) + name.encode()
        table += struct.pack("<BIQQ", 0, len(values), at, values.nbytes)
        at += values.nbytes
    return head + table + b"".join(values.tobytes() for values in weights.values())


def write_records(path: Path, records: list[dict[str, Any]]) -> None:
    """Write a `.jsonl.gz` file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def write_data(folder: Path) -> None:
    """Write labelled sentences, their turns in dialogues, finer labels, and texts alone."""
    chooser = random.Random(3)
    records = []
    for number in range(600):
        label = ("neg", "mid", "pos")[number % 3]
        words = chooser.choices(OTHER, k=3)
        words += {"neg": [chooser.choice(BAD)], "mid": [], "pos": [chooser.choice(GOOD)]}[label]
        chooser.shuffle(words)
        records.append({"text": " ".join(words), "label": label, "talk": number // 4})
    write_records(folder / "made/all.jsonl.gz", records)
    write_records(folder / "talks/all.jsonl.gz", records[:120])
    chinese = [
        {"text": "".join(chooser.choices(CHINESE, k=5)) + mark, "label": ["neg", "pos"][number % 2]}
        for number in range(80)
        for mark in ("好" if number % 2 else "坏",)
    ]
    write_records(folder / "zhong/all.jsonl.gz", chinese)
    texts = [{"text": " ".join(chooser.choices(OTHER + GOOD + BAD, k=5))} for _ in range(60)]
    write_records(folder / "plain/all.jsonl.gz", texts)


def source(file: str, head: str = "sentiment", **more: Any) -> dict[str, Any]:
    """Return one labelled file's table; its labels are neg, mid and pos, if it has a map."""
    labels = {"neg": "negative", "mid": "neutral", "pos": "positive"}
    table = {"file": file, "head": head, "lang": "en", "licence": "test", "dev_share": 0.25}
    return table | ({"labels": labels} if head == "sentiment" else {}) | more


def tiny_config(sha256: str = "0" * 64, **changes: Any) -> TrainingConfig:
    """Return a config of a few hundred samples a stage; `changes` replaces whole tables."""
    raw: dict[str, Any] = {
        "name": "tiny",
        "seed": 7,
        "vocabulary": {"pieces": 300, "token_limit": 32, "context_limit": 16},
        "base": {"package": PACKAGE, "file": "e5.bin", "sha256": sha256, "prefix": "query: "},
        "teacher": {"count": 2, "fit": FIT},
        "student": {
            "first": FIT,
            "fit": FIT | {"soft_labels": 1.0, "likeness": 1.0, "unlabelled_share": 0.3},
        },
        "abstain": {"accuracy": {"sentiment": 0.8}, "least_answered": 0.6},
        "heads": {
            "sentiment": {"share": 0.8, "labels": ["negative", "neutral", "positive"]},
            "kind": {"share": 0.2},
        },
        "sources": [
            source("made/all.jsonl.gz"),
            source("zhong/all.jsonl.gz", lang="zh"),
            source("talks/all.jsonl.gz", dialogue="talk", dev_share=0.0, dev_dialogues=0.2),
            source("made/all.jsonl.gz", head="kind"),
        ],
        "texts": [{"file": "plain/all.jsonl.gz", "lang": "en", "licence": "test"}],
    }
    return msgspec.convert(raw | changes, TrainingConfig)
