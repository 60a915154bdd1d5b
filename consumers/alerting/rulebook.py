"""The watches and their rules, as topic `watches` has them now.

In: rows of the table of watches. Out: each watch with its rules, read. A row that cannot be read, or a rule that cannot
be, is told and left out: it must not stop all others. A watch that is paused has no rules: nothing comes of it, and
that is no silence.
"""

from collections.abc import Collection, Iterable, Mapping

import structlog

from consumers.alerting.rules import read_each
from consumers.alerting.watched import Watched
from consumers.runtime.watch_rows import WatchRows, WatchTable
from contracts.watches import Watch

_LOG = structlog.get_logger()


class Rulebook:
    """Follow the table; `start` reads it to its end."""

    def __init__(
        self, table: WatchTable, *, heads: Mapping[str, Collection[str]], pane_s: int = 10
    ) -> None:
        """Take the table, the labels of each head that rules may name, and the length of a pane."""
        self._pane_s = pane_s
        self._heads = heads
        self._rows = WatchRows(table)
        self._watched: dict[str, Watched] = {}
        self._sought: dict[str, int] = {}

    def labels(self, head: str) -> tuple[str, ...]:
        """Return the labels of a head, in order; none where they are not known."""
        return tuple(sorted(self._heads.get(head, ())))

    def start(self) -> None:
        """Read every watch; a worker is ready only after this."""
        self._follow(self._rows.start())

    def refresh(self, now_ms: int) -> None:
        """Follow the table, at most twice a second; called before each batch."""
        self._sought = {}
        self._follow(self._rows.refresh(now_ms))

    def find(self, key: str, *, revision: int = 1) -> Watched | None:
        """Return a watch that is at least of `revision`, None for one that is no more.

        A mention may be read before the change of its watch: then the table is read to its end, once a batch for each
        watch, for changes are written before their mentions.
        """
        known = self._watched.get(key)
        is_behind = known is None or known.watch.revision < revision
        if is_behind and self._sought.get(key, 0) < revision:
            self._follow(self._rows.read_to_end())
            self._sought[key] = revision
        return self._watched.get(key)

    def get(self, key: str) -> Watched | None:
        """Return a watch as it is known now."""
        return self._watched.get(key)

    def is_gone(self, key: str) -> bool:
        """Say whether there is no such watch; one whose row cannot be read is still there."""
        return self._rows.is_gone(key)

    def close(self) -> None:
        """Stop following."""
        self._rows.close()

    def _follow(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._watched.pop(key, None)
            if key in self._rows.watches:
                self._watched[key] = self._read(self._rows.watches[key])
        self._rows.check()

    def _read(self, watch: Watch) -> Watched:
        if watch.state == "paused":
            return Watched(watch)
        rules, refused = read_each(watch, heads=self._heads, pane_s=self._pane_s)
        for error in refused:
            _LOG.error("watch_rule_invalid", watch=watch.key, error=str(error))
        return Watched(watch, rules)
