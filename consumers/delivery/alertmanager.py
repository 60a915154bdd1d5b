"""Delivery to Alertmanager: what fires is told there for as long as it fires, silences made there come back.

In: topic `alerts` as a table, Alertmanager's silences. Out: posts to its API, records of topic `feedback`. The table is
the truth: nothing is kept between processes, two at once tell the same, and after a failure all is told again. Imports
contracts, the runtime and operations; no stage.

    step ──► follow alerts ──► post what is due ──► every poll_s: silences ──► feedback
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import structlog

from consumers.delivery.alertmanager_api import BATCH_ALERTS, AlertmanagerApi
from consumers.delivery.parting import post_apart
from consumers.delivery.said import feedback_so_far
from consumers.delivery.sending import Ledger, Sending
from consumers.delivery.silences import Silences
from consumers.operations.alert_feedback import send_feedback
from consumers.operations.alert_table import AlertTable, Row
from contracts import telemetry
from contracts.alerts import Feedback
from contracts.errors import ChannelFailed, Stalled, TransactionLost, Unavailable
from contracts.settings import Settings

CHANNEL = "alertmanager"
CLIENT = "hubbub-alertmanager"
STEP_S = 0.2
LONGEST_WAIT_S = 30.0
_LOG = structlog.get_logger()


class Backoff:
    """Say when something that failed may be tried again: after 1, 2, 4 … 30 s."""

    def __init__(self) -> None:
        self.failures = 0
        self._until: datetime | None = None

    def is_over(self, now: datetime) -> bool:
        """Say whether it may be tried."""
        return self._until is None or now >= self._until

    def failed(self, now: datetime) -> float:
        """Note a failure; returns the seconds to wait."""
        wait_s = min(2.0 ** min(self.failures, 10), LONGEST_WAIT_S)
        self.failures += 1
        self._until = now + timedelta(seconds=wait_s)
        return wait_s

    def succeeded(self) -> bool:
        """Note a success; returns whether it had failed before."""
        had_failed, self.failures, self._until = self.failures > 0, 0, None
        return had_failed


class AlertmanagerDelivery:
    """Tell one Alertmanager; `step` a few times a second, `close` last.

    Kafka and Alertmanager may each be away: what fires by what was read last goes on being told, for an alert that is
    not sent again would end there.
    """

    def __init__(self, settings: Settings, api: AlertmanagerApi) -> None:
        self._settings = settings
        self._api = api
        self._ledger = Ledger(settings.alertmanager)
        self._silences = Silences()
        self._watches: set[tuple[str, str]] = set()
        self._table: AlertTable | None = None
        self._kafka, self._channel = Backoff(), Backoff()
        self._has_read = self._has_asked = False
        self._poll_at: datetime | None = None

    @property
    def ready(self) -> bool:
        """Say whether the alerts are read, and Alertmanager answered last time."""
        return self._has_read and self._has_asked and self._channel.failures == 0

    def step(self, now: datetime) -> None:
        """Follow the alerts, tell what is due, and look at the silences when it is time.

        Raises OwnTopicUnreadable for alerts of an unknown major version.
        """
        if self._kafka.is_over(now):
            self._follow(now)
        if self._has_read and self._channel.is_over(now):
            self._exchange(now)
        telemetry.DELIVERY_ACTIVE.labels(CHANNEL).set(self._ledger.count(now))

    def close(self) -> None:
        """Disconnect. What fires stays so there for three intervals, in which another process may take over."""
        if self._table is not None:
            self._table.close()
            self._table = None

    def _follow(self, now: datetime) -> None:
        try:
            if self._table is None:
                self._open(now)
            else:
                self._take(self._table.changes(), now)
        except Unavailable as error:
            self.close()
            wait_s = self._kafka.failed(now)
            _LOG.warning("kafka_unavailable", reason=str(error), next_try_s=wait_s)
        else:
            self._kafka.succeeded()

    def _open(self, now: datetime) -> None:
        """Read all alerts, and what was said of silences, from their beginning."""
        for feedback in feedback_so_far(self._settings, client_id=CLIENT):
            self._silences.heard(feedback)
        table = self._table = AlertTable(self._settings, client_id=CLIENT)
        table.start()
        rows = {row.key: row for row in table.read_to_end()}
        self._ledger.begin_again()
        self._take(rows.values(), now)
        self._has_read = True
        _LOG.info("alerts_read", alerts=len(rows), active=len(self._ledger.active))

    def _take(self, rows: Iterable[Row], now: datetime) -> None:
        for key, alert in rows:
            self._ledger.take(key, alert, now=now)
            if alert is not None:
                self._watches.add((alert.tenant, alert.watch))

    def _exchange(self, now: datetime) -> None:
        try:
            sendings = self._ledger.due(now)
            for first in range(0, len(sendings), BATCH_ALERTS):
                self._post(sendings[first : first + BATCH_ALERTS], now)
            if self._poll_at is None or now >= self._poll_at:
                self._poll(now)
        except ChannelFailed as error:
            self._ledger.doubt(())
            outcome = "unreachable" if error.status is None else "refused"
            telemetry.DELIVERY_FAILED.labels(CHANNEL, outcome).inc()
            wait_s = self._channel.failed(now)
            _LOG.warning("alertmanager_failed", reason=str(error), next_try_s=wait_s)

    def _post(self, sendings: Sequence[Sending], now: datetime) -> None:
        """Post a batch; what is refused for its content holds up no other."""
        answered = 0
        try:
            for part in post_apart(sendings, self._send):
                answered += len(part.sendings)
                if part.refusal is None:
                    self._took(part.sendings, now)
                else:
                    self._refused(part.sendings[0], part.refusal, now=now)
        except ChannelFailed:
            self._ledger.doubt(sendings[answered:])
            raise

    def _send(self, sendings: Sequence[Sending]) -> None:
        self._api.post_alerts([one.known.post for one in sendings])

    def _took(self, sendings: Sequence[Sending], now: datetime) -> None:
        self._ledger.took(sendings, now)
        ends = sum(one.is_end for one in sendings)
        telemetry.DELIVERED.labels(CHANNEL, "ended").inc(ends)
        telemetry.DELIVERED.labels(CHANNEL, "firing").inc(len(sendings) - ends)

    def _refused(self, sending: Sending, refusal: ChannelFailed, *, now: datetime) -> None:
        """Tell once of each transition that it was refused, and why."""
        if self._ledger.refused(sending, now):
            telemetry.DELIVERY_FAILED.labels(CHANNEL, "refused").inc()
            key, number = sending.known.key, sending.known.number
            _LOG.error("alert_refused", alert=key, number=number, reason=str(refusal))

    def _poll(self, now: datetime) -> None:
        silences = self._api.silences()
        self._has_asked = True
        if self._channel.succeeded():
            _LOG.info("alertmanager_back")
        self._poll_at = now + timedelta(seconds=self._settings.alertmanager.poll_s)
        news = self._silences.news(silences, alerts=self._ledger.active, watches=self._watches)
        telemetry.DELIVERY_SILENCES.labels(CHANNEL, "passed_over").inc(news.passed_over)
        if news.feedback:
            self._say(news.feedback)

    def _say(self, said: Sequence[Feedback]) -> None:
        """Put feedback on its topic; where that fails it is said again at the next look."""
        try:
            send_feedback(self._settings, said)
        except (Unavailable, TransactionLost, Stalled) as error:
            _LOG.warning("feedback_not_written", records=len(said), reason=str(error))
            return
        for one in said:
            self._silences.heard(one)
            telemetry.DELIVERY_SILENCES.labels(CHANNEL, one.action).inc()
        _LOG.info("silences_heard", records=len(said))
