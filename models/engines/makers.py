"""Name every engine and how it is made: one line each.

In: a network's file, the labels of its heads, where plans are kept. Out: makers by name. Imports no engine's library.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from models.engines.ort import OrtEngine
from models.engines.plan_cache import PlanCache
from models.engines.pytorch import PytorchEngine
from models.engines.tensorrt import TensorRtEngine
from models.protocols import Engine


def engine_makers(
    path: Path, labels: Mapping[str, tuple[str, ...]], *, plans: PlanCache, on_gpu: bool = False
) -> dict[str, Callable[[], Engine]]:
    """Return what makes each engine for one network, not started; the fastest where all can run is the first.

    `on_gpu` lets `pytorch` fail where it finds no GPU: on a CPU the engine after it is three times as fast.

    >>> list(engine_makers(Path("model.onnx"), {}, plans=PlanCache(Path("home"))))
    ['tensorrt', 'pytorch', 'ort']
    """
    return {
        "tensorrt": lambda: TensorRtEngine(path, labels, plans=plans),
        "pytorch": lambda: PytorchEngine(path, labels, device="cuda" if on_gpu else "auto"),
        "ort": lambda: OrtEngine(path, labels),
    }
