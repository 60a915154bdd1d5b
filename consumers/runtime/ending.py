"""When a worker that was asked to stop when idle has come to its end.

In: how each input stands. Out: yes or no. Knows no stage.
"""

from collections.abc import Callable, Sequence

from consumers.protocols import Progress


class Ending:
    """Hold after how much silence a worker ends, None for never.

    Where another stage writes its inputs, `is_fed` says whether that one still works: until something came, and as
    long as it does, no silence is the end.
    """

    def __init__(self, until_idle_s: float | None, is_fed: Callable[[], bool] | None) -> None:
        self._until_idle_s = until_idle_s
        self._is_fed = is_fed
        self._has_begun = False

    def note_records(self) -> None:
        """Take in that something came."""
        self._has_begun = True

    def is_due(self, progress: Sequence[Progress], *, running_ms: int) -> bool:
        """Say whether all inputs are drained and silent for long enough; `running_ms` counts where there are none."""
        if self._until_idle_s is None or not all(item.drained for item in progress):
            return False
        silent_ms = min((item.silent_ms for item in progress), default=running_ms)
        return silent_ms >= self._until_idle_s * 1000 and not self._is_awaiting()

    def _is_awaiting(self) -> bool:
        return self._is_fed is not None and (not self._has_begun or self._is_fed())
