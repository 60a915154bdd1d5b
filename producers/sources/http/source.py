"""The HTTP source: listens, publishes, and stops in order.

In: settings. Out: a running server on uvicorn. Imports contracts, uvicorn, the publisher and the pieces beside it.
"""

import errno
import socket
import time
from collections.abc import Callable

import uvicorn

from contracts.errors import PortInUse, SettingsInvalid, Stalled
from contracts.settings import Settings
from producers.entry import Entry
from producers.protocols import SourceReport
from producers.publisher import Publisher
from producers.sources.http.app import EventDoor, Tally, make_app
from producers.sources.http.bodies import BodyReader
from producers.sources.http.committing import GroupCommitter
from producers.sources.http.guarding import ByteBudget, Keyring, check_exposed
from producers.stopping import Stop

BACKLOG = 512
REQUESTS_S = 5  # for requests under way when a stop comes
COMMITS_S = 3.0  # for what they left in the queue
GRACE_S = 1.0  # a request waits that much longer than the flush that decides it


class HttpSource:
    """Serve until stopped. `listening` is called with host and port once the port is bound."""

    def __init__(
        self,
        settings: Settings,
        *,
        entry: Entry,
        listening: Callable[[str, int], None] = lambda host, port: None,
    ) -> None:
        self._settings = settings
        self._entry = entry
        self._listening = listening
        self._tally = Tally()
        self._committer = GroupCommitter(self._connect, entry.topics[:-1])

    def run(self, stop: Stop) -> SourceReport:
        """Serve until `stop` is set or a signal comes; what was accepted is in Kafka when this returns.

        Kafka need not answer yet: until it does, requests get 503. Raises SettingsInvalid for an open address without
        a key and PortInUse; see `producers.protocols.Source`.
        """
        http = self._settings.http
        check_exposed(http)
        started = time.monotonic()
        with _bound(http.host, http.port) as listener:
            self._committer.start()
            host, port = listener.getsockname()[:2]
            self._listening(host, port)
            try:
                _Server(self._config(), stop=stop, committer=self._committer).run([listener])
                if not self._committer.is_alive:
                    raise Stalled("the publishing thread has ended; the log says why")
            finally:
                self._committer.close(COMMITS_S)
        published, bad = self._tally.published, self._tally.bad
        return SourceReport(
            read=published + bad, published=published, bad=bad, seconds=time.monotonic() - started
        )

    @property
    def _answer_s(self) -> float:
        return self._settings.kafka.request_timeout_ms / 1000

    def _connect(self) -> Publisher:
        kafka, runtime = self._settings.kafka, self._settings.runtime
        bounded = runtime.model_copy(update={"deadline_s": self._answer_s})
        return Publisher(kafka, bounded, client_id="hubbub-source.http")

    def _config(self) -> uvicorn.Config:
        settings = self._settings
        door = EventDoor(
            http=settings.http,
            reader=BodyReader(settings.http.batch_events),
            entry=self._entry,
            committer=self._committer,
            keyring=Keyring(settings.http.api_key),
            budget=ByteBudget(settings.runtime.in_flight_bytes),
            tally=self._tally,
            answer_timeout_s=self._answer_s + GRACE_S,
        )
        return uvicorn.Config(
            make_app(door),
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=REQUESTS_S,
        )


class _Server(uvicorn.Server):
    """Let a Stop, or the end of the publishing thread, end the server as a signal does."""

    def __init__(self, config: uvicorn.Config, *, stop: Stop, committer: GroupCommitter) -> None:
        super().__init__(config)
        self._stop = stop
        self._committer = committer

    async def on_tick(self, counter: int) -> bool:
        if self._stop.is_set or not self._committer.is_alive:
            self.should_exit = True
        return await super().on_tick(counter)


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(
                f"port {port} on {host} is taken; stop what holds it or choose another with --port (0 takes a free one)"
            ) from error
        raise SettingsInvalid(
            f"cannot listen on {host}:{port}: {error.strerror or error}"
        ) from error
    return listener
