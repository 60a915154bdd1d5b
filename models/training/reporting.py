"""Tell how a stage of training goes: lines of the log, and TensorBoard events in the stage's folder.

In: losses and figures at so many texts seen. Out: log lines and, where TensorBoard is installed and there is a folder,
one file of events a process. Imports torch.

Losses are told every ten seconds and once at the stage's end, however short it was.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import structlog
from torch import Tensor

LOG_SECONDS = 10.0

log = structlog.get_logger()


class Reporter:
    """Tell the figures of one stage, which is called `name` in the log and will see `samples` texts."""

    def __init__(self, name: str, samples: int, *, folder: Path | None) -> None:
        self._name, self._samples = name, samples
        self._events = None if folder is None else events_writer(folder)
        self._shown = time.monotonic()
        self._told = 0
        self._last: tuple[int, Mapping[str, Tensor]] | None = None

    def take(self, losses: Mapping[str, Tensor], *, seen: int) -> None:
        """Take one step's losses, and tell them when the last ones told are old."""
        # What an earlier process saw says nothing of this one's speed.
        self._told = self._told or seen
        self._last = seen, losses
        if time.monotonic() - self._shown > LOG_SECONDS:
            self.end()

    def end(self) -> None:
        """Tell the last losses taken, unless they are told."""
        if self._last is None:
            return
        seen, losses = self._last
        values = {name: round(float(value.detach()), 4) for name, value in losses.items()}
        now = time.monotonic()
        spent, self._shown, self._last = now - self._shown, now, None
        speed = round((seen - self._told) / max(spent, 1e-3))
        self._told = seen
        self.tell(values | {"per_second": speed}, seen=seen)

    def tell(self, values: Mapping[str, float], *, seen: int) -> None:
        """Log figures and add them to the events."""
        log.info(self._name, seen=seen, of=self._samples, **values)
        self.add(values, seen=seen)

    def add(self, values: Mapping[str, float], *, seen: int) -> None:
        """Add figures to the events alone."""
        if self._events is not None:
            for name, value in values.items():
                self._events.add_scalar(name, value, seen)
            self._events.flush()

    def close(self) -> None:
        """Let go of the file of events."""
        if self._events is not None:
            self._events.close()


def events_writer(folder: Path) -> Any:
    """Return a writer of TensorBoard events into `folder`; None where TensorBoard is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder))
