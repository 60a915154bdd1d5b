"""An engine whose answers a person can work out: sums of pieces. Its failures are the test's to choose."""

import numpy as np

from contracts.errors import EngineFailed
from models.protocols import EngineOutput, TokenBatch

LABELS = {"kind": ("a", "b"), "other": ("x",)}


class CountingEngine:
    """Answer `kind` with the sum of a row's pieces, `other` with 1, or 2 once it is called `second`."""

    def __init__(
        self,
        *,
        label: str = "first",
        changes_after: int = -1,
        leaves_out: int = 0,
        fails_after: int = -1,
        starts: Exception | None = None,
    ) -> None:
        self.label = label
        self.rows = 0
        self.largest = 0
        self.is_open = False
        self._changes_after = changes_after
        self._leaves_out = leaves_out
        self._fails_after = fails_after
        self.starts = starts

    @property
    def name(self) -> str:
        return self.label

    @property
    def batch_tokens(self) -> int:
        return 64

    @property
    def pass_tokens(self) -> int | None:
        return None

    def start(self) -> None:
        if self.starts is not None:
            raise self.starts
        self.is_open = True

    def run(self, batch: TokenBatch) -> EngineOutput:
        if self.rows >= self._fails_after >= 0:
            raise EngineFailed(f"{self.label} has no memory left")
        rows, width = batch.input_ids.shape
        self.rows += rows
        self.largest = max(self.largest, rows * width)
        sums = (
            (batch.input_ids * batch.attention_mask).sum(1)[self._leaves_out :].astype(np.float32)
        )
        which = 2.0 if self.label == "second" else 1.0
        output = EngineOutput(
            {
                "kind": np.stack([sums, -sums], 1),
                "other": np.full((len(sums), 1), which, np.float32),
            },
            np.repeat(sums[:, None], 3, 1),
            np.repeat(sums[:, None], 6, 1),
            np.ones((rows, width, 2), np.float32),
        )
        if self.rows >= self._changes_after >= 0:
            self.label = "second"
        return output

    def close(self) -> None:
        self.is_open = False
