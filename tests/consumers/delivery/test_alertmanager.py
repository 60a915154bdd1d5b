"""An alert that Alertmanager refuses holds up no other: the real one, over real Kafka."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from consumers.delivery.alertmanager import AlertmanagerDelivery
from consumers.delivery.alertmanager_api import AlertmanagerApi
from consumers.delivery.sending import REFUSED_AGAIN
from contracts.alerts import Alert
from contracts.settings import Settings
from contracts.telemetry import REGISTRY
from tests.alertmanagers import Alertmanager, alertmanager_and_hook
from tests.given_alerts import alert_of, put_alerts
from tests.streams import quiet_clients, stream_settings


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Alertmanager]:
    with alertmanager_and_hook(tmp_path) as (server, _), quiet_clients():
        yield server


def settings_of(bootstrap: str, server: Alertmanager) -> Settings:
    """Return settings by which the page of one tenant has an address that is none: a scheme begins with a letter."""
    page = "{tenant}://desk/{watch}/{alert}"
    return stream_settings(bootstrap, alertmanager={"url": server.url, "external_url": page})


def alerts() -> tuple[list[Alert], Alert]:
    """Return alerts that are taken, and one whose page's address Alertmanager refuses."""
    began = datetime.now(UTC) - timedelta(minutes=3)
    good = [alert_of(rule=f"rule-{n}", began_at=began) for n in range(6)]
    return good, alert_of(tenant="7up", began_at=began)


def refused_so_far() -> float:
    labels = {"channel": "alertmanager", "outcome": "refused"}
    return REGISTRY.get_sample_value("hubbub_delivery_failed_requests_total", labels) or 0.0


def test_an_alert_that_is_refused_is_told_once_and_the_others_arrive(
    bootstrap: str, server: Alertmanager
) -> None:
    # Given alerts of which the real Alertmanager refuses one, and with it every batch that holds it
    settings, (good, bad) = settings_of(bootstrap, server), alerts()
    put_alerts(settings, *good[:3], bad, *good[3:])
    delivery, before = (
        AlertmanagerDelivery(settings, AlertmanagerApi(settings.alertmanager)),
        refused_so_far(),
    )
    # When they are delivered and sent again as long as they fire, the refused one too, by the server's clock
    with capture_logs() as logs:
        now = datetime.now(UTC)
        for minute in range(int(REFUSED_AGAIN.total_seconds() // 60) + 2):
            delivery.step(now + timedelta(minutes=minute))
    delivery.close()
    # Then all others fire there
    assert set(server.alerts()) == {alert.id for alert in good}
    # And the one is told once, with the reason, and counted once
    (told,) = [one for one in logs if one["event"] == "alert_refused"]
    assert (told["alert"], told["number"]) == (bad.key, bad.number)
    assert "must be of type uri" in told["reason"]
    assert refused_so_far() - before == 1
    assert delivery.ready
