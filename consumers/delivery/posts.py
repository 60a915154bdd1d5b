"""An alert of ours as Alertmanager's API v2 takes it.

In: alerts as they stand, and the time. Out: labels that name an alert for its life, annotations with what it stands on,
and from when to when it fires. Pure; imports contracts and msgspec alone.
"""

from datetime import datetime, timedelta
from urllib.parse import quote

import msgspec

from contracts.alerts import Alert, Evidence
from contracts.codec import rfc3339

PRODUCT = "hubbub"
# An alert that is not sent again for so many intervals ends there by itself, as it does for Prometheus.
LASTS_RESENDS = 3
PHRASES = 5

Labels = tuple[tuple[str, str], ...]


class Post(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Hold one alert on the wire; it fires until `ends_at`."""

    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: datetime
    ends_at: datetime
    generator_url: str | None = msgspec.field(name="generatorURL", default=None)


def labels_of(alert: Alert) -> dict[str, str]:
    """Return what names an alert there: grouping, inhibition and silences go by these."""
    labels = {
        "alertname": alert.kind,
        "product": PRODUCT,
        "tenant": alert.tenant,
        "watch": alert.watch,
        "rule": alert.rule,
        "severity": alert.severity,
        "alert": alert.id,
    }
    return labels | ({"group": alert.group} if alert.group else {})


def annotations_of(alert: Alert) -> dict[str, str]:
    """Return the sentences and the facts; `number` counts transitions, so that who has seen one may drop it."""
    facts = _facts(alert.evidence) | {
        "summary": alert.evidence.says.get("en"),
        "summary_zh": alert.evidence.says.get("zh"),
        "watch_name": alert.watch_name,
        "began_at": rfc3339(alert.began_at),
        "acknowledged_by": alert.acknowledged_by,
        "number": str(alert.number),
    }
    return {name: text for name, text in facts.items() if text}


def firing_post(alert: Alert, now: datetime, *, resend_s: float, page: str | None) -> Post:
    """Return an alert that fires until it has not been sent again for three intervals.

    Event time may be ahead of the clock, and Alertmanager takes nothing that ends before it begins.
    """
    return Post(
        labels_of(alert),
        annotations_of(alert),
        starts_at=min(alert.fired_at or alert.began_at, now),
        ends_at=now + timedelta(seconds=LASTS_RESENDS * resend_s),
        generator_url=page_of(alert, page),
    )


def ended(post: Post, at: datetime, *, now: datetime) -> Post:
    """Return a post as one that has ended: at a time that is not ahead of the clock nor before its beginning."""
    start = min(post.starts_at, now)
    return msgspec.structs.replace(post, starts_at=start, ends_at=max(start, min(at, now)))


def page_of(alert: Alert, page: str | None) -> str | None:
    """Return the address of an alert's page from its pattern.

    Only the three names are filled in; all else of the pattern stays as it is.
    """
    if page is None:
        return None
    for name in ("tenant", "watch", "alert"):
        value = alert.id if name == "alert" else getattr(alert, name)
        page = page.replace(f"{{{name}}}", quote(value, safe=""))
    return page


def identity_of(alert: Alert) -> Labels:
    """Return what Alertmanager knows an alert by: all of its labels."""
    return tuple(sorted(labels_of(alert).items()))


def _facts(evidence: Evidence) -> dict[str, str | None]:
    sources = sorted(evidence.sources.items(), key=lambda item: -item[1])
    return {
        "measure": evidence.measure,
        "observed": _number(evidence.observed),
        "expected": _number(evidence.expected),
        "probability": _number(evidence.probability),
        "threshold": _number(evidence.threshold),
        "window_s": str(evidence.window_s),
        "mentions": str(evidence.mentions),
        "voices": str(evidence.voices),
        "reach": str(evidence.reach),
        "sources": ", ".join(f"{name} {count}" for name, count in sources),
        "single_source": "true" if evidence.single_source else None,
        "phrases": ", ".join(phrase.text for phrase in evidence.phrases[:PHRASES]),
    }


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.6g}"
