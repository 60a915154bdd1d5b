"""Alertmanager's API over HTTP: who asks is said, and whatever is no plain success is a failure that says why."""

import base64
import http.server
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from pydantic import SecretStr

from consumers.delivery.alertmanager_api import AlertmanagerApi
from consumers.delivery.posts import firing_post
from contracts.delivery_settings import AlertmanagerSettings
from contracts.errors import ChannelFailed, SettingsInvalid
from tests.given_alerts import NOON, alert_of

HUSH = "hush-7c1f"


class Answer:
    """Answer every request alike, and keep what was asked."""

    def __init__(self) -> None:
        self.status, self.body, self.headers = 200, b"[]", {}  # type: ignore[var-annotated]
        self.asked: list[tuple[str, str, str | None]] = []
        answer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer.asked.append((self.command, self.path, self.headers["Authorization"]))
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its parent names it
                """Say nothing."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def answer() -> Iterator[Answer]:
    made = Answer()
    yield made
    made.server.shutdown()
    made.server.server_close()


def api(url: str, **given: object) -> AlertmanagerApi:
    settings = {"url": url, "timeout_s": 1.0} | given
    return AlertmanagerApi(AlertmanagerSettings(**settings))


def post(to: AlertmanagerApi) -> None:
    to.post_alerts([firing_post(alert_of(), NOON + timedelta(hours=1), resend_s=60, page=None)])


def test_an_address_may_have_a_path_and_who_asks_is_said(answer: Answer) -> None:
    post(api(f"{answer.url}/am/"))
    assert api(answer.url, username="me", password=SecretStr(HUSH)).silences() == []
    api(answer.url, token=SecretStr(HUSH)).silences()
    pair = base64.b64encode(f"me:{HUSH}".encode()).decode()
    assert answer.asked == [
        ("POST", "/am/api/v2/alerts", None),
        ("GET", "/api/v2/silences", f"Basic {pair}"),
        ("GET", "/api/v2/silences", f"Bearer {HUSH}"),
    ]


def test_a_refusal_says_status_and_words(answer: Answer) -> None:
    answer.status, answer.body = 400, b"bad \x1b[2J label"
    with pytest.raises(ChannelFailed, match=r"answered 400 'bad \\x1b\[2J label'") as caught:
        post(api(answer.url))
    assert caught.value.status == 400


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(answer: Answer, status: int) -> None:
    answer.status, answer.headers = status, {"Location": f"{answer.url}/elsewhere"}
    for ask in (post, AlertmanagerApi.silences):
        with pytest.raises(ChannelFailed, match=f"answered {status}"):
            ask(api(answer.url, token=SecretStr(HUSH)))
    assert {path for _, path, _ in answer.asked} == {"/api/v2/alerts", "/api/v2/silences"}


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'[{"id": 3}]', b"\xff"])
def test_what_is_not_a_list_of_silences_is_a_failure(answer: Answer, body: bytes) -> None:
    answer.body = body
    with pytest.raises(ChannelFailed, match="is not Alertmanager's"):
        api(answer.url).silences()


def test_no_answer_is_a_failure_without_a_status(
    answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a proxy in the environment, which is not asked
    monkeypatch.setenv("http_proxy", answer.url)
    with pytest.raises(ChannelFailed, match=r"127\.0\.0\.1:9/api/v2/silences") as caught:
        api("http://127.0.0.1:9").silences()
    assert caught.value.status is None
    assert answer.asked == []


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "localhost:9093",
        "file:///etc/passwd",
        "http://a b",
        f"http://me:{HUSH}@host",
        "http://h?x",
    ],
)
def test_an_address_that_cannot_be_one_is_refused_and_no_password_shown(url: str | None) -> None:
    with pytest.raises(SettingsInvalid, match="expected the address of an Alertmanager") as caught:
        AlertmanagerApi(AlertmanagerSettings.model_construct(url=url))
    assert HUSH not in str(caught.value)
