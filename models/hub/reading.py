"""Read texts with a hub model: one line of each, its pieces, batches of like length, one forward pass each.

In: `TextInput`s. Out: a `Reading` in input order. Joins models.features, models.batching and models.engines.hub, which
imports torch when it starts.
"""

from collections.abc import Sequence
from typing import NamedTuple

from contracts.errors import ModelInvalid
from contracts.hub_models import HubModel
from models.batching import PlannedBatch, pad_batch, plan_batches, rows_in_input_order
from models.engines.hub import HEAD, HubEngine, Pieces
from models.features.text import CHARACTERS_PER_PIECE, clean_text
from models.hub.source import HubSource
from models.protocols import EngineOutput, FloatArray, TextInput


class Reading(NamedTuple):
    """Hold what a hub model made of texts, a row each; `logits` is None for an encoder.

    `tokens` counts the pieces of each text, `cut` says whether there were more. `pooled` and its unit rows `embedding`
    have width 0 where no vectors are wanted.
    """

    tokens: list[int]
    cut: list[bool]
    logits: FloatArray | None
    pooled: FloatArray
    embedding: FloatArray


class HubReader:
    """Run one hub model over texts."""

    def __init__(
        self, source: HubSource, *, wants_vectors: bool, batch_tokens: int | None = None
    ) -> None:
        self._source = source
        self._wants_vectors = wants_vectors
        self._batch_tokens = batch_tokens
        self._engine: HubEngine | None = None

    def start(self) -> None:
        """Fetch what lacks, where that is allowed, and load it.

        Raises `ModelInvalid`, `MissingExtra` without transformers, and `DownloadFailed`.
        """
        engine = HubEngine(
            self._source.whole(),
            token_limit=self._source.model.token_limit,
            wants_vectors=self._wants_vectors,
        )
        engine.start()
        self._engine = engine

    def close(self) -> None:
        """Free the model."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def read(self, texts: Sequence[TextInput]) -> Reading:
        """Return the answers to at least one text, in input order."""
        if self._engine is None:
            raise ModelInvalid("score_batch was called before start() or after close()")
        lines = [line_of(text, self._source.model) for text in texts]
        pieces = self._engine.encode([line for line, _ in lines])
        plan, outputs = self._run(self._engine, pieces)

        def joined(parts: Sequence[FloatArray]) -> FloatArray:
            return rows_in_input_order(plan, parts)

        return Reading(
            tokens=[each.own for each in pieces],
            cut=[each.is_cut or was_cut for each, (_, was_cut) in zip(pieces, lines, strict=True)],
            logits=joined([each.logits[HEAD] for each in outputs]) if outputs[0].logits else None,
            pooled=joined([e.embedding if e.pooled is None else e.pooled for e in outputs]),
            embedding=joined([each.embedding for each in outputs]),
        )

    def _run(
        self, engine: HubEngine, pieces: Sequence[Pieces]
    ) -> tuple[list[PlannedBatch], list[EngineOutput]]:
        # A text without any piece still needs a row; its answer is an abstention.
        rows = [each.ids or [engine.pad_id] for each in pieces]
        plan = plan_batches(
            [len(row) for row in rows],
            token_budget=self._batch_tokens or engine.batch_tokens,
            row_limit=engine.row_limit,
            pass_tokens=engine.pass_tokens,
        )
        return plan, [
            engine.run(
                pad_batch([rows[i] for i in each.positions], each.width, pad_id=engine.pad_id)
            )
            for each in plan
        ]


def line_of(text: TextInput, model: HubModel) -> tuple[str, bool]:
    """Return what the model reads of a text, title and all, and whether it was cut; normalised unless not wanted.

    What came before (`context`) is not read: such models are trained on single texts.
    """
    if model.normalize:
        clean = clean_text(text, token_limit=model.token_limit)
        return (model.prefix + clean.text if clean.text else "", clean.is_cut)
    has_own_title = text.title and not text.text.startswith(text.title)
    raw = f"{text.title}\n{text.text}" if has_own_title else text.text
    limit = CHARACTERS_PER_PIECE * model.token_limit
    # A lone surrogate is no character: no tokenizer takes it.
    kept = raw[:limit].encode("utf-8", "ignore").decode("utf-8")
    return (model.prefix + kept if kept.strip() else "", len(raw) > limit)
