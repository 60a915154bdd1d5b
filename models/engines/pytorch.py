"""Run the exported network with torch, on a CPU or a GPU.

In: padded piece ids. Out: logits a head, unit vectors, pooled vectors and shares, as `EngineOutput` says. Imports torch
and onnx lazily, in `start` (extra `torch`).

The graph is that of `ort` without its int8 steps (`floating`), read as steps (`graph_steps`) and run one after another
(`graph_running`): in float32 on one CPU thread, in bfloat16 with float32 norms on a GPU. The path is the same for both
but for the device and the kind of number. No GPU has run it yet.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from contracts.errors import EngineFailed, MissingExtra, ModelInvalid
from models.engines.floating import float_graph
from models.engines.graph_running import TorchGraph
from models.engines.graph_steps import Steps, read_steps
from models.engines.ort import EMBEDDING, FURTHER, LOGITS_PREFIX
from models.protocols import EngineOutput, FloatArray, TokenBatch

Device = Literal["auto", "cpu", "cuda"]
LOW = {"cpu": "float32", "cuda": "bfloat16"}
# On a CPU a piece of rows of 20 takes 217, 215, 208, 260 us in passes of 512, 1,024, 2,048, 4,096. For GPUs a guess.
BATCH_TOKENS = {"cpu": 2048, "cuda": 16384}
PASS_TOKENS = {"cpu": 40, "cuda": None}


class PytorchEngine:
    """Run one ONNX file with torch; `device` is `auto` for a GPU where there is one."""

    def __init__(
        self, path: Path, labels: Mapping[str, tuple[str, ...]], *, device: Device = "auto"
    ) -> None:
        self._path = path
        self._labels = labels
        self._device = device
        self._place = "cpu"
        self._pieces = 0
        self._graph: TorchGraph | None = None

    @property
    def name(self) -> str:
        """Return `pytorch`."""
        return "pytorch"

    @property
    def batch_tokens(self) -> int:
        """Return how many padded pieces it reads fastest in one pass; before `start`, what a CPU does."""
        return BATCH_TOKENS[self._place]

    @property
    def pass_tokens(self) -> int | None:
        """Return 40 on a CPU: a pass costs 8 milliseconds beside 0.2 a piece; None on a GPU."""
        return PASS_TOKENS[self._place]

    def start(self) -> None:
        """Read the graph and lay its weights onto the device.

        Raises `ModelInvalid` when it cannot be read, has unknown operators or lacks an output, `MissingExtra` without
        torch or onnx, `EngineFailed` without the device or the memory.
        """
        try:
            import torch
        except ImportError as error:
            raise MissingExtra(
                "the engine `pytorch` needs torch: pip install 'hubbub[torch]'"
            ) from error
        self._place = self._found_place(torch)
        steps = read_steps(float_graph(self._path))
        self._check(steps)
        self._pieces = _pieces(steps)
        low = getattr(torch, LOW[self._place])
        try:
            self._graph = TorchGraph(steps, torch=torch, device=self._place, low=low)
        except RuntimeError as error:
            raise EngineFailed(
                f"torch cannot lay {self._path} onto the {self._place}: {error}"
            ) from error

    def run(self, batch: TokenBatch) -> EngineOutput:
        """Return logits and vectors, one row a text, in the same order.

        Raises `ModelInvalid` for pieces or widths that the graph does not know, `EngineFailed` for all that torch
        raises, such as memory that does not suffice.
        """
        if self._graph is None:
            raise ModelInvalid("the engine `pytorch` was used before start() or after close()")
        rows, width = batch.input_ids.shape
        what = f"{self._path} cannot run {rows} rows of {width} pieces"
        # A GPU that is asked for a row beyond a table breaks for good, so the engine asks itself before.
        least, most = batch.input_ids.min(initial=0), batch.input_ids.max(initial=0)
        if least < 0 or most >= self._pieces:
            raise ModelInvalid(f"{what} from {least} to {most}: it knows {self._pieces}")
        try:
            found = self._graph.run(batch)
        except (ModelInvalid, IndexError, TypeError, ValueError) as error:
            raise ModelInvalid(f"{what}: {error}") from error
        except (RuntimeError, MemoryError) as error:
            raise EngineFailed(f"torch failed, {what}: {error}") from error
        return EngineOutput(
            logits={head: self._logits(found, head, rows=rows) for head in self._labels},
            embedding=found[EMBEDDING],
            pooled=found.get(FURTHER[0]),
            shares=found.get(FURTHER[1]),
        )

    def close(self) -> None:
        """Free the weights."""
        self._graph = None

    def _found_place(self, torch: Any) -> str:
        has_gpu = torch.cuda.is_available()
        if self._device == "cuda" and not has_gpu:
            raise EngineFailed("the engine `pytorch` was asked for a GPU; torch finds none")
        if has_gpu and self._device != "cpu":
            return "cuda"
        # One process uses one core: workers scale by processes.
        torch.set_num_threads(1)
        return "cpu"

    def _logits(self, found: Mapping[str, FloatArray], head: str, *, rows: int) -> FloatArray:
        values, expected = found[LOGITS_PREFIX + head], (rows, len(self._labels[head]))
        if values.shape != expected:
            raise ModelInvalid(
                f"{self._path} gave {head} of shape {values.shape}, expected {expected}"
            )
        return values

    def _check(self, steps: Steps) -> None:
        lacking = {EMBEDDING, *(LOGITS_PREFIX + head for head in self._labels)} - {*steps.outputs}
        if lacking:
            raise ModelInvalid(
                f"{self._path} lacks the outputs {sorted(lacking)} that its manifest promises"
            )


def _pieces(graph: Steps) -> int:
    """Return how many pieces the graph's tables have."""
    sizes: list[Any] = [
        len(graph.constants[step.inputs[0]])
        for step in graph.steps
        if step.operator == "Gather" and step.inputs[1] == "input_ids"
    ]
    if not sizes:
        raise ModelInvalid("the graph has no table that the pieces are looked up in")
    return min(sizes)
