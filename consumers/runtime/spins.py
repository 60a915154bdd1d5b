"""Spins: a poll that turns in circles instead of waiting, told by the processor time that it takes, and calmed.

In: waits and the processor time that they took. Out: how to wait next. Pure: times are passed in. Needed because
kafka-python polls without a pause while a heartbeat is overdue, as when a broker is slow to answer: each of its clients
then takes a whole core, and the broker beside them none.
"""

SPIN_SHARE = 0.1
CALM_WAIT_MS = 50
CALM_POLLS = 20


class Spins:
    """Decide for each poll whether to let the client wait, or to wait in its place."""

    def __init__(self, limit_ms: int) -> None:
        self._limit_ms = limit_ms
        self._calm_left = 0
        self._since_ms: float | None = None

    @property
    def is_calming(self) -> bool:
        """Say that the next wait is ours: CALM_WAIT_MS, then a poll that does not wait."""
        return self._calm_left > 0

    def calmed(self) -> None:
        """Note one wait of ours; after a second of them the client is let wait again, to see."""
        self._calm_left -= 1

    def waited(self, wait_ms: float, *, busy_ms: float, now_ms: float) -> bool:
        """Note a wait of the client that brought nothing and the processor time it took.

        Returns True when it has turned in circles for the limit: its heartbeats do not come through.
        """
        if busy_ms < wait_ms * SPIN_SHARE:
            self.rested()
            return False
        self._calm_left = CALM_POLLS
        self._since_ms = now_ms if self._since_ms is None else self._since_ms
        return now_ms - self._since_ms >= self._limit_ms

    def rested(self) -> None:
        """Note that the client waited as it should, or had something to bring."""
        self._calm_left, self._since_ms = 0, None
