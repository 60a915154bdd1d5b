"""Find TensorRT: the full library where it is installed, else TensorRT-RTX, which has the same parser and builder.

In: what is installed. Out: a `Library`, one a process. The only place that imports either. Its logger keeps what the
library says, so that our errors can quote it: TensorRT answers most failures with None and a line in its log.

The full library is asked first, because it tunes a plan on the very GPU; it builds only where that GPU is. TensorRT-RTX
builds anywhere, and compiles for the GPU when a plan is loaded.
"""

import functools
import importlib
from typing import Any, NamedTuple

from contracts.errors import MissingExtra

FULL, RTX = "tensorrt", "tensorrt_rtx"
EXTRA = (
    "the engine `tensorrt` needs TensorRT and CUDA's bindings: pip install 'hubbub[tensorrt]', or"
    " `tensorrt` itself beside it"
)
LINES_KEPT = 3


class Library(NamedTuple):
    """Hold the module, its import name and version, its one logger and the errors that the logger has heard."""

    trt: Any
    name: str
    version: str
    logger: Any
    heard: list[str]

    @property
    def builds_anywhere(self) -> bool:
        """Say whether a plan can be built without the GPU that it is for."""
        return self.name == RTX

    def last_words(self) -> str:
        """Return the first errors heard since the last call, in one line, and forget them."""
        words = "; ".join(" ".join(line.split()) for line in self.heard[:LINES_KEPT])
        self.heard.clear()
        return words or "it gave no reason"


@functools.cache
def find_library() -> Library:
    """Return TensorRT. Raises `MissingExtra` where neither package can be imported.

    Once a process: TensorRT keeps the first logger that it is given and ignores later ones.
    """
    reasons = []
    for name in (FULL, RTX):
        try:
            trt = importlib.import_module(name)
            logger, heard = _listening(trt)
        # A stub of the package, or one whose libraries lack, fails in any of these ways.
        except (ImportError, OSError, AttributeError) as error:
            reasons.append(f"{name}: {error}")
            continue
        return Library(trt, name, str(trt.__version__), logger, heard)
    raise MissingExtra(f"{EXTRA} ({'; '.join(reasons)})")


def _listening(trt: Any) -> tuple[Any, list[str]]:
    """Return a logger that keeps errors and lets the rest pass, and the list where it keeps them."""
    heard: list[str] = []

    class Listener(trt.ILogger):
        def __init__(self) -> None:
            trt.ILogger.__init__(self)

        def log(self, severity: Any, message: str) -> None:
            if severity in (trt.ILogger.INTERNAL_ERROR, trt.ILogger.ERROR):
                heard.append(message)

    return Listener(), heard
