"""Run the exported network with onnxruntime on one CPU thread.

In: padded piece ids. Out: logits a head and unit vectors. The graph's inputs are `input_ids` and `attention_mask`, both
int64 [rows, width]; its outputs are `logits_<head>` float32 [rows, labels] and `embedding` float32 [rows, width], and
where it has them `pooled` and `shares`, as `EngineOutput` says.
Imports onnxruntime lazily, in `start`.

One thread a process: workers scale by processes, and a fixed order of sums keeps the answer the same on every replay.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from contracts.errors import EngineFailed, MissingExtra, ModelInvalid
from models.protocols import EngineOutput, FloatArray, TokenArray, TokenBatch

EMBEDDING = "embedding"
LOGITS_PREFIX = "logits_"
FURTHER = ("pooled", "shares")
# onnxruntime says so under the same code as of a graph that does not fit.
NO_MEMORY = "Failed to allocate memory"


class OrtEngine:
    """Run one ONNX file."""

    def __init__(self, path: Path, labels: Mapping[str, tuple[str, ...]]) -> None:
        self._path = path
        self._heads = tuple(labels)
        self._widths = tuple(len(of) for of in labels.values())
        self._outputs = [EMBEDDING, *(LOGITS_PREFIX + head for head in labels)]
        self._further: list[str] = []
        self._session: Any = None

    @property
    def name(self) -> str:
        """Return `ort`."""
        return "ort"

    @property
    def batch_tokens(self) -> int:
        """Return 512: what a layer makes of them fits a core's cache; in passes of 4,096 a text takes twice as long."""
        return 512

    @property
    def pass_tokens(self) -> int:
        """Return 16: on one core a pass of one piece takes about a millisecond, and each further one 0.06."""
        return 16

    def start(self) -> None:
        """Load the graph.

        Raises `ModelInvalid` when it cannot be read or lacks an output, `MissingExtra` without onnxruntime,
        `EngineFailed` without the memory.
        """
        try:
            import onnxruntime
            from onnxruntime.capi import onnxruntime_pybind11_state as state
        except ImportError as error:
            raise MissingExtra(
                "the engine `ort` needs onnxruntime: pip install onnxruntime"
            ) from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.use_deterministic_compute = True
        options.log_severity_level = 3
        # Joined with the sum before it, a layer norm is computed a number at a time: five times as long.
        slow = ["SkipLayerNormFusion"]
        broken = (state.Fail, state.InvalidArgument, state.InvalidGraph, state.InvalidProtobuf)
        missing = (state.NoSuchFile, state.NotImplemented)
        try:
            session = onnxruntime.InferenceSession(
                str(self._path),
                options,
                providers=["CPUExecutionProvider"],
                disabled_optimizers=slow,
            )
        except (*broken, *missing) as error:
            kind = EngineFailed if NO_MEMORY in str(error) else ModelInvalid
            raise kind(f"onnxruntime cannot load {self._path}: {error}") from error
        present = {output.name for output in session.get_outputs()}
        lacking = set(self._outputs) - present
        if lacking:
            raise ModelInvalid(
                f"{self._path} lacks the outputs {sorted(lacking)} that its manifest promises"
            )
        self._further = [name for name in FURTHER if name in present]
        self._session = session

    def run(self, batch: TokenBatch) -> EngineOutput:
        """Return logits and unit vectors, one row a text, in the same order."""
        if self._session is None:
            raise ModelInvalid("the engine `ort` was used before start() or after close()")
        feed = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask}
        found = self._run(feed)
        embedding, *logits = (found[name] for name in self._outputs)
        rows = len(batch.input_ids)
        for head, width, values in zip(self._heads, self._widths, logits, strict=True):
            if values.shape != (rows, width):
                raise ModelInvalid(
                    f"{self._path} gave {head} of shape {values.shape}, expected {(rows, width)}"
                )
        return EngineOutput(
            logits=dict(zip(self._heads, logits, strict=True)),
            embedding=embedding,
            pooled=found.get("pooled"),
            shares=found.get("shares"),
        )

    def _run(self, feed: dict[str, TokenArray]) -> dict[str, FloatArray]:
        """Return the graph's outputs by name.

        Raises `ModelInvalid` for ids or widths that the graph does not know, `EngineFailed` where memory is short or
        onnxruntime itself breaks.
        """
        from onnxruntime.capi import onnxruntime_pybind11_state as state

        names = [*self._outputs, *self._further]
        rows, width = feed["input_ids"].shape
        try:
            return dict(zip(names, self._session.run(names, feed), strict=True))
        except (state.Fail, state.InvalidArgument) as error:
            kind = EngineFailed if NO_MEMORY in str(error) else ModelInvalid
            raise kind(f"{self._path} cannot run {rows} rows of {width} pieces: {error}") from error
        except (state.RuntimeException, state.EPFail, MemoryError) as error:
            raise EngineFailed(
                f"onnxruntime failed at {rows} rows of {width} pieces of {self._path}: {error}"
            ) from error

    def close(self) -> None:
        """Free the graph."""
        self._session = None
