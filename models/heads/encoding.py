"""Ask the encoder for what heads are fitted on, the way it reads texts when it serves.

In: texts and a model's name. Out: normalised lines with the pooled and the unit vector of each. Imports the registry;
knows no engine.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from contracts.scores import HeadScore
from contracts.settings import ModelSettings
from models.protocols import FloatArray, HeadInputs, Lang, TextInput
from models.registry import build_encoder, build_text_scorer

BATCH_TEXTS = 512


class EncodedTexts(NamedTuple):
    """Hold texts as heads see them: `lines`, their `langs`, `pooled` and `embedding` (unit rows) [texts, width]."""

    lines: list[str]
    langs: list[Lang]
    pooled: FloatArray
    embedding: FloatArray

    def part(self, positions: Sequence[int]) -> "EncodedTexts":
        """Return the texts at `positions`."""
        at = np.asarray(positions, np.int64)
        return EncodedTexts(
            [self.lines[i] for i in positions],
            [self.langs[i] for i in positions],
            self.pooled[at],
            self.embedding[at],
        )


class Listener:
    """A head that answers nothing and keeps what it was given; see `TextHead`."""

    name = "listener"
    labels = ("heard",)
    version = "0"

    def __init__(self) -> None:
        self.heard: list[HeadInputs] = []

    def start(self) -> None:
        """Need nothing."""

    def score_batch(self, batch: HeadInputs) -> list[HeadScore]:
        """Keep the batch."""
        self.heard.append(batch)
        return [HeadScore("heard", 1.0) for _ in batch.lines]

    def close(self) -> None:
        """Hold nothing that must be freed."""


class Encoder:
    """Encode texts with one model. Build, `start`, `encode` any number of times, `close`."""

    def __init__(self, model: str, *, home: Path, hub: ModelSettings | None = None) -> None:
        self._listener = Listener()
        self._scorer = build_text_scorer(model, home=home, hub=hub, heads=(self._listener,))
        # Its version is the encoder's own, whatever heads and lexicon stand beside it.
        self._plain = build_encoder(model, home=home, hub=hub)

    @property
    def model_name(self) -> str:
        """Return the encoder's name."""
        return self._plain.model_name

    @property
    def model_version(self) -> str:
        """Return the digest of the encoder without further heads."""
        return self._plain.model_version

    @property
    def heads(self) -> frozenset[str]:
        """Return the names of the encoder's own heads."""
        return frozenset(self._plain.labels)

    def start(self) -> None:
        """Load the weights."""
        self._scorer.start()

    def close(self) -> None:
        """Free the weights."""
        self._scorer.close()

    def encode(
        self, texts: Sequence[TextInput], *, tell: Callable[[int], None] = lambda _: None
    ) -> EncodedTexts:
        """Return the texts as heads see them, in order; `tell` is called with the number that is done."""
        lines: list[str] = []
        langs: list[Lang] = []
        pooled, embedding = [], []
        for at in range(0, len(texts), BATCH_TEXTS):
            self._scorer.score_batch(texts[at : at + BATCH_TEXTS])
            for batch in self._listener.heard:
                lines += batch.lines
                langs += batch.langs
                pooled.append(batch.pooled)
                embedding.append(batch.embedding)
            self._listener.heard.clear()
            tell(min(at + BATCH_TEXTS, len(texts)))
        return EncodedTexts(lines, langs, _stacked(pooled), _stacked(embedding))


def _stacked(parts: Sequence[FloatArray]) -> FloatArray:
    return np.concatenate(parts) if parts else np.zeros((0, 0), np.float32)
