"""Health: /metrics, /livez and /readyz of a worker, from a thread of its own.

In: whether the worker is alive and ready. Out: three pages on one port. Imports contracts and the standard library.
"""

import errno
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from contracts import telemetry
from contracts.errors import PortInUse, SettingsInvalid
from contracts.settings import MetricsSettings


class HealthServer:
    """Serve until closed; `is_ready` is asked for each request to /readyz."""

    def __init__(
        self, settings: MetricsSettings, *, slot: int = 0, is_ready: Callable[[], bool]
    ) -> None:
        self._host = settings.host
        self._wanted = settings.port + slot if settings.port else 0
        self._is_ready = is_ready
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> int:
        """Listen, and return the port; raises PortInUse, naming it."""
        try:
            self._server = ThreadingHTTPServer((self._host, self._wanted), _handler(self._is_ready))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortInUse(
                    f"port {self._wanted} on {self._host} is in use; choose another with "
                    "metrics.port (0 takes a free one)"
                ) from error
            raise SettingsInvalid(f"metrics.host {self._host!r}: {error}") from error
        except OverflowError as error:
            raise SettingsInvalid(
                f"metrics.port {self._wanted}, with the slot added; expected at most 65535"
            ) from error
        threading.Thread(target=self._server.serve_forever, name="health", daemon=True).start()
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


def _handler(is_ready: Callable[[], bool]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(200, generate_latest(telemetry.REGISTRY), content=CONTENT_TYPE_LATEST)
            elif self.path == "/livez":
                self._answer(200, b"alive\n")
            elif self.path == "/readyz":
                ready = is_ready()
                self._answer(200 if ready else 503, b"ready\n" if ready else b"not ready\n")
            else:
                self._answer(404, b"there are /metrics, /livez and /readyz\n")

        def _answer(self, status: int, body: bytes, *, content: str = "text/plain") -> None:
            self.send_response(status)
            self.send_header("Content-Type", content)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its parent names it
            """Keep scrapes out of the log."""

    return Handler
