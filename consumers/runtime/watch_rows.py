"""The rows of topic `watches` followed: each watch as it stands, for whoever makes something of it.

In: rows of a table. Out: which watches there are, and which of them have just changed. A row that cannot be read is
told and left out: it must not stop all others. One of an unknown major version stops the stage, after its neighbours.
"""

from collections.abc import Iterable
from typing import Protocol

import structlog

from consumers.runtime.table import Change
from contracts.codec import Codec
from contracts.errors import OwnTopicUnreadable, RecordInvalid, UnknownMajorVersion
from contracts.watches import Watch

REFRESH_MS = 500
READ_DEADLINE_S = 30.0
ROW_LIMIT_BYTES = 1 << 20
_LOG = structlog.get_logger()


class WatchTable(Protocol):
    """The rows of watches; `consumers.runtime.table.Table` in service."""

    def start(self) -> None:
        """Connect; called once, before anything else."""

    def read_to_end(self, deadline_s: float) -> Iterable[Change]:
        """Yield every row up to the end that there is now; called after `start`, and where a watch is not known yet."""

    def changes(self) -> Iterable[Change]:
        """Yield what has changed since; called a few times a second; never waits."""

    def close(self) -> None:
        """Disconnect; called once."""


class WatchRows:
    """Follow the table. Each reading returns the keys that changed; `check` after it stops for what cannot be read."""

    def __init__(self, table: WatchTable) -> None:
        self._table = table
        self._codec = Codec(Watch, limit_bytes=ROW_LIMIT_BYTES)
        self._refreshed_ms = 0
        self._unread: set[str] = set()
        self._unreadable: OwnTopicUnreadable | None = None
        self.watches: dict[str, Watch] = {}

    def start(self) -> list[str]:
        """Connect and read every watch."""
        self._table.start()
        return self.read_to_end()

    def read_to_end(self) -> list[str]:
        """Read what there is now."""
        return self._take(self._table.read_to_end(READ_DEADLINE_S))

    def refresh(self, now_ms: int) -> list[str]:
        """Follow the table, at most twice a second."""
        if now_ms - self._refreshed_ms < REFRESH_MS:
            return []
        self._refreshed_ms = now_ms
        return self._take(self._table.changes())

    def check(self) -> None:
        """Raise OwnTopicUnreadable, from the first such row on."""
        if self._unreadable is not None:
            raise self._unreadable

    def is_gone(self, key: str) -> bool:
        """Say whether there is no such watch; one whose row cannot be read is still there."""
        return key not in self.watches and key not in self._unread

    def close(self) -> None:
        """Stop following."""
        self._table.close()

    def _take(self, changes: Iterable[Change]) -> list[str]:
        # A list first: what a reading raises must not leave half of it applied.
        keys = [key for change in list(changes) if (key := self._apply(change)) is not None]
        return list(dict.fromkeys(keys))

    def _apply(self, change: Change) -> str | None:
        """Return the key where the row changed something."""
        key = change.key.decode("utf-8", "replace")
        self._unread.discard(key)
        if change.value is None:
            return key if self.watches.pop(key, None) is not None else None
        try:
            watch = self._codec.decode(change.value, change.headers)
        except UnknownMajorVersion as error:
            self._unreadable = OwnTopicUnreadable(f"watch {key}: {error}")
            self._unreadable.__cause__ = error
            return None
        except RecordInvalid as error:
            _LOG.error("watch_unreadable", watch=key, code=error.code, place=error.place)
            self._unread.add(key)
            return None
        known = self.watches.get(key)
        if watch.key != key or (known is not None and watch.revision < known.revision):
            return None
        self.watches[key] = watch
        return key
