"""The watches in use, as topic `watches` has them now, and the matcher made of them.

In: rows of the table of watches. Out: which watches an event may match, and which it does. A row that cannot be read
or whose query does not parse is left out and told: it must not stop all others.
"""

from collections.abc import Collection, Iterable
from typing import Protocol

import structlog

from consumers.runtime.table import Change
from consumers.scoring.chinese import Lexicon
from consumers.scoring.matching import Candidates, CompiledWatch, Match, Matcher, compile_watch
from consumers.scoring.query.parser import HEADS
from consumers.scoring.views import MatchInput
from contracts import telemetry
from contracts.codec import Codec
from contracts.errors import (
    OwnTopicUnreadable,
    QueryInvalid,
    RecordInvalid,
    StateInvalid,
    UnknownMajorVersion,
)
from contracts.watches import Watch
from models.protocols import TextScores

REFRESH_MS = 500
READ_DEADLINE_S = 30.0
ROW_LIMIT_BYTES = 1 << 20
_LOG = structlog.get_logger()


class WatchTable(Protocol):
    """The rows of watches; `consumers.runtime.table.Table` in service."""

    def start(self) -> None:
        """Connect; called once, before anything else."""

    def read_to_end(self, deadline_s: float) -> Iterable[Change]:
        """Yield every row; called once, after `start`."""

    def changes(self) -> Iterable[Change]:
        """Yield what has changed since; called a few times a second; never waits."""

    def close(self) -> None:
        """Disconnect; called once."""


class Watchlist:
    """Keep the matcher true to the table; `start` reads it to its end."""

    def __init__(
        self,
        table: WatchTable,
        *,
        lexicon: Lexicon | None = None,
        heads: Collection[str] = (),
    ) -> None:
        """Take the table; `heads` are those that answer, so that a query may name them beside the usual ones."""
        self._table = table
        self._heads = {**HEADS, **dict.fromkeys(heads, ())}
        self._lexicon = lexicon
        self._codec = Codec(Watch, limit_bytes=ROW_LIMIT_BYTES)
        self._watches: dict[str, Watch] = {}
        self._compiled: dict[str, CompiledWatch] = {}
        self._matcher: Matcher | None = None
        self._refreshed_ms = 0
        self._unreadable: OwnTopicUnreadable | None = None

    def start(self) -> None:
        """Read every watch; a worker is ready only after this."""
        if self._lexicon is None:
            self._lexicon = Lexicon.load()
        self._matcher = Matcher((), self._lexicon)
        self._table.start()
        self._take(self._table.read_to_end(READ_DEADLINE_S))

    def refresh(self, now_ms: int) -> None:
        """Follow the table, at most twice a second."""
        if now_ms - self._refreshed_ms >= REFRESH_MS:
            self._refreshed_ms = now_ms
            self._take(self._table.changes())

    def watch(self, key: str) -> Watch:
        """Return a watch by `tenant/id`."""
        return self._watches[key]

    def candidates(self, event: MatchInput) -> Candidates:
        """Return which watches an event may match, before it is scored."""
        return self._live.candidates(event)

    def decide(self, candidates: Candidates, answer: TextScores) -> list[Match]:
        """Return which of them it does match, now that it is scored."""
        return self._live.decide(candidates, answer.heads, lang=answer.lang)

    def close(self) -> None:
        """Stop following."""
        self._table.close()

    @property
    def _live(self) -> Matcher:
        if self._matcher is None:
            raise StateInvalid("the watchlist was not started")
        return self._matcher

    def _take(self, changes: Iterable[Change]) -> None:
        """Follow changes; a row of an unknown major version stops the stage from now on, the rows beside it do not."""
        changed = [self._followed(change) for change in list(changes)]
        if any(changed) and self._lexicon is not None:
            self._matcher = Matcher(self._compiled.values(), self._lexicon)
            telemetry.WATCHES.set(len(self._watches))
            _LOG.info("watches_changed", watches=len(self._watches))
        if self._unreadable is not None:
            raise self._unreadable

    def _followed(self, change: Change) -> bool:
        try:
            return self._apply(change)
        except OwnTopicUnreadable as error:
            self._unreadable = error
            return False

    def _apply(self, change: Change) -> bool:
        key = change.key.decode("utf-8", "replace")
        if change.value is None:
            self._compiled.pop(key, None)
            return self._watches.pop(key, None) is not None
        try:
            watch = self._codec.decode(change.value, change.headers)
        except UnknownMajorVersion as error:
            raise OwnTopicUnreadable(f"watch {key}: {error}") from error
        except RecordInvalid as error:
            _LOG.error("watch_unreadable", watch=key, code=error.code, place=error.place)
            return False
        known = self._watches.get(key)
        if watch.key != key or (known is not None and watch.revision < known.revision):
            return False
        self._watches[key] = watch
        self._compile(watch)
        return True

    def _compile(self, watch: Watch) -> None:
        self._compiled.pop(watch.key, None)
        if watch.state != "active":
            return
        try:
            self._compiled[watch.key] = compile_watch(
                watch.key, watch.query, tenant=watch.tenant, heads=self._heads
            )
        except QueryInvalid as error:
            _LOG.error("watch_query_invalid", watch=watch.key, line=error.line, column=error.column)
