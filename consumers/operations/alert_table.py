"""Topic `alerts` as decoded rows: every alert as it stands, then its changes as they come.

In: settings. Out: (key, alert), None for one that is gone. A row that cannot be read is left out and told; one of an
unknown major version stops the reader. Imports the runtime's table and contracts alone.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import structlog

from consumers.runtime.table import Change, Table
from contracts.alerts import Alert
from contracts.codec import Codec
from contracts.errors import OwnTopicUnreadable, RecordInvalid, UnknownMajorVersion
from contracts.settings import Settings
from contracts.topics import ALERTS

READ_DEADLINE_S = 60.0
_LOG = structlog.get_logger()


class Row(NamedTuple):
    """One alert by its key `tenant/watch/alert`; `alert` is None where it was removed."""

    key: str
    alert: Alert | None


class AlertTable:
    """Follow the alerts; `start` first, `close` last."""

    def __init__(self, settings: Settings, *, client_id: str) -> None:
        topic = settings.topics.names.of(ALERTS)
        self._table = Table(settings.kafka, topic=topic, client_id=client_id)
        self._codec = Codec(Alert, limit_bytes=ALERTS.limit_bytes)

    def start(self) -> None:
        """Connect; raises TopicInvalid for a topic that is missing, BrokerUnreachable."""
        self._table.start()

    def read_to_end(self) -> Iterator[Row]:
        """Yield every row there is; raises BrokerUnreachable where the end is not reached in a minute."""
        yield from self._decoded(self._table.read_to_end(READ_DEADLINE_S))

    def changes(self) -> Iterator[Row]:
        """Yield what has changed since; never waits."""
        yield from self._decoded(self._table.changes())

    def close(self) -> None:
        """Disconnect."""
        self._table.close()

    def _decoded(self, changes: Iterable[Change]) -> Iterator[Row]:
        for change in changes:
            key = change.key.decode("utf-8", "replace")
            if change.value is None:
                yield Row(key, None)
                continue
            try:
                yield Row(key, self._codec.decode(change.value, change.headers))
            except UnknownMajorVersion as error:
                raise OwnTopicUnreadable(f"alert {key}: {error}") from error
            except RecordInvalid as error:
                _LOG.error("alert_unreadable", alert=key, code=error.code, place=error.place)


def read_alerts(settings: Settings, *, client_id: str) -> list[Alert]:
    """Return every alert there is; raises TopicInvalid, BrokerUnreachable, OwnTopicUnreadable."""
    table = AlertTable(settings, client_id=client_id)
    found: dict[str, Alert] = {}
    table.start()
    try:
        for key, alert in table.read_to_end():
            if alert is None:
                found.pop(key, None)
            else:
                found[key] = alert
    finally:
        table.close()
    return list(found.values())
