"""Run rows of pieces through an engine: each row once, those of like length together, in the order they came.

In: framed rows of piece ids. Out: `Forward`. Joins models.batching, models.cache and an `Engine`.

    rows ─► known ones out of the cache
         └► the others, each once ─► batches of like length within the engine's budget ─► Engine ─► cache
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from contracts.errors import ModelInvalid
from models.batching import pad_batch, plan_batches, rows_in_input_order
from models.cache import Answer, Cache, Counts, count_texts, key_of
from models.protocols import Engine, EngineOutput, FloatArray


class Forward(NamedTuple):
    """Hold the network's answers in input order; `shares` [text's pieces with their frame, emotions] row by row."""

    output: EngineOutput
    shares: list[FloatArray]


class _Layout(NamedTuple):
    """Say where each output stands in a text's numbers: the end of each head's, then embedding and pooled."""

    heads: tuple[str, ...]
    ends: tuple[int, ...]
    width: int
    has_pooled: bool


class Limits(NamedTuple):
    """Hold the most padded pieces in one pass (None: as the engine likes) and how many texts are remembered."""

    batch_tokens: int | None = None
    cache_texts: int = 0


NO_LIMITS = Limits()


class Forwarder:
    """Answer rows with one engine; start and close the engine itself."""

    def __init__(
        self,
        engine: Engine,
        labels: Mapping[str, tuple[str, ...]],
        *,
        pad_id: int,
        limits: Limits = NO_LIMITS,
        keeps_pooled: bool = True,
    ) -> None:
        self.engine = engine
        self._labels = labels
        self._pad_id = pad_id
        self._batch_tokens = limits.batch_tokens
        self._keeps_pooled = keeps_pooled
        self._cache: Cache[Answer] = Cache(limits.cache_texts)
        self._cached_by = ""
        self._layout: _Layout | None = None

    def forward(self, rows: Sequence[Sequence[int]]) -> Forward:
        """Return the answers of rows, none of them empty; all are of one engine, though it may change on the way."""
        while True:
            name = self.engine.name
            if name != self._cached_by:
                self._cache.clear()
                self._cached_by = name
            answers, counts = self._answers(rows)
            if self.engine.name == name:
                count_texts(counts)
                return self._joined(answers)

    def close(self) -> None:
        """Forget everything."""
        self._cache.clear()

    def _answers(self, rows: Sequence[Sequence[int]]) -> tuple[list[Answer], Counts]:
        keys = [key_of(row) for row in rows]
        found = {key: answer for key in set(keys) if (answer := self._cache.get(key)) is not None}
        new = {key: row for key, row in zip(keys, rows, strict=True) if key not in found}
        counts = Counts.of(keys, found=found, new=new)
        for key, answer in zip(new, self._run(list(new.values())), strict=True):
            found[key] = answer
            self._cache.put(key, answer)
        return [found[key] for key in keys], counts

    def _run(self, rows: Sequence[Sequence[int]]) -> list[Answer]:
        """Return the engine's answers, each with arrays of its own."""
        budget = self._batch_tokens or self.engine.batch_tokens
        plan = plan_batches(
            [len(row) for row in rows], token_budget=budget, pass_tokens=self.engine.pass_tokens
        )
        outputs = [
            self.engine.run(
                pad_batch([rows[at] for at in batch.positions], batch.width, pad_id=self._pad_id)
            )
            for batch in plan
        ]
        if not outputs:
            return []
        parts = [
            self._numbers(output, len(batch.positions))
            for batch, output in zip(plan, outputs, strict=True)
        ]
        numbers = rows_in_input_order(plan, parts)
        shares: dict[int, FloatArray] = {}
        for batch, output in zip(plan, outputs, strict=True):
            if output.shares is not None:
                for at, row in zip(batch.positions, output.shares, strict=True):
                    shares[at] = row[: len(rows[at])].copy()
        return [Answer(row.copy(), shares.get(at)) for at, row in enumerate(numbers)]

    def _numbers(self, output: EngineOutput, rows: int) -> FloatArray:
        """Return an engine's answers as one array [rows, numbers]; raises `ModelInvalid` where rows lack."""
        pooled = output.pooled if self._keeps_pooled else None
        parts = [*(output.logits[head] for head in self._labels), output.embedding]
        if pooled is not None:
            parts.append(pooled)
        if {len(part) for part in parts} != {rows}:
            raise ModelInvalid(
                f"a batch of {rows} texts came back with {[len(part) for part in parts]} rows; "
                "an engine must answer every row"
            )
        ends = np.cumsum([part.shape[1] for part in parts[: len(self._labels)]]).tolist()
        width = output.embedding.shape[1]
        self._layout = _Layout(tuple(self._labels), tuple(ends), width, pooled is not None)
        return np.concatenate(parts, axis=1)

    def _joined(self, answers: Sequence[Answer]) -> Forward:
        layout = self._layout
        if layout is None:
            raise RuntimeError("no row was ever answered")
        numbers = np.stack([answer.numbers for answer in answers])
        ends = (0, *layout.ends)
        logits = {
            head: numbers[:, first:end]
            for head, first, end in zip(layout.heads, ends, ends[1:], strict=False)
        }
        begin = ends[-1]
        embedding = numbers[:, begin : begin + layout.width]
        pooled = numbers[:, begin + layout.width :] if layout.has_pooled else None
        shares = [answer.shares for answer in answers if answer.shares is not None]
        return Forward(EngineOutput(logits, embedding, pooled), shares)


def joined_outputs(parts: Sequence[EngineOutput]) -> EngineOutput:
    """Return the answers of one batch's parts as those of the batch."""
    if len(parts) == 1:
        return parts[0]
    pooled = [part.pooled for part in parts if part.pooled is not None]
    shares = [part.shares for part in parts if part.shares is not None]
    return EngineOutput(
        {head: np.concatenate([part.logits[head] for part in parts]) for head in parts[0].logits},
        np.concatenate([part.embedding for part in parts]),
        np.concatenate(pooled) if pooled else None,
        np.concatenate(shares) if shares else None,
    )
