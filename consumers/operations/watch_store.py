"""Watches as a person changes them: read, put, removed in topic `watches`.

In: watches. Out: the topic's rows, each change under the next revision. Imports the runtime's table and the publisher.
"""

from datetime import UTC, datetime

import msgspec

from consumers.alerting.rules import read_rules
from consumers.operations.labels import known_heads
from consumers.runtime.table import Change, Table
from consumers.scoring.query.parser import parse_query
from contracts.codec import Codec, encode_value, make_headers
from contracts.errors import RecordInvalid, WatchInvalid
from contracts.settings import Settings
from contracts.topics import WATCHES
from contracts.watches import Rule, Watch
from producers.publisher import Publisher

CLIENT = "hubbub-watches"
SOURCE = "hubbub/command"
READ_DEADLINE_S = 30.0
ROW_LIMIT_BYTES = 1 << 20


class WatchStore:
    """Change watches; `start` first, `close` last. Two writers at once: the later one stands."""

    def __init__(self, settings: Settings) -> None:
        self._topic = settings.topics.names.of(WATCHES)
        self._table = Table(settings.kafka, topic=self._topic, client_id=CLIENT)
        self._publisher = Publisher(settings.kafka, settings.runtime, client_id=CLIENT)
        self._codec = Codec(Watch, limit_bytes=ROW_LIMIT_BYTES)
        self._heads = known_heads(settings)
        self._pane_s = settings.runtime.pane_s
        self._watches: dict[str, Watch] = {}

    def start(self) -> None:
        """Read every watch there is; raises BrokerUnreachable or TopicInvalid."""
        self._table.start()
        self._publisher.start()
        for change in self._table.read_to_end(READ_DEADLINE_S):
            self._take(change)

    def all(self) -> list[Watch]:
        """Return every watch, by key."""
        return [self._watches[key] for key in sorted(self._watches)]

    def get(self, key: str) -> Watch:
        """Return one watch by `tenant/id`; raises WatchInvalid, naming those there are."""
        if key not in self._watches:
            known = ", ".join(sorted(self._watches)[:20]) or "none yet"
            raise WatchInvalid(f"there is no watch {key!r}; there are: {known}")
        return self._watches[key]

    def rules_of(self, key: str) -> tuple[Rule, ...]:
        """Return the rules of a watch as it stands; none where there is no such watch."""
        return self._watches[key].rules if key in self._watches else ()

    def check(self, watch: Watch) -> None:
        """Raise, with its place, for what a watch cannot be; needs no `start`.

        QueryInvalid for a query that does not parse or names a label that no head has, RuleInvalid for a rule that
        cannot be or could never fire.
        """
        parse_query(watch.query, heads=self._heads)
        read_rules(watch, heads=self._heads, pane_s=self._pane_s)

    def put(self, watch: Watch) -> Watch:
        """Write a watch as its next revision and return it; unchanged content is not written again.

        Raises as `check` does.
        """
        self.check(watch)
        known = self._watches.get(watch.key)
        watch = msgspec.structs.replace(watch, resumed_at=_resumed_at(watch, known))
        if known is not None and msgspec.structs.replace(watch, revision=known.revision) == known:
            return known
        revision = known.revision + 1 if known is not None else watch.revision
        stored = msgspec.structs.replace(watch, revision=revision)
        headers = make_headers(Watch, stored.key, source=SOURCE)
        self._write(stored.key, encode_value(stored), headers=headers)
        self._watches[stored.key] = stored
        return stored

    def remove(self, key: str) -> Watch:
        """Remove a watch for good and return what it was."""
        gone = self.get(key)
        self._write(key, None, headers=())
        del self._watches[key]
        return gone

    def close(self) -> None:
        """Disconnect."""
        self._table.close()
        self._publisher.close()

    def _write(
        self, key: str, value: bytes | None, *, headers: list[tuple[str, bytes]] | tuple[()]
    ) -> None:
        self._publisher.send(self._topic, value, key=key.encode(), headers=headers)
        self._publisher.flush()

    def _take(self, change: Change) -> None:
        key = change.key.decode("utf-8", "replace")
        if change.value is None:
            self._watches.pop(key, None)
            return
        try:
            self._watches[key] = self._codec.decode(change.value, change.headers)
        except RecordInvalid as error:
            raise WatchInvalid(
                f"watch {key} cannot be read: {error}; remove it or write it anew"
            ) from error


def _resumed_at(watch: Watch, known: Watch | None) -> datetime | None:
    """Return when a watch that is to be stored was last let match again."""
    if known is None:
        return None
    if (known.state, watch.state) == ("paused", "active"):
        return datetime.now(UTC)
    return known.resumed_at
