"""A range of offsets that no consumer can read, in the place of a record.

In: where a corrupt batch lies. Out: what the dead letter keeps of it: no bytes, but partition and offsets.
"""

from typing import NamedTuple


class CorruptRange(NamedTuple):
    """Stand for a corrupt batch (protocol `Record`); `last_offset` is the last one in it."""

    topic: str
    partition: int
    first_offset: int
    last_offset: int
    timestamp: int = 0
    key: bytes | None = None
    value: bytes | None = b""
    headers: tuple[tuple[str, bytes | None], ...] = ()

    @property
    def offset(self) -> int:
        """Return the last offset: the next to read is the one behind it."""
        return self.last_offset
