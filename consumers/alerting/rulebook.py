"""The watches and their rules, as topic `watches` has them now.

In: rows of the table of watches. Out: each watch with its rules, read. A row that cannot be read, or a rule that cannot
be, is told and left out: it must not stop all others. A watch that is paused has no rules: nothing comes of it, and
that is no silence.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

import structlog

from consumers.alerting.rules import read_each
from consumers.alerting.watched import Watched
from consumers.runtime.table import Change
from contracts.codec import Codec
from contracts.errors import (
    OwnTopicUnreadable,
    RecordInvalid,
    UnknownMajorVersion,
)
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


class Rulebook:
    """Follow the table; `start` reads it to its end."""

    def __init__(
        self, table: WatchTable, *, heads: Mapping[str, Collection[str]], pane_s: int = 10
    ) -> None:
        """Take the table, the labels of each head that rules may name, and the length of a pane."""
        self._pane_s = pane_s
        self._table = table
        self._heads = heads
        self._codec = Codec(Watch, limit_bytes=ROW_LIMIT_BYTES)
        self._watched: dict[str, Watched] = {}
        self._refreshed_ms = 0
        self._sought: dict[str, int] = {}
        self._unread: set[str] = set()
        self._unreadable: OwnTopicUnreadable | None = None

    def labels(self, head: str) -> tuple[str, ...]:
        """Return the labels of a head, in order; none where they are not known."""
        return tuple(sorted(self._heads.get(head, ())))

    def start(self) -> None:
        """Read every watch; a worker is ready only after this."""
        self._table.start()
        self._take(self._table.read_to_end(READ_DEADLINE_S))

    def refresh(self, now_ms: int) -> None:
        """Follow the table, at most twice a second; called before each batch."""
        self._sought = {}
        if now_ms - self._refreshed_ms >= REFRESH_MS:
            self._refreshed_ms = now_ms
            self._take(self._table.changes())

    def find(self, key: str, *, revision: int = 1) -> Watched | None:
        """Return a watch that is at least of `revision`, None for one that is no more.

        A mention may be read before the change of its watch: then the table is read to its end, once a batch for each
        watch, for changes are written before their mentions.
        """
        known = self._watched.get(key)
        is_behind = known is None or known.watch.revision < revision
        if is_behind and self._sought.get(key, 0) < revision:
            self._take(self._table.read_to_end(READ_DEADLINE_S))
            self._sought[key] = revision
        return self._watched.get(key)

    def get(self, key: str) -> Watched | None:
        """Return a watch as it is known now."""
        return self._watched.get(key)

    def is_gone(self, key: str) -> bool:
        """Say whether there is no such watch; one whose row cannot be read is still there."""
        return key not in self._watched and key not in self._unread

    def close(self) -> None:
        """Stop following."""
        self._table.close()

    def _take(self, changes: Iterable[Change]) -> None:
        for change in list(changes):
            try:
                self._apply(change)
            except OwnTopicUnreadable as error:
                self._unreadable = error
        if self._unreadable is not None:
            raise self._unreadable

    def _apply(self, change: Change) -> None:
        key = change.key.decode("utf-8", "replace")
        self._unread.discard(key)
        if change.value is None:
            self._watched.pop(key, None)
            return
        try:
            watch = self._codec.decode(change.value, change.headers)
        except UnknownMajorVersion as error:
            raise OwnTopicUnreadable(f"watch {key}: {error}") from error
        except RecordInvalid as error:
            _LOG.error("watch_unreadable", watch=key, code=error.code, place=error.place)
            self._unread.add(key)
            return
        known = self._watched.get(key)
        if watch.key == key and (known is None or watch.revision >= known.watch.revision):
            self._watched[key] = self._read(watch)

    def _read(self, watch: Watch) -> Watched:
        if watch.state == "paused":
            return Watched(watch)
        rules, refused = read_each(watch, heads=self._heads, pane_s=self._pane_s)
        for error in refused:
            _LOG.error("watch_rule_invalid", watch=watch.key, error=str(error))
        return Watched(watch, rules)
