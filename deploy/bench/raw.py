"""The network alone, without Kafka: the most that a service around it could reach.

In: texts, the settings of the service. Out: turns. Tokenising lies before the time that counts. It runs on the engine
that the service runs on; where that is TensorRT, torch reads the same rows beside it.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from contracts.errors import EngineFailed
from contracts.settings import Settings
from contracts.stage_settings import EngineChoice
from deploy.bench.plan import RAW, RAW_PYTORCH, TENSORRT
from deploy.bench.running import Turn
from models.batching import DEFAULT_ROW_LIMIT, pad_batch, plan_batches
from models.engines.plan_cache import PlanCache
from models.protocols import Engine, TokenBatch
from models.registry import build_engine, locate_model, open_model
from models.scoring import FRAME, InstalledModel

# Of what the engine says it reads fastest.
MULTIPLES = (0.5, 1, 2, 4)


class Portion(NamedTuple):
    """Hold the most padded pieces and the most rows of one pass."""

    tokens: int
    rows: int


NO_PORTION = Portion(0, 0)


def portions_of(batch_tokens: int) -> list[Portion]:
    """Return the portions that are tried on an engine.

    >>> [portion.tokens for portion in portions_of(512)]
    [256, 512, 1024, 2048]
    """
    return [
        Portion(int(times * batch_tokens), int(max(1, times) * DEFAULT_ROW_LIMIT))
        for times in MULTIPLES
    ]


def raw_forwards(
    texts: Sequence[str], settings: Settings, *, engine: str
) -> dict[str, "RawForward"]:
    """Return the arms without Kafka, for a service that runs on `engine`.

    Raises EngineFailed where that does not run here. Where torch cannot run, its arm is left out: the log says why.
    """
    installed = open_model(locate_model("bundled"))
    rows = framed_rows(texts, installed)
    plans = PlanCache(Path(settings.models.home))

    def forward(choice: EngineChoice, expected: str) -> RawForward:
        made = build_engine(installed, choice, plans=plans)
        raw = RawForward(rows, made, pad_id=installed.manifest.text.pad_id, expected=expected)
        raw.start()
        return raw

    found = {RAW: forward(settings.score.engine, engine)}
    if engine == TENSORRT:
        with suppress(EngineFailed):
            found[RAW_PYTORCH] = forward("pytorch", "pytorch")
    return found


def framed_rows(texts: Sequence[str], installed: InstalledModel) -> list[list[int]]:
    """Return the texts' pieces as the network reads them."""
    from tokenizers import Tokenizer

    text = installed.manifest.text
    tokenizer = Tokenizer.from_file(str(installed.folder / installed.manifest.tokenizer))
    limit = text.token_limit - FRAME
    return [
        [text.begin_id, *each.ids[:limit], text.end_id]
        for each in tokenizer.encode_batch(list(texts), add_special_tokens=False)
    ]


class RawForward:
    """The network alone over rows of pieces, sorted, in portions of the size that is best for its engine."""

    def __init__(
        self, rows: Sequence[Sequence[int]], engine: Engine, *, pad_id: int, expected: str
    ) -> None:
        self._rows = rows
        self._engine = engine
        self._pad_id = pad_id
        self._expected = expected
        self._portion = NO_PORTION

    def start(self) -> None:
        """Choose the portion: once, for the best of several in each round would be the luckiest.

        Raises EngineFailed where not the expected engine runs.
        """
        # What an engine reads fastest is known once it has started, and another may have taken its place.
        self._engine.start()
        portions = portions_of(self._engine.batch_tokens)
        self._engine.close()
        self._check()
        self._portion = max(portions, key=lambda portion: self._turn(portion).rate)

    def turn(self) -> Turn:
        """Return how fast all of them are read. Raises EngineFailed where another engine had to."""
        return self._turn(self._portion)

    def _turn(self, portion: Portion) -> Turn:
        batches = self._batches(portion)
        self._engine.start()
        # The widest too: an engine takes memory for a size when it first meets it.
        for batch in (batches[0], batches[-1]):
            self._engine.run(batch)
        began, cpu = time.perf_counter(), time.process_time()
        for batch in batches:
            self._engine.run(batch)
        rate = len(self._rows) / (time.perf_counter() - began)
        found = Turn(rate, (time.process_time() - cpu) / len(self._rows))
        self._engine.close()
        self._check()
        return found

    def _batches(self, portion: Portion) -> list[TokenBatch]:
        plan = plan_batches(
            [len(row) for row in self._rows],
            token_budget=portion.tokens,
            row_limit=portion.rows,
            pass_tokens=self._engine.pass_tokens,
        )
        return [
            pad_batch([self._rows[at] for at in batch.positions], batch.width, pad_id=self._pad_id)
            for batch in plan
        ]

    def _check(self) -> None:
        if self._engine.name != self._expected:
            raise EngineFailed(
                f"the network alone runs on {self._engine.name}, expected {self._expected}:"
                " rates of two engines are not compared; the log says why"
            )
