"""`hubbub deliver alertmanager` as a process, between real Kafka and Debian's real Alertmanager."""

import re
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from contracts.alerts import Alert, Feedback, Silence
from contracts.settings import Settings
from tests.alertmanagers import (
    DIRECT,
    Alertmanager,
    Webhook,
    alertmanager_and_hook,
    free_port,
    holds_for,
)
from tests.conftest import StartKafka
from tests.given_alerts import alert_of, feedback_in, put_alerts, resolved
from tests.streams import ended, eventually, quiet_clients, start_worker, stopped, stream_settings

RESEND_S = 2.0


class Given(NamedTuple):
    """What a test has: a deployment, its Alertmanager, the webhook, and the settings file of delivery."""

    settings: Settings
    server: Alertmanager
    hook: Webhook
    file: Path


@pytest.fixture
def given(bootstrap: str, tmp_path: Path) -> Iterator[Given]:
    with alertmanager_and_hook(tmp_path) as (server, hook):
        yield given_of(bootstrap, server, hook, folder=tmp_path)


def given_of(bootstrap: str, server: Alertmanager, hook: Webhook, *, folder: Path) -> Given:
    """Return a deployment of its own, and the settings of delivery in a file."""
    settings = stream_settings(bootstrap, partitions=2, metrics={"port": 0})
    file = folder / "hubbub.toml"
    file.write_text(
        f'[alertmanager]\nurl = "{server.url}"\nresend_s = {RESEND_S}\npoll_s = 0.3\n'
        'external_url = "http://desk/{watch}/{alert}"\n'
    )
    return Given(settings, server, hook, file)


@contextmanager
def delivery(given: Given) -> Iterator[Any]:
    """Run the command; it must still be alive at the end, and end well."""
    words = ("deliver", "alertmanager", "--settings", str(given.file))
    process = start_worker(given.settings, *words, command="hubbub")
    try:
        yield process
        assert process.poll() is None, ended(process)
        code, seconds = stopped(process)
        assert (code, seconds < 5) == (0, True)
    finally:
        process.kill()
        process.communicate()


def live_alert(**more: Any) -> Alert:
    """Return an alert that began three minutes ago by the clock."""
    return alert_of(began_at=datetime.now(UTC) - timedelta(minutes=3), **more)


def told(given: Given, alert: Alert, *statuses: str) -> bool:
    return eventually(lambda: given.hook.of(alert.id) == list(statuses), within_s=20)


@pytest.mark.slow
def test_an_alert_goes_in_comes_out_of_the_webhook_and_ends_when_resolved(given: Given) -> None:
    # Given an alert that fires, one that is pending and one that is silenced here
    alert = live_alert(group="politics")
    until = datetime.now(UTC) + timedelta(hours=1)
    silent = live_alert(rule="threshold", silenced=Silence("li", until))
    put_alerts(given.settings, alert, silent, live_alert(rule="silence", state="pending"))
    with delivery(given):
        # Then it comes out, with labels for grouping and the facts as annotations
        assert told(given, alert, "firing")
        out = given.hook.told[0]
        assert out["labels"] == {
            "alertname": "negative_surge", "product": "hubbub", "tenant": "default", "watch": "acme",
            "rule": "negative_surge", "group": "politics", "severity": "warning", "alert": alert.id,
        }  # fmt: skip
        assert out["annotations"]["summary"] == alert.evidence.says["en"]
        assert out["annotations"]["summary_zh"] == alert.evidence.says["zh"]
        assert out["annotations"]["probability"] == "1.5e-09"
        assert out["generatorURL"] == f"http://desk/acme/{alert.id}"
        assert datetime.fromisoformat(out["startsAt"]) == alert.fired_at
        # And while it fires it is sent again, longer than it would last by itself
        first = given.server.alerts()[alert.id]["endsAt"]
        assert holds_for(4 * RESEND_S, lambda: alert.id in given.server.alerts())
        assert given.server.alerts()[alert.id]["endsAt"] > first
        # When it is resolved
        over = resolved(alert, datetime.now(UTC))
        put_alerts(given.settings, over)
        # Then it ends there, at its own time, and nothing else was ever told
        assert told(given, alert, "firing", "resolved")
        assert abs(
            datetime.fromisoformat(given.hook.told[-1]["endsAt"]) - (over.resolved_at or until)
        ) < timedelta(milliseconds=1)
    assert {one["labels"]["alert"] for one in given.hook.told} == {alert.id}


def test_a_rise_of_severity_a_silence_here_and_a_removal_each_end_what_was_told(
    given: Given,
) -> None:
    # Given three alerts that are known there
    rising, muted, removed = (live_alert(rule=f"rule-{n}") for n in range(3))
    put_alerts(given.settings, rising, muted, removed)
    with delivery(given):
        assert all(told(given, one, "firing") for one in (rising, muted, removed))
        # When one rises, one is silenced here, and one is removed
        until = datetime.now(UTC) + timedelta(hours=1)
        risen = msgspec.structs.replace(rising, severity="critical", number=3)
        hushed = msgspec.structs.replace(muted, silenced=Silence("li", until), number=3)
        put_alerts(given.settings, risen, hushed, gone=[removed])
        # Then the one fires on as critical alone, the others have ended
        assert told(given, muted, "firing", "resolved")
        assert told(given, removed, "firing", "resolved")
        assert eventually(lambda: set(given.server.alerts()) == {rising.id})
        assert given.server.alerts()[rising.id]["labels"]["severity"] == "critical"
        # And when the silence is lifted it speaks again
        put_alerts(given.settings, msgspec.structs.replace(muted, number=4))
        assert told(given, muted, "firing", "resolved", "firing")


@pytest.mark.slow
def test_alertmanager_away_and_back_loses_nothing(given: Given) -> None:
    # Given an alert that is known there, and Alertmanager gone
    before, during = live_alert(), live_alert(rule="volume_spike")
    put_alerts(given.settings, before)
    with delivery(given):
        assert told(given, before, "firing")
        given.server.stop()
        # When another fires while it is away, longer than a post would last
        put_alerts(given.settings, during)
        assert holds_for(1.5 * RESEND_S, lambda: not given.hook.of(during.id))
        given.server.start()
        # Then both are there again, and the first was notified once
        assert told(given, during, "firing")
        assert eventually(lambda: set(given.server.alerts()) == {before.id, during.id})
        assert given.hook.of(before.id) == ["firing"]
        # And what is resolved while it is away ends there when it is back
        given.server.stop()
        put_alerts(given.settings, resolved(during, datetime.now(UTC)))
        given.server.start()
        assert told(given, during, "firing", "resolved")


@pytest.mark.slow
def test_kafka_away_and_back_ends_nothing_that_fires(
    start_kafka: StartKafka, tmp_path: Path
) -> None:
    # Given an alert that is known there
    node = start_kafka()
    alert = live_alert()
    with alertmanager_and_hook(tmp_path) as (server, hook), quiet_clients():
        given = given_of(node.bootstrap, server, hook, folder=tmp_path)
        put_alerts(given.settings, alert)
        with delivery(given):
            assert told(given, alert, "firing")
            # When Kafka is away for longer than a post lasts
            node.kill()
            assert holds_for(5 * RESEND_S, lambda: alert.id in given.server.alerts())
            node.restart()
            # Then it still fired, and what comes after is followed
            put_alerts(given.settings, resolved(alert, datetime.now(UTC)))
            assert eventually(lambda: hook.of(alert.id) == ["firing", "resolved"], within_s=60)


@pytest.mark.slow
def test_a_silence_made_there_is_heard_here_once_and_its_end_too(given: Given) -> None:
    # Given an alert, and silences: of its watch, of what it is in all labels, of others, of nothing of ours
    alert = live_alert(group="politics")
    put_alerts(given.settings, alert)
    with delivery(given):
        assert told(given, alert, "firing")
        wide = given.server.silence(watch="acme", rule="negative_surge")
        whole = given.server.silence(**given.server.alerts()[alert.id]["labels"])
        given.server.silence(watch="no-such-watch")
        given.server.silence(instance="db-1")
        # Then each that means ours becomes feedback, with who, why, until and its id
        assert eventually(lambda: len(feedback_in(given.settings)) == 2)
        said = {one.id: one for one in feedback_in(given.settings)}
        of_watch, of_alert = said[f"alertmanager/{wide}"], said[f"alertmanager/{whole}"]
        assert (of_watch.alert, of_watch.rule, of_watch.group) == (None, "negative_surge", None)
        assert (of_alert.alert, of_alert.rule) == (alert.id, None)
        assert {(one.by, one.why, one.action) for one in said.values()} == {
            ("maria", "a drill", "silence")
        }
        # When the stage has marked it silenced, it stays known there, where the silence is
        assert of_watch.until is not None
        silence = Silence("maria", of_watch.until, id=of_watch.id)
        put_alerts(given.settings, msgspec.structs.replace(alert, silenced=silence, number=3))
        assert holds_for(2 * RESEND_S, lambda: alert.id in given.server.alerts())
        assert len(feedback_in(given.settings)) == 2
    # When another process goes on
    with delivery(given):
        assert holds_for(3, lambda: len(feedback_in(given.settings)) == 2)
        # Then a revision is heard as one, and an end as the end of what was said
        given.server.prolong(wide)
        assert eventually(lambda: len(feedback_in(given.settings)) == 3)
        given.server.expire(whole)
        assert eventually(lambda: len(feedback_in(given.settings)) == 4)
    longer, back = feedback_in(given.settings)[2:]
    assert is_longer(longer, of_watch)
    assert (back.action, back.alert, back.id) == ("unsilence", alert.id, of_alert.id)


def is_longer(found: Feedback, before: Feedback) -> bool:
    assert found.until is not None
    assert before.until is not None
    return found.id == before.id and found.until - before.until > timedelta(minutes=59)


def test_it_serves_metrics_and_is_ready_once_alertmanager_answers(given: Given) -> None:
    port = free_port()
    given.file.write_text(given.file.read_text() + f"[metrics]\nport = {port - 200}\n")
    settings = given.settings.model_copy(update={"metrics": type(given.settings.metrics)()})
    put_alerts(given.settings, live_alert())

    def page(path: str) -> str:
        with DIRECT.open(urllib.request.Request(f"http://127.0.0.1:{port}{path}")) as answer:
            return str(answer.read().decode())

    def is_ready() -> bool:
        try:
            return page("/readyz") == "ready\n"
        except OSError:
            return False

    with delivery(given._replace(settings=settings)):
        assert eventually(is_ready)
        scraped = page("/metrics")
        assert re.search(r'hubbub_delivery_active_alerts\{channel="alertmanager"\} 1\.0', scraped)
        assert (
            'hubbub_delivery_posted_alerts_total{channel="alertmanager",outcome="firing"}'
            in scraped
        )
        assert page("/livez") == "alive\n"
        given.server.stop()
        assert eventually(lambda: not is_ready())
        assert 'outcome="unreachable"} ' in page("/metrics")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "alertmanager.url = None; expected the address of an Alertmanager"),
        (("--url", "localhost:9093"), "expected the address of an Alertmanager, http://HOST:9093"),
        (("--url", "http://me:word@host"), "alertmanager.url = 'http://…@host'; expected"),
    ],
)
def test_without_an_address_it_says_what_is_missing(
    bootstrap: str, words: tuple[str, ...], said: str
) -> None:
    settings = stream_settings(bootstrap)
    process = start_worker(settings, "deliver", "alertmanager", *words, command="hubbub")
    code, told = ended(process)
    assert code == 2
    assert said in told
