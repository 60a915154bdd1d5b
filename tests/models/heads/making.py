"""Make small heads by hand, without scikit-learn, for tests of what serves them."""

from pathlib import Path

import numpy as np

from models.heads.manifest import FORMAT, HeadManifest
from models.heads.ngrams import learn_vocabulary
from models.heads.storage import StoredHead, write_head
from models.heads.weights import packed
from models.protocols import HeadInputs, TextInput
from models.registry import build_encoder

WIDTH = 6
LABELS = ("card lost", "refund", "退款")
LINES = [
    "I want my money back",
    "my card is gone",
    "",
    "我要退款",
    "Ｈello 😡",
    "x" * 3000,
    "my card is gone again and again",
]


def make_head(home: Path, name: str = "support-intents", **changes: object) -> StoredHead:
    """Write a head of random weights over the n-grams of `LINES`."""
    width = int(str(changes.pop("width", WIDTH)))
    rng = np.random.default_rng(3)
    vocabulary = learn_vocabulary(LINES, limit=300)

    def part(inputs: int) -> tuple[np.ndarray, np.ndarray]:
        weights = rng.normal(size=(inputs, len(LABELS))).astype(np.float32)
        return weights, rng.normal(size=len(LABELS)).astype(np.float32)

    fields: dict[str, object] = {
        "format": FORMAT,
        "name": name,
        "labels": LABELS,
        "languages": ("en", "other"),
        "model_name": "some-encoder",
        "model_version": "0123456789abcdef",
        "width": width,
        "dense": 0.7,
        "sparse": 1.3,
        "entropy_limit": 0.8,
        "limit_rule": "by hand",
        "weights": "",
        "weights_sha256": "",
        "data_sha256": "",
        "seed": 7,
        "made_by": "a test",
    }
    manifest = HeadManifest(**{**fields, **changes})  # type: ignore[arg-type]
    weights = packed(vocabulary, dense=part(width), sparse=part(len(vocabulary.hashes)))
    return write_head(home, manifest, weights=weights)


def make_served(home: Path, name: str = "support-intents", **changes: object) -> StoredHead:
    """Write a head that fits the bundled encoder."""
    from models.heads.encoding import Encoder

    encoder = Encoder("bundled", home=home)
    encoder.start()
    width = encoder.encode([TextInput(text="hello")]).pooled.shape[1]
    encoder.close()
    plain = build_encoder("bundled")
    return make_head(
        home,
        name,
        **{
            "width": width,
            "model_name": plain.model_name,
            "model_version": plain.model_version,
            **changes,
        },
    )


def inputs_of(lines: list[str]) -> HeadInputs:
    """Return a batch whose vectors are drawn from each line by itself."""
    rows = [np.random.default_rng(len(line)).normal(size=WIDTH) for line in lines]
    pooled = np.array(rows, np.float32).reshape(len(lines), WIDTH)
    texts = [TextInput(text=line) for line in lines]
    return HeadInputs(texts, lines, ["en"] * len(lines), pooled, pooled)
