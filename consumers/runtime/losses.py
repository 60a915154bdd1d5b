"""Losses: how often a worker lost its clients, how long it waits before it joins again, and when that is hopeless.

In: errors and the monotonic clock. Out: seconds to wait, or TransactionLost where two workers share one slot: they
would shut each other out for ever, each committing a little in between. Pure; imports contracts alone.
"""

from collections import deque

from contracts.errors import HubbubError, TransactionLost

FIRST_WAIT_S = 0.2
LONGEST_WAIT_S = 10.0
FENCED_LIMIT = 5
FENCED_WINDOW_S = 60.0


class Losses:
    """Count the losses of one worker; `client_id` is its slot's name."""

    def __init__(self, client_id: str) -> None:
        self._client_id = client_id
        self._fenced: deque[float] = deque()
        self.in_row = 0

    def recovered(self) -> None:
        """Forget what is past; called after each commit. That others shut this worker out is remembered."""
        self.in_row = 0

    def note(self, error: HubbubError, *, now_s: float) -> float:
        """Return how long to wait; raises TransactionLost after five times shut out within a minute."""
        self.in_row += 1
        if isinstance(error, TransactionLost) and error.fenced:
            self._fenced.append(now_s)
            while self._fenced[0] <= now_s - FENCED_WINDOW_S:
                self._fenced.popleft()
            if len(self._fenced) >= FENCED_LIMIT:
                raise TransactionLost(
                    f"{self._client_id} was shut out {len(self._fenced)} times within a minute: another worker "
                    "uses the same slot; give each its own with --slot",
                    fenced=True,
                ) from error
        return float(min(FIRST_WAIT_S * 2 ** min(self.in_row - 1, 10), LONGEST_WAIT_S))
