"""The HTTP source as a process of its own, against a real broker."""

import json
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from contracts.errors import PortInUse, SettingsInvalid
from contracts.settings import Settings
from contracts.topics import EVENTS_MEDIA, EVENTS_TEXT
from tests.conftest import StartKafka
from tests.producers.conftest import (
    Produce,
    Publish,
    finished,
    read_topic,
    settings_for,
)

Serve = Callable[..., tuple[httpx.Client, subprocess.Popen[str]]]
KEY = "a-key-of-this-test"


def row(number: int, **fields: Any) -> dict[str, Any]:
    at = "2026-03-01T12:00:00Z"
    return {"id": str(number), "source": "s", "observed_at": at, "text": "x"} | fields


@pytest.fixture
def serve(produce: Produce) -> Iterator[Serve]:
    """Start the source on a free port; returns a client of it and its process."""
    clients = []

    def start(**variables: str) -> tuple[httpx.Client, subprocess.Popen[str]]:
        process = produce("http", "--port", "0", **variables)
        assert process.stdout is not None
        said = next(line for line in process.stdout if line.startswith("listening on "))
        address = said.split()[-1].removesuffix("/v1/events")
        client = httpx.Client(base_url=address, timeout=30)
        clients.append(client)
        return client, process

    yield start
    for client in clients:
        client.close()


def wait_ready(client: httpx.Client, status: int = 200, timeout_s: float = 40) -> None:
    deadline = time.monotonic() + timeout_s
    while (answer := client.get("/readyz")).status_code != status:
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.05)


def test_what_is_answered_with_202_is_in_kafka(settings: Settings, serve: Serve) -> None:
    client, process = serve()
    wait_ready(client)
    answer = client.post("/v1/events", json=[row(1), row(2)])
    assert (answer.status_code, answer.json()) == (202, {"accepted": 2, "ids": ["1", "2"]})
    assert {json.loads(r.value)["id"] for r in read_topic(settings, EVENTS_TEXT)} == {"1", "2"}
    media = [{"url": "https://a.example/b.png", "kind": "image"}]
    assert client.post("/v1/events", json=row(3, media=media)).json()["ids"] == ["3"]
    assert len(read_topic(settings, EVENTS_MEDIA)) == 1

    one_bad = client.post("/v1/events", json=[row(4), row(5, observed_at="soon")])
    assert one_bad.status_code == 422
    assert one_bad.json()["items"][0]["place"] == "$[1].observed_at"
    assert len(read_topic(settings, EVENTS_TEXT)) == 2  # all or nothing

    assert 'outcome="published",source="http"} 3.0' in client.get("/metrics").text
    process.send_signal(signal.SIGTERM)
    code, out, _ = finished(process)
    assert code == 0
    assert "http: 4 read, 3 published, 1 bad, 0 skipped by filter" in out


def test_what_cannot_be_is_refused_with_its_own_status(serve: Serve) -> None:
    client, _ = serve(HUBBUB_HTTP_BODY_BYTES="2000", HUBBUB_HTTP_BATCH_EVENTS="3")
    wait_ready(client)
    post = client.post

    def chunks() -> Iterator[bytes]:
        for _ in range(40):
            yield b" " * 100

    kind = {"content-type": "application/json"}
    statuses = {
        "not json": post("/v1/events", content=b"{", headers=kind),
        "empty": post("/v1/events", content=b"", headers=kind),
        "misfit": post("/v1/events", json={"id": 1}),
        "too large": post("/v1/events", json=row(1, text="x" * 3000)),
        "too large in chunks": post("/v1/events", content=chunks(), headers=kind),
        "too many": post("/v1/events", json=[{}, {}, {}, {}]),
        "kind": post("/v1/events", content=b"x", headers={"content-type": "text/plain"}),
        "other name": post("/v1/events", json=row(1), headers={"host": "rebound.example"}),
        "method": client.get("/v1/events"),
        "path": client.get("/v2/events"),
    }
    assert {name: answer.status_code for name, answer in statuses.items()} == {
        "not json": 400, "empty": 400, "misfit": 422, "too large": 413, "too large in chunks": 413,
        "too many": 413, "kind": 415, "other name": 403, "method": 405, "path": 404,
    }  # fmt: skip
    assert statuses["misfit"].json()["code"] == "record_misfit"
    assert client.get("/livez").text == "ok"


def test_without_the_key_nobody_enters_and_the_key_is_never_said(serve: Serve) -> None:
    client, process = serve(HUBBUB_HTTP_API_KEY=KEY)
    wait_ready(client)
    refused = [
        client.post("/v1/events", json=row(1), headers=headers)
        for headers in ({}, {"x-api-key": "wrong"}, {"authorization": f"Basic {KEY}"})
    ]
    assert [answer.status_code for answer in refused] == [401, 401, 401]
    assert refused[0].headers["www-authenticate"] == "Bearer"
    accepted = [
        client.post("/v1/events", json=row(1), headers=headers)
        for headers in ({"x-api-key": KEY}, {"authorization": f"Bearer {KEY}"})
    ]
    assert [answer.status_code for answer in accepted] == [202, 202]
    process.send_signal(signal.SIGTERM)
    code, out, err = finished(process)
    assert (code, KEY in out + err) == (0, False)


def test_many_callers_at_once_are_all_answered_and_nothing_is_lost_at_a_stop(
    settings: Settings, serve: Serve
) -> None:
    client, process = serve()
    wait_ready(client)

    def post(number: int) -> list[str]:
        if number == 150:
            process.send_signal(signal.SIGTERM)
        try:
            answer = client.post("/v1/events", json=[row(number * 10 + n) for n in range(10)])
        except httpx.TransportError:
            return []
        return [*answer.json()["ids"]] if answer.status_code == 202 else []

    with ThreadPoolExecutor(16) as pool:
        accepted = [id for ids in pool.map(post, range(300)) for id in ids]
    assert finished(process)[0] == 0
    arrived = [json.loads(record.value)["id"] for record in read_topic(settings, EVENTS_TEXT)]
    assert len(accepted) >= 1000
    assert set(accepted) <= set(arrived)
    assert len(arrived) == len(set(arrived))


def test_a_full_budget_is_429_and_a_slow_caller_holds_nobody_up(serve: Serve) -> None:
    client, _ = serve(HUBBUB_RUNTIME_IN_FLIGHT_BYTES="4096")
    wait_ready(client)
    url = client.base_url
    with socket.create_connection((url.host, url.port or 0)) as slow:
        head = "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        slow.sendall(f"{head}Expect: 100-continue\r\nContent-Length: 4090\r\n\r\n".encode())
        assert slow.recv(100).startswith(b"HTTP/1.1 100 ")  # its body is being waited for
        busy = client.post("/v1/events", json=row(1))
        assert busy.status_code == 429
        assert (busy.json()["code"], busy.headers["retry-after"]) == ("busy", "1")
        assert client.get("/livez").status_code == 200
    deadline = time.monotonic() + 30
    while client.post("/v1/events", json=row(1)).status_code != 202:
        assert time.monotonic() < deadline


@pytest.mark.chaos
@pytest.mark.slow
def test_while_kafka_is_gone_callers_get_503_and_afterwards_202(
    start_kafka: StartKafka, produce: Produce, serve: Serve
) -> None:
    node = start_kafka()
    own = settings_for(node.bootstrap)
    client, process = serve(
        HUBBUB_KAFKA_BOOTSTRAP=node.bootstrap,
        HUBBUB_TOPICS_PREFIX=own.topics.prefix,
        HUBBUB_KAFKA_REQUEST_TIMEOUT_MS="2000",
    )
    wait_ready(client)
    assert client.post("/v1/events", json=row(1)).status_code == 202
    node.kill()
    gone = client.post("/v1/events", json=row(2))
    assert (gone.status_code, gone.headers["retry-after"]) == (503, "1")
    wait_ready(client, 503)
    assert client.post("/v1/events", json=row(2)).status_code == 503
    node.start()
    wait_ready(client)
    assert client.post("/v1/events", json=row(2)).status_code == 202
    arrived = {json.loads(record.value)["id"] for record in read_topic(own, EVENTS_TEXT)}
    assert arrived == {"1", "2"}
    node.kill()
    process.send_signal(signal.SIGTERM)
    started = time.monotonic()
    assert finished(process)[0] == 0
    assert time.monotonic() - started < 10


def test_a_port_that_is_taken_and_an_open_address_without_a_key_are_refused(
    publish: Publish,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortInUse, match=f"port {port} on 127.0.0.1 is taken"):
            publish("http", "--port", str(port))
    with pytest.raises(SettingsInvalid, match="no key is set"):
        publish("http", "--host", "0.0.0.0", "--port", "0")
