"""Debian's Alertmanager on loopback, and a webhook that keeps what it is told.

Where the program is missing, a test that needs it is skipped on a laptop and fails in CI.
"""

import http.server
import json
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.streams import eventually

PROGRAM = "prometheus-alertmanager"
CONFIGURATION = """
route:
  receiver: hook
  group_by: [alert]
  group_wait: 100ms
  group_interval: 500ms
  repeat_interval: 1h
receivers:
  - name: hook
    webhook_configs:
      - url: {hook}
        send_resolved: true
"""
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Webhook:
    """Keep every alert that comes out, as (status, alert)."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        told = self.told

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = int(self.headers["Content-Length"])
                told.extend(json.loads(self.rfile.read(size))["alerts"])
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its parent names it
                """Say nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def of(self, alert: str) -> list[str]:
        """Return the statuses told of one alert, in order."""
        return [one["status"] for one in self.told if one["labels"]["alert"] == alert]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Alertmanager:
    """Run one Alertmanager; `kill` and `start` as often as a test wants, on the same port."""

    def __init__(self, folder: Path, hook: str) -> None:
        program = shutil.which(PROGRAM)
        if program is None:
            words = f"{PROGRAM} is not installed; on Debian: apt install {PROGRAM}"
            if os.environ.get("CI"):
                pytest.fail(words)
            pytest.skip(words)
        self._folder = folder
        configuration = folder / "alertmanager.yml"
        configuration.write_text(CONFIGURATION.format(hook=hook), encoding="utf-8")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._words = [
            program, f"--config.file={configuration}", f"--storage.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}", "--cluster.listen-address=", "--log.level=warn",
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it answers."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(self._words, stdout=log, stderr=log)
        assert eventually(self._is_ready, within_s=30), (self._folder / "log").read_text()

    def stop(self) -> None:
        """End it as a service manager would: its silences are kept, its alerts are not."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None

    def asked(self, path: str, body: object = None, *, method: str | None = None) -> Any:
        """Return what its API answers."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        address = f"{self.url}/api/v2{path}"
        request = urllib.request.Request(address, data=data, headers=headers, method=method)
        with DIRECT.open(request, timeout=10) as answer:
            raw = answer.read()
        return json.loads(raw) if raw else None

    def alerts(self) -> dict[str, dict[str, Any]]:
        """Return what is active there, by our id."""
        return {one["labels"]["alert"]: one for one in self.asked("/alerts")}

    def silence(self, **labels: str) -> str:
        """Make a silence of an hour by equality of labels, and return its id."""
        now = datetime.now(UTC)
        matchers = [
            {"name": name, "value": value, "isRegex": False, "isEqual": True}
            for name, value in labels.items()
        ]
        body = {
            "matchers": matchers, "startsAt": now.isoformat(), "endsAt": (now + timedelta(hours=1)).isoformat(),
            "createdBy": "maria", "comment": "a drill",
        }  # fmt: skip
        return str(self.asked("/silences", body)["silenceID"])

    def prolong(self, silence: str) -> None:
        """Let a silence last an hour longer; with its beginning unchanged it stays the same one."""
        held = self.asked(f"/silence/{silence}")
        end = datetime.fromisoformat(held["endsAt"]) + timedelta(hours=1)
        names = ("id", "matchers", "startsAt", "createdBy", "comment")
        body = {name: held[name] for name in names} | {"endsAt": end.isoformat()}
        assert self.asked("/silences", body)["silenceID"] == silence

    def expire(self, silence: str) -> None:
        """End a silence."""
        self.asked(f"/silence/{silence}", method="DELETE")

    def _is_ready(self) -> bool:
        try:
            with DIRECT.open(f"{self.url}/-/ready", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


@contextmanager
def alertmanager_and_hook(folder: Path) -> Iterator[tuple[Alertmanager, Webhook]]:
    """Run both until the end."""
    hook = Webhook()
    server = None
    try:
        server = Alertmanager(folder, hook.url)
        server.start()
        yield server, hook
    finally:
        if server is not None:
            server.stop()
        hook.close()


def holds_for(seconds: float, holds: Callable[[], bool]) -> bool:
    """Say whether something stays so for a time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not holds():
            return False
        time.sleep(0.1)
    return True


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
