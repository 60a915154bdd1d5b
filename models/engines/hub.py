"""Run a `transformers` model of the hub with torch on one CPU thread.

In: texts, then padded piece ids. Out: pieces; logits and pooled vectors. Torch comes with the loaded model.

A model whose answers depend on padding, or that has no padding piece, is run one text at a time: `row_limit` says so.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from contracts.errors import ModelInvalid
from models.engines.hub_loading import LoadedModel, load
from models.hub.folder import HubFolder, pooling_of
from models.protocols import EngineOutput, TokenBatch

HEAD = "hub"
PROBE_PIECES = 512
PADDING_TOLERANCE = 1e-4
MANY_ROWS = 256
# What a network raises for pieces, places or settings that it does not have.
CANNOT_RUN = (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError)


class Pieces(NamedTuple):
    """Hold one text's piece ids with the model's own marks around, how many are the text's, and if there were more."""

    ids: list[int]
    own: int
    is_cut: bool


class HubEngine:
    """Run one hub model: a sequence classifier, or an encoder where it is none."""

    def __init__(self, folder: HubFolder, *, token_limit: int, wants_vectors: bool) -> None:
        self._folder = folder
        self._token_limit = token_limit
        self._wants_vectors = wants_vectors
        self._takes_first = False
        self._loaded: LoadedModel | None = None
        self._row_limit = 1

    @property
    def name(self) -> str:
        """Return `pytorch`."""
        return "pytorch"

    @property
    def pad_id(self) -> int:
        """Return the padding piece's id; 0 where the model has none and no row is padded."""
        return self._ready.pad_id or 0

    @property
    def batch_tokens(self) -> int:
        """Return 512: what a layer makes of so many pieces fits a core's own cache."""
        return 512

    @property
    def pass_tokens(self) -> int:
        """Return 16, as of the bundled network."""
        return 16

    @property
    def row_limit(self) -> int:
        """Return how many texts may share a batch: 1 where padding would change an answer."""
        return self._row_limit

    def start(self) -> None:
        """Load tokenizer and weights, and try one padded batch. Raises `MissingExtra`, `ModelInvalid`."""
        self._takes_first = pooling_of(self._folder) == "first"
        self._loaded = load(self._folder, token_limit=self._token_limit)
        self._row_limit = self._tried_row_limit()

    def encode(self, lines: Sequence[str]) -> list[Pieces]:
        """Return each line's pieces, cut at the limit. A mark that somebody types (`[SEP]`) is ordinary text."""
        loaded = self._ready
        return [
            Pieces(each.ids, max(len(each.ids) - loaded.marks, 0), bool(each.overflowing))
            for each in loaded.tokenizer.encode_batch_fast(list(lines))
        ]

    def run(self, batch: TokenBatch) -> EngineOutput:
        """Return logits (under `HEAD`; an encoder has none), pooled vectors, and these as unit rows.

        Vectors that nobody wants have width 0 and `pooled` is None. Raises `ModelInvalid` where the logits are not as
        many as the labels.
        """
        loaded = self._ready
        asked = {"output_hidden_states": True} if self._wants_vectors else {}
        mask = loaded.torch.from_numpy(batch.attention_mask)
        with loaded.torch.inference_mode():
            ids = loaded.torch.from_numpy(batch.input_ids)
            out = loaded.network(input_ids=ids, attention_mask=mask, **asked)
            pooled = self._pooled(out, mask).numpy() if self._wants_vectors else None
        logits = {HEAD: out.logits.numpy()} if self._folder.is_classifier else {}
        self._check(logits, rows=len(ids))
        if pooled is None:
            return EngineOutput(logits, np.zeros((len(ids), 0), np.float32))
        lengths = np.linalg.norm(pooled, axis=1, keepdims=True)
        return EngineOutput(logits, pooled / np.maximum(lengths, 1e-12), pooled)

    def close(self) -> None:
        """Free tokenizer and weights."""
        self._loaded = None

    @property
    def _ready(self) -> LoadedModel:
        if self._loaded is None:
            raise ModelInvalid("the engine `pytorch` was used before start() or after close()")
        return self._loaded

    def _pooled(self, out: Any, mask: Any) -> Any:
        states = _last_states(out)
        if self._takes_first:
            return states[:, 0]
        weights = mask.unsqueeze(-1).to(states.dtype)
        return (states * weights).sum(1) / weights.sum(1).clamp(min=1)

    def _check(self, logits: dict[str, Any], *, rows: int) -> None:
        for values in logits.values():
            if values.shape != (rows, len(self._folder.labels)):
                raise ModelInvalid(
                    f"{self._folder.path} gave logits of shape {values.shape} for {rows} texts;"
                    f" its config names {len(self._folder.labels)} labels"
                )

    def _tried_row_limit(self) -> int:
        """Run a long row and a short padded one; return 1 where the short one alone differs, or cannot be padded.

        Raises `ModelInvalid` where the model cannot read what its tokenizer writes.
        """
        width = min(self._ready.limit, PROBE_PIECES)
        long, short = (each.ids[:width] for each in self.encode(["a " * width, "a"]))
        together = np.full((2, len(long)), self.pad_id, np.int64)
        together[0], together[1, : len(short)] = long, short
        mask = np.arange(len(long)) < np.array([[len(long)], [len(short)]])
        rows = 1 if self._ready.pad_id is None else 2
        try:
            both = self.run(TokenBatch(together[:rows], mask[:rows].astype(np.int64)))
            alone = self.run(TokenBatch(np.array([short]), np.ones((1, len(short)), np.int64)))
        except CANNOT_RUN as error:
            raise ModelInvalid(
                f"{self._folder.path} cannot read {len(long)} pieces of its own tokenizer: {error}"
            ) from error
        return MANY_ROWS if rows == 2 and _is_same(both, alone) else 1


def _last_states(out: Any) -> Any:
    """Return the last hidden states [rows, pieces, width]; where a decoder follows the encoder, the encoder's."""
    for name in ("encoder_last_hidden_state", "last_hidden_state"):
        if getattr(out, name, None) is not None:
            return getattr(out, name)
    return out.hidden_states[-1]


def _is_same(both: EngineOutput, alone: EngineOutput) -> bool:
    pairs = [(both.embedding[1], alone.embedding[0])]
    pairs += [(both.logits[head][1], alone.logits[head][0]) for head in both.logits]
    return all(np.allclose(a, b, rtol=0, atol=PADDING_TOLERANCE) for a, b in pairs)
