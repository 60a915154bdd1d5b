"""The state of input partitions: values as of the last batch, and the writes of the batch in hand.

In: keys and values of a stage. Out: the last value of each key written, once, for the changelog. What a batch wrote
moves into the values as its transaction begins; where that is lost, the state is thrown away and replayed. Imports the
standard library alone.
"""

import heapq
from bisect import bisect_left, insort
from collections.abc import Iterator


class PartitionState:
    """Hold the state of one input partition.

    `offset` is the input offset up to which this state is true: equal to the committed offset, ahead of it by the
    transaction under way, or stale. None where it may never have been committed.
    """

    def __init__(self) -> None:
        self._values: dict[str, bytes] = {}
        # Keys in order, made when a scan asks for them: to keep a million in order while they are replayed is slow.
        self._keys: list[str] | None = None
        self.offset: int | None = None

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: str) -> bytes | None:
        """Return the value of a key."""
        return self._values.get(key)

    def keys_from(self, prefix: str) -> Iterator[str]:
        """Yield the keys that begin with `prefix`, in order."""
        if self._keys is None:
            self._keys = sorted(self._values)
        for at in range(bisect_left(self._keys, prefix), len(self._keys)):
            if not self._keys[at].startswith(prefix):
                return
            yield self._keys[at]

    def apply(self, key: str, value: bytes | None) -> None:
        """Set or, with None, remove a key for good."""
        if value is None:
            if self._values.pop(key, None) is not None and self._keys is not None:
                del self._keys[bisect_left(self._keys, key)]
            return
        if key not in self._values and self._keys is not None:
            insort(self._keys, key)
        self._values[key] = value


class Overlay:
    """Show one partition's state with a batch's own writes on top (protocol `State`)."""

    def __init__(self, committed: PartitionState) -> None:
        self._committed = committed
        self.written: dict[str, bytes | None] = {}

    def get(self, key: str) -> bytes | None:
        """Return the batch's own value, else that of the batches before."""
        return self.written[key] if key in self.written else self._committed.get(key)

    def put(self, key: str, value: bytes) -> None:
        """Set a key within the batch."""
        self.written[key] = value

    def delete(self, key: str) -> None:
        """Remove a key within the batch."""
        self.written[key] = None

    def scan(self, prefix: str) -> Iterator[tuple[str, bytes]]:
        """Yield the keys that begin with `prefix`, the batch's own writes included."""
        own = sorted(key for key in self.written if key.startswith(prefix))
        last = None
        for key in heapq.merge(own, self._committed.keys_from(prefix)):
            value = self.get(key)
            if key != last and value is not None:
                yield key, value
            last = key

    def apply(self) -> None:
        """Move the batch's writes into the state, as its transaction begins."""
        for key, value in self.written.items():
            self._committed.apply(key, value)
        self.written = {}
