"""Silences made in Alertmanager as feedback of ours.

In: its silences, the alerts that fire, what was said before. Out: feedback to give, and how many are none of ours.
Pure; imports contracts and the posts alone.

A silence that names a watch, and nothing finer than rule and group, silences those of the watch, also those to come.
One that names an alert, or a rule or group of any watch, or a severity beside them, silences the alerts that it
matches, one by one. Never is more silenced here than there: one with a regular expression, a "not", or a label that no
alert of ours has is passed over.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from consumers.delivery.posts import PRODUCT, labels_of
from consumers.operations.alert_feedback import ALERTMANAGER
from contracts.alerts import REASON_LIMIT, Action, Alert, Feedback

NAME_LIMIT = 256
# What a silence must name at least one of, and what feedback can say of a whole watch.
NAMING = frozenset({"watch", "rule", "group", "alert"})
WIDE = frozenset({"product", "tenant", "watch", "rule", "group"})
LABELS = NAMING | WIDE | {"alertname", "severity"}


class Matcher(msgspec.Struct, frozen=True, rename="camel"):
    """Hold one condition on a label."""

    name: str
    value: str
    is_regex: bool
    is_equal: bool = True


class Status(msgspec.Struct, frozen=True):
    """Hold where a silence stands: pending, active or expired."""

    state: str


class HeldSilence(msgspec.Struct, frozen=True, rename="camel"):
    """Hold one silence as Alertmanager's API v2 gives it; `updated_at` tells its revisions apart."""

    id: str
    status: Status
    matchers: tuple[Matcher, ...]
    created_by: str
    comment: str
    starts_at: datetime
    ends_at: datetime
    updated_at: datetime


class Place(NamedTuple):
    """What one silence was said of: an alert, or a watch where `alert` is None."""

    id: str
    watch: str
    alert: str | None


class News(NamedTuple):
    """What is to be said now, and how many silences were passed over for the first time."""

    feedback: list[Feedback]
    passed_over: int


class Silences:
    """Know what was said of each silence, so that each revision is said once."""

    def __init__(self) -> None:
        self._said: dict[Place, Feedback] = {}
        self._passed: set[tuple[str, datetime]] = set()

    def heard(self, feedback: Feedback) -> None:
        """Note what was said, by this process or an earlier one; what is not of Alertmanager is nothing to it."""
        if feedback.id is not None and feedback.id.startswith(ALERTMANAGER):
            self._said[Place(feedback.id, feedback.key, feedback.alert)] = feedback

    def news(
        self,
        silences: Sequence[HeldSilence],
        *,
        alerts: Sequence[Alert],
        watches: Iterable[tuple[str, str]],
    ) -> News:
        """Return what has not been said yet.

        `alerts` are those that fire, `watches` every (tenant, watch) that ever had one: a silence of another waits.
        """
        known = sorted(set(watches))
        wanted: list[Feedback] = []
        for silence in silences:
            if silence.status.state == "active":
                wanted += _silencing(silence, alerts, watches=known)
            elif silence.status.state == "expired":
                wanted += self._ending(silence)
        new = [one for one in wanted if self._said.get(_place(one)) != one]
        passed = {(one.id, one.updated_at) for one in silences if not is_ours(one)}
        fresh = len(passed - self._passed)
        self._passed = passed
        return News(new, fresh)

    def _ending(self, silence: HeldSilence) -> list[Feedback]:
        """Return the end of all that was said of a silence."""
        id = ALERTMANAGER + silence.id
        return [
            _feedback(silence, "unsilence", about=said)
            for place, said in self._said.items()
            if place.id == id and said.action == "silence"
        ]


def is_ours(silence: HeldSilence) -> bool:
    """Say whether a silence names something of ours by equality, and nothing that we do not know."""
    matchers = silence.matchers
    names = {matcher.name for matcher in matchers}
    return (
        all(matcher.is_equal and not matcher.is_regex for matcher in matchers)
        and len(names) == len(matchers)
        and names <= LABELS
        and any(matcher.name in NAMING and matcher.value for matcher in matchers)
        and _values(silence).get("product", PRODUCT) == PRODUCT
    )


def _silencing(
    silence: HeldSilence, alerts: Iterable[Alert], *, watches: Iterable[tuple[str, str]]
) -> list[Feedback]:
    if not is_ours(silence):
        return []
    values = _values(silence)
    if values.get("watch") and values.keys() <= WIDE:
        abouts = [
            Feedback(tenant, watch, "silence", "", silence.updated_at,
                     rule=values.get("rule"), group=values.get("group"))
            for tenant, watch in watches
            if values["watch"] == watch and values.get("tenant", tenant) == tenant
        ]  # fmt: skip
    else:
        abouts = [
            Feedback(alert.tenant, alert.watch, "silence", "", silence.updated_at, alert=alert.id)
            for alert in alerts
            if _matches(values, labels_of(alert))
        ]
    return [_feedback(silence, "silence", about=about) for about in abouts]


def _feedback(silence: HeldSilence, action: Action, *, about: Feedback) -> Feedback:
    """Return what a silence says of the watch or alert that `about` is about."""
    is_end = action == "unsilence"
    return Feedback(
        about.tenant, about.watch, action, silence.created_by[:NAME_LIMIT] or "alertmanager",
        silence.ends_at if is_end else silence.updated_at,
        alert=about.alert, rule=about.rule, group=about.group,
        why=silence.comment[:REASON_LIMIT] or None, until=None if is_end else silence.ends_at,
        id=ALERTMANAGER + silence.id,
    )  # fmt: skip


def _matches(values: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Say whether all conditions hold; a label that is missing is empty, as for Alertmanager."""
    return all(labels.get(name, "") == value for name, value in values.items())


def _values(silence: HeldSilence) -> dict[str, str]:
    return {matcher.name: matcher.value for matcher in silence.matchers}


def _place(feedback: Feedback) -> Place:
    return Place(feedback.id or "", feedback.key, feedback.alert)
