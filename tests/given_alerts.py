"""Alerts for tests: one with everything in it, and what a stage would write of it."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from contracts.alerts import (
    Alert,
    AlertTransition,
    CurvePoint,
    Evidence,
    Feedback,
    Phrase,
    Quote,
    alert_id,
)
from contracts.codec import encode_value, make_headers
from contracts.scores import Span
from contracts.settings import Settings
from contracts.topics import ALERT_TRANSITIONS, ALERTS, FEEDBACK
from producers.publisher import Publisher
from tests.streams import read_committed

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SAYS = {"en": "Anger at acme is 9 times the usual.", "zh": "对 acme 的愤怒是平时的九倍。"}
QUOTE = Quote(
    mention="m-1", event="e-1", source="weibo", at=NOON, lang="zh", text="气死我了 so angry", why="typical",
    label="anger", probability=0.93, reach=1200, url="https://example.org/1",
    spans=(Span(8, 13, "anger", 0.4), Span(0, 4, "anger", 0.6), Span(0, 3, "anger", 1.0, in_title=True)),
)  # fmt: skip
EVIDENCE = Evidence(
    measure="emotion:anger", observed=123.0, expected=12.5, probability=1.5e-9, threshold=1e-6, window_s=60,
    mentions=140, voices=98, sources={"twitter": 40, "weibo": 100}, reach=54_321, says=SAYS,
    curve=tuple(CurvePoint(n * 60_000, float(n), 1.0) for n in range(8)),
    quotes=(QUOTE,), phrases=(Phrase("battery", 31, 4.2),),
)  # fmt: skip


def alert_of(watch: str = "acme", rule: str = "negative_surge", **given: Any) -> Alert:
    """Return a firing alert; `group` and all else as given."""
    began = given.pop("began_at", NOON)
    id = alert_id(
        f"{given.get('tenant', 'default')}/{watch}",
        rule,
        group=given.get("group") or "",
        decided_ms=int(began.timestamp() * 1000),
    )
    usual: dict[str, Any] = {
        "id": id, "tenant": "default", "kind": rule, "state": "firing", "severity": "warning", "number": 2,
        "updated_at": began + timedelta(minutes=2), "fired_at": began + timedelta(minutes=1),
        "evidence": EVIDENCE, "model_versions": ("v1",),
    }  # fmt: skip
    return Alert(watch=watch, rule=rule, began_at=began, **(usual | given))


def resolved(alert: Alert, at: datetime) -> Alert:
    """Return the alert when it is over."""
    return msgspec.structs.replace(
        alert, state="resolved", resolved_at=at, updated_at=at, number=alert.number + 1
    )


def transition_of(alert: Alert, change: str, **given: Any) -> AlertTransition:
    """Return a transition of an alert."""
    usual: dict[str, Any] = {
        "number": alert.number,
        "at": alert.updated_at,
        "says": alert.evidence.says,
        "group": alert.group,
        "state": alert.state,
        "severity": alert.severity,
    }
    return AlertTransition(
        alert=alert.id, tenant=alert.tenant, watch=alert.watch, rule=alert.rule, kind=alert.kind,
        change=change, **(usual | given),
    )  # fmt: skip


def put_alerts(settings: Settings, *alerts: Alert, gone: Iterable[Alert] = ()) -> None:
    """Write alerts as the stage does, on their watch's partition; `gone` are tombstoned."""
    topic = settings.topics.names.of(ALERTS)
    publisher = Publisher(settings.kafka, settings.runtime, client_id="test-alerts")
    publisher.start()
    for alert in alerts:
        headers = make_headers(Alert, alert.id, source="hubbub/alert")
        publisher.send(topic, encode_value(alert), key=alert.key.encode(), headers=headers)
    for alert in gone:
        publisher.send(topic, None, key=alert.key.encode())
    publisher.close()


def put_transitions(settings: Settings, *transitions: AlertTransition) -> None:
    """Write transitions, in order."""
    topic = settings.topics.names.of(ALERT_TRANSITIONS)
    publisher = Publisher(settings.kafka, settings.runtime, client_id="test-transitions")
    publisher.start()
    for one in transitions:
        headers = make_headers(AlertTransition, f"{one.alert}/{one.number}", source="hubbub/alert")
        publisher.send(topic, encode_value(one), key=one.key.encode(), headers=headers)
    publisher.close()


def feedback_in(settings: Settings) -> list[Feedback]:
    """Return what was said, in order within a watch; each record's key is its own."""
    records = read_committed(settings, FEEDBACK)
    found = [msgspec.json.decode(record.value, type=Feedback) for record in records]
    assert [record.key.decode() for record in records] == [one.key for one in found]
    return found
