"""The watches in use, as topic `watches` has them now, and the matcher made of them.

In: rows of the table of watches. Out: which watches an event may match, and which it does. A row that cannot be read
or whose query does not parse is left out and told: it must not stop all others.
"""

from collections.abc import Collection

import structlog

from consumers.runtime.watch_rows import WatchRows, WatchTable
from consumers.scoring.chinese import Lexicon
from consumers.scoring.matching import Candidates, CompiledWatch, Match, Matcher, compile_watch
from consumers.scoring.query.parser import HEADS
from consumers.scoring.views import MatchInput
from contracts import telemetry
from contracts.errors import QueryInvalid, StateInvalid
from contracts.watches import Watch
from models.protocols import TextScores

_LOG = structlog.get_logger()


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
        self._rows = WatchRows(table)
        self._heads = {**HEADS, **dict.fromkeys(heads, ())}
        self._lexicon = lexicon
        self._compiled: dict[str, CompiledWatch] = {}
        self._matcher: Matcher | None = None

    def start(self) -> None:
        """Read every watch; a worker is ready only after this."""
        if self._lexicon is None:
            self._lexicon = Lexicon.load()
        self._matcher = Matcher((), self._lexicon)
        self._follow(self._rows.start())

    def refresh(self, now_ms: int) -> None:
        """Follow the table, at most twice a second."""
        self._follow(self._rows.refresh(now_ms))

    def watch(self, key: str) -> Watch:
        """Return a watch by `tenant/id`."""
        return self._rows.watches[key]

    def candidates(self, event: MatchInput) -> Candidates:
        """Return which watches an event may match, before it is scored."""
        return self._live.candidates(event)

    def decide(self, candidates: Candidates, answer: TextScores) -> list[Match]:
        """Return which of them it does match, now that it is scored."""
        return self._live.decide(candidates, answer.heads, lang=answer.lang)

    def close(self) -> None:
        """Stop following."""
        self._rows.close()

    @property
    def _live(self) -> Matcher:
        if self._matcher is None:
            raise StateInvalid("the watchlist was not started")
        return self._matcher

    def _follow(self, keys: Collection[str]) -> None:
        for key in keys:
            self._compiled.pop(key, None)
            if key in self._rows.watches:
                self._compile(self._rows.watches[key])
        if keys and self._lexicon is not None:
            self._matcher = Matcher(self._compiled.values(), self._lexicon)
            telemetry.WATCHES.set(len(self._rows.watches))
            _LOG.info("watches_changed", watches=len(self._rows.watches))
        self._rows.check()

    def _compile(self, watch: Watch) -> None:
        if watch.state != "active":
            return
        try:
            self._compiled[watch.key] = compile_watch(
                watch.key, watch.query, tenant=watch.tenant, heads=self._heads
            )
        except QueryInvalid as error:
            _LOG.error("watch_query_invalid", watch=watch.key, line=error.line, column=error.column)
