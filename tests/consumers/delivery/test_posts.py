"""An alert as Alertmanager takes it: stable labels, sentences, and times that can be."""

from datetime import timedelta

import msgspec
import pytest

from consumers.delivery.posts import (
    annotations_of,
    ended,
    firing_post,
    identity_of,
    labels_of,
    page_of,
)
from tests.given_alerts import EVIDENCE, NOON, SAYS, alert_of

NOW = NOON + timedelta(hours=1)


def test_labels_name_an_alert_and_only_its_severity_can_change_them() -> None:
    alert = alert_of(group="politics")
    assert labels_of(alert)["group"] == "politics"
    assert "group" not in labels_of(alert_of())
    updated = msgspec.structs.replace(alert, number=9, state="acknowledged", watch_revision=4)
    assert identity_of(updated) == identity_of(alert)
    assert identity_of(msgspec.structs.replace(alert, severity="critical")) != identity_of(alert)


def test_annotations_have_the_sentences_and_the_facts_and_nothing_empty() -> None:
    found = annotations_of(alert_of(acknowledged_by="li", watch_name="Acme"))
    assert found == {
        "summary": SAYS["en"], "summary_zh": SAYS["zh"], "measure": "emotion:anger", "observed": "123",
        "expected": "12.5", "probability": "1.5e-09", "threshold": "1e-06", "window_s": "60",
        "mentions": "140", "voices": "98", "reach": "54321", "sources": "weibo 100, twitter 40",
        "phrases": "battery", "began_at": "2026-01-01T12:00:00.000Z", "number": "2",
        "acknowledged_by": "li", "watch_name": "Acme",
    }  # fmt: skip
    bare = msgspec.structs.replace(
        EVIDENCE, expected=None, probability=None, phrases=(), single_source=True
    )
    found = annotations_of(alert_of(evidence=bare))
    assert found["single_source"] == "true"
    assert not found.keys() & {"expected", "probability", "phrases", "watch_name"}


def test_it_fires_for_three_intervals_from_its_beginning() -> None:
    post = firing_post(alert_of(), NOW, resend_s=60, page=None)
    assert post.starts_at == alert_of().fired_at
    assert post.ends_at == NOW + timedelta(minutes=3)
    raw = msgspec.json.decode(msgspec.json.encode(post))
    assert raw.keys() == {"labels", "annotations", "startsAt", "endsAt"}
    assert raw["endsAt"] == "2026-01-01T13:03:00Z"


@pytest.mark.parametrize(
    ("fired_min", "over_min", "start_min", "end_min"),
    [(10, 30, 10, 30), (10, 90, 10, 60), (70, 90, 60, 60), (10, 5, 10, 10)],
    ids=["as it was", "ends ahead of the clock", "all ahead of the clock", "ends before it fires"],
)
def test_what_has_ended_never_ends_ahead_of_the_clock_or_before_its_beginning(
    fired_min: int, over_min: int, start_min: int, end_min: int
) -> None:
    alert = alert_of(fired_at=NOON + timedelta(minutes=fired_min))
    post = firing_post(alert, NOW, resend_s=60, page=None)
    over = ended(post, NOON + timedelta(minutes=over_min), now=NOW)
    assert (over.starts_at, over.ends_at) == (
        NOON + timedelta(minutes=start_min), NOON + timedelta(minutes=end_min),
    )  # fmt: skip


def test_the_page_of_an_alert_is_filled_in_and_nothing_else_is_read() -> None:
    alert = alert_of(watch="a.b")
    page = "https://desk/{tenant}/{watch}?id={alert}&x={alert.__class__}"
    assert page_of(alert, page) == f"https://desk/default/a.b?id={alert.id}&x={{alert.__class__}}"
    assert page_of(alert, None) is None
    raw = msgspec.json.encode(firing_post(alert, NOW, resend_s=60, page="http://x/{alert}"))
    assert f'"generatorURL":"http://x/{alert.id}"'.encode() in raw
