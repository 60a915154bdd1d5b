"""What the rest of Hubbub may ask of the models: one scorer of texts and, below it, one engine.

In: texts as the stages see them. Out: scores in the words of `contracts.scores`.
Imports contracts, msgspec and numpy alone: never an engine, torch or onnxruntime.

    consumers/scoring ──► TextScorer ──► (features, tokenizer, batching) ──► Engine ──► (calibration) ──► TextScores
"""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, runtime_checkable

import msgspec
import numpy as np
import numpy.typing as npt

from contracts.scores import HeadScore, Span

Lang = Literal["en", "zh", "other"]
FloatArray = npt.NDArray[np.float32]
TokenArray = npt.NDArray[np.int64]


class TextInput(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hold what one score may depend on: nothing else about the event reaches the model.

    `text` may be empty, of any length and any script. `context` is the conversation before it (at most 512
    characters by the record's contract). `title` is a headline that belongs to the text. `lang_hint` is what the
    source claims (a BCP 47 tag or nothing); it decides only where the text itself does not.
    """

    text: str
    context: str = ""
    title: str = ""
    lang_hint: str | None = None


class TextScores(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hold what the model says of one text.

    `lang_probability` in 0…1. `heads` maps each head's name to its answer. `valence` is P(positive) - P(negative)
    in -1…1, None where the sentiment head is missing or abstains. `vector` is the unit embedding times 127, rounded,
    as int8 bytes (empty where the model has none or the text has no piece). `tokens` counts the pieces that were
    read, `truncated` says that there were more. `emotion_spans` names the words that carry the emotion, strongest
    first.
    """

    lang: Lang
    lang_probability: float
    heads: dict[str, HeadScore] = {}
    valence: float | None = None
    vector: bytes = b""
    tokens: int = 0
    truncated: bool = False
    emotion_spans: tuple[Span, ...] = ()


@runtime_checkable
class TextScorer(Protocol):
    """Score texts. Built in `hubbub.py` or a cli, one in each process, used by one thread at a time.

    Order: `start` once, then any number of `score_batch`, then `close` once. The properties may be read at any time,
    before `start` too.
    """

    @property
    def model_name(self) -> str:
        """Return the model's name for people, such as `hubbub-text`. Read by scoring at start and by the API."""
        ...

    @property
    def model_version(self) -> str:
        """Return the digest of all that decides a score: weights, tokenizer, calibration, thresholds, label maps.

        Written into every scored event; equal versions give equal scores on one engine.
        """
        ...

    @property
    def engine(self) -> str:
        """Return the engine's name, such as `ort`; `none` where no network runs."""
        ...

    @property
    def labels(self) -> Mapping[str, tuple[str, ...]]:
        """Return each head's labels in the order of its logits. Read by the matcher when a query names a label."""
        ...

    @property
    def vector_width(self) -> int:
        """Return the number of bytes of every non-empty `TextScores.vector`; 0 where the model has none."""
        ...

    def start(self) -> None:
        """Load the weights and be ready: afterwards `score_batch` neither reads files nor opens sockets.

        Called once by the worker, before it joins its group. Raises `ModelInvalid` when weights, tokenizer and manifest
        do not belong together and `MissingExtra` when the engine is not installed.
        """
        ...

    def score_batch(self, texts: Sequence[TextInput]) -> list[TextScores]:
        """Score `texts`; the answers stand in input order, one for each (checked where batches are joined).

        Called by scoring for each poll, some times a second with 1 to 1,000 texts; an empty list gives an empty list.
        The answer to a text does not depend on its neighbours beyond 1e-5 (99.9 % of scores; 5e-3 all). Any str is
        accepted, and never raises because of what it contains. Raises `ModelInvalid` when the engine's answer is not
        of the promised shape or not finite: that is the model's fault, never the text's.
        """
        ...

    def close(self) -> None:
        """Give the weights back. Called once at shutdown; a second call does nothing."""
        ...


class TokenBatch(msgspec.Struct, frozen=True):
    """Hold one padded batch: `input_ids` and `attention_mask`, both int64 [rows, width], mask 1 where a piece stands.

    A row may be all padding (a text without pieces). Padding has the tokenizer's padding id.
    """

    input_ids: TokenArray
    attention_mask: TokenArray


class EngineOutput(msgspec.Struct, frozen=True):
    """Hold one forward pass: `logits[head]` float32 [rows, labels], `embedding` float32 [rows, width] of unit rows.

    A row without pieces may have an embedding of zeros. `pooled` float32 [rows, width] is the last and the middle
    layer's mean, which users' own heads are fitted on. `shares` float32 [rows, pieces, emotion labels] says how far
    each emotion's log probability would fall without the piece, as the network itself estimates in the same pass.
    Either is None where the network has none.
    """

    logits: dict[str, FloatArray]
    embedding: FloatArray
    pooled: FloatArray | None = None
    shares: FloatArray | None = None


@runtime_checkable
class Engine(Protocol):
    """Run the network on arrays. Knows neither text nor labels; implemented in `models/engines`, one file each.

    Order: `start` once, `run` any number of times from one thread, `close` once.
    """

    @property
    def name(self) -> str:
        """Return the engine's short name (`ort`, `pytorch`, `tensorrt`); goes into every scored event."""
        ...

    @property
    def batch_tokens(self) -> int:
        """Return how many padded pieces it reads fastest in one pass: what fits its caches, or fills its cores."""
        ...

    @property
    def pass_tokens(self) -> int | None:
        """Return what a pass costs beside its padded pieces, in pieces; None where it should be as full as can be."""
        ...

    def start(self) -> None:
        """Load the weights. Called by `TextScorer.start`.

        Raises `ModelInvalid`, `MissingExtra`, or `EngineFailed` for what another engine may do.
        """
        ...

    def run(self, batch: TokenBatch) -> EngineOutput:
        """Run one forward pass and return as many rows, in the same order.

        Called by the scorer for each planned batch: rows × width within the token budget, except that one row may
        exceed it alone. A row's answer does not depend on the other rows or on padding, within float rounding.
        Raises `ModelInvalid` when the network's outputs are not those that the manifest names, `EngineFailed` when
        memory or the device fails: another engine may run the same batch.
        """
        ...

    def close(self) -> None:
        """Free the weights. A second call does nothing."""
        ...


class HeadInputs(msgspec.Struct, frozen=True):
    """Hold what a further head may read of a batch of texts, row by row.

    `inputs` are the texts as they came, `lines` the same as one normalised line each, `langs` their languages. `pooled`
    float32 [rows, width] is the encoder's pooled vector, `embedding` float32 [rows, width] its unit vector.
    """

    inputs: Sequence[TextInput]
    lines: Sequence[str]
    langs: Sequence[Lang]
    pooled: FloatArray
    embedding: FloatArray


@runtime_checkable
class TextHead(Protocol):
    """Answer one question of a user's about texts, beside the encoder's own heads: own labels, or a hub model.

    Built by `models.registry`, owned by one `TextScorer`, which calls `start` once, `score_batch` for every batch
    that it scores and `close` once. The properties may be read at any time, before `start` too.
    """

    @property
    def name(self) -> str:
        """Return the head's name, the key of `TextScores.heads`; never one of the encoder's own."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the labels in a fixed order."""
        ...

    @property
    def version(self) -> str:
        """Return a digest of all that decides the head's answers; it becomes part of `TextScorer.model_version`."""
        ...

    def start(self) -> None:
        """Load the weights. Raises `ModelInvalid` or `MissingExtra`."""
        ...

    def score_batch(self, batch: HeadInputs) -> list[HeadScore]:
        """Return one answer a row, in order; never raises because of what a text contains.

        The answer to a text does not depend on its neighbours beyond 1e-5.
        """
        ...

    def close(self) -> None:
        """Free the weights. A second call does nothing."""
        ...
