"""What Alertmanager is to be told next: the difference between what fires and what it knows.

In: alerts as they come, what it took, the time. Out: posts that are due. Pure: holds no clock and no connection.

    fires, not silenced here ──► due at once, on each new transition, and every `resend_s`
    refused ──► due with its next transition, or five minutes later
    resolved, silenced here, gone, or of other labels (its severity rose) ──► ended, until that was taken
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from consumers.delivery.posts import LASTS_RESENDS, Labels, Post, ended, firing_post, identity_of
from consumers.operations.alert_feedback import ALERTMANAGER
from contracts.alerts import Alert
from contracts.delivery_settings import AlertmanagerSettings

# What was refused may be taken later: by a newer Alertmanager, or a gateway that was wrong.
REFUSED_AGAIN = timedelta(minutes=5)


class Known(msgspec.Struct, frozen=True):
    """Hold what Alertmanager knows as firing: an alert's key, its transition, its last post, and when it took it.

    `at` is None where that is in doubt: then it is told again.
    """

    key: str
    number: int
    post: Post
    at: datetime | None = None


class Sending(msgspec.Struct, frozen=True):
    """Hold one post that is due, what it is known by, of which alert and transition it is, and whether it ends it."""

    labels: Labels
    known: Known
    is_end: bool = False


class Refused(msgspec.Struct, frozen=True):
    """Hold which transition of an alert Alertmanager refused, and when."""

    number: int
    at: datetime


class Ledger:
    """Keep what fires and what Alertmanager knows of it."""

    def __init__(self, settings: AlertmanagerSettings) -> None:
        self._resend = timedelta(seconds=settings.resend_s)
        self._page = settings.external_url
        self._active: dict[str, tuple[Alert, Labels]] = {}
        self._over: dict[str, datetime] = {}
        self._known: dict[Labels, Known] = {}
        self._refused: dict[Labels, Refused] = {}

    @property
    def active(self) -> list[Alert]:
        """Return the alerts that fire, silenced or not."""
        return [alert for alert, _ in self._active.values()]

    def take(self, key: str, alert: Alert | None, *, now: datetime) -> None:
        """Follow one row of the alerts.

        What ended or fell silent a short while ago may have been told by an earlier process: it is told as ended.
        """
        was_active = self._active.pop(key, None) is not None
        self._over.pop(key, None)
        if alert is None:
            return
        labels = identity_of(alert)
        is_fresh = now - alert.updated_at < LASTS_RESENDS * self._resend
        if alert.is_active:
            self._active[key] = (alert, labels)
        elif alert.resolved_at is not None and (was_active or is_fresh):
            self._over[key] = alert.resolved_at
        may_be_told = alert.fired_at is not None and is_fresh and labels not in self._refused
        if may_be_told and not speaks(alert, now):
            known = Known(key, alert.number, self._firing(alert, now))
            self._known.setdefault(labels, known)

    def begin_again(self) -> None:
        """Forget the rows, which will be read anew, and not what Alertmanager knows."""
        self._active.clear()

    def due(self, now: datetime) -> list[Sending]:
        """Return what is to be told now, ends first: an alert whose severity rose fires under one of the two alone."""
        wanted = {
            labels: (key, alert)
            for key, (alert, labels) in self._active.items()
            if speaks(alert, now)
        }
        ends = [
            self._end(labels, known, now=now)
            for labels, known in self._known.items()
            if labels not in wanted
        ]
        return ends + [
            Sending(labels, Known(key, alert.number, self._firing(alert, now)))
            for labels, (key, alert) in wanted.items()
            if self._is_due(labels, alert, now=now)
        ]

    def took(self, sendings: Iterable[Sending], now: datetime) -> None:
        """Note what Alertmanager has taken."""
        for one in sendings:
            if one.is_end:
                self._known.pop(one.labels, None)
            else:
                self._known[one.labels] = replace(one.known, at=now)
                self._refused.pop(one.labels, None)
        keys = {known.key for known in self._known.values()}
        self._over = {key: at for key, at in self._over.items() if key in keys}

    def refused(self, sending: Sending, now: datetime) -> bool:
        """Note that Alertmanager refuses one; returns whether it had not yet refused that transition.

        An end that is refused is not tried again: what is not sent again ends there by itself.
        """
        if sending.is_end:
            self._known.pop(sending.labels, None)
            return True
        before = self._refused.get(sending.labels)
        active = {labels for _, labels in self._active.values()}
        self._refused = {key: value for key, value in self._refused.items() if key in active}
        self._refused[sending.labels] = Refused(sending.known.number, now)
        return before is None or before.number != sending.known.number

    def doubt(self, sendings: Sequence[Sending]) -> None:
        """Note that Alertmanager may have taken these or not, and may have forgotten all else: all is told again."""
        for one in sendings:
            self._known.setdefault(one.labels, one.known)
        self._known = {labels: replace(known, at=None) for labels, known in self._known.items()}

    def count(self, now: datetime) -> int:
        """Return how many alerts Alertmanager is to know as firing."""
        return sum(speaks(alert, now) for alert, _ in self._active.values())

    def _firing(self, alert: Alert, now: datetime) -> Post:
        return firing_post(alert, now, resend_s=self._resend.total_seconds(), page=self._page)

    def _is_due(self, labels: Labels, alert: Alert, *, now: datetime) -> bool:
        refused = self._refused.get(labels)
        if refused is not None and refused.number == alert.number:
            return now - refused.at >= REFUSED_AGAIN
        known = self._known.get(labels)
        if known is None or known.at is None or known.number != alert.number:
            return True
        return now - known.at >= self._resend

    def _end(self, labels: Labels, known: Known, *, now: datetime) -> Sending:
        at = self._over.get(known.key, now)
        return Sending(labels, replace(known, post=ended(known.post, at, now=now)), is_end=True)


def speaks(alert: Alert, now: datetime) -> bool:
    """Say whether Alertmanager is to know an alert: it fires, and no silence of ours covers it.

    A silence that was made in Alertmanager is kept there, and would end with the alert that it names.
    """
    silence = alert.silenced
    if not alert.is_active:
        return False
    if silence is None or silence.until <= now:
        return True
    return silence.id is not None and silence.id.startswith(ALERTMANAGER)
