"""Run Apache Kafka itself on this machine: one KRaft node on loopback, for development, the demo and tests.

In: a data folder, a port, properties. Out: a running broker and its address. Needs no Java, Maven or docker
installed. Must not import the stages, the producers or the command.

It is for one machine: it keeps no copies, asks plain clients for no password, and refuses to listen beyond loopback.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Self

from contracts.errors import NodeFailed
from deploy.kafka.configuration import (
    Endpoints,
    check_loopback,
    check_properties,
    render_properties,
)
from deploy.kafka.distribution import resolve_jars
from deploy.kafka.folder import DataFolder
from deploy.kafka.java import BROKER, java_command
from deploy.kafka.process import TetheredProcess
from deploy.kafka.readiness import await_ready, check_port, choose_port
from deploy.kafka.security import NodeSecurity, create_users, security_properties, write_keystore
from deploy.kafka.storage import format_storage

START_TIMEOUT_S = 100
STOP_PATIENCE_S = 8


@dataclass(eq=False)
class KafkaNode:
    """Start, stop and kill one Kafka node on a data folder that outlives it.

    `port` 0 picks a free port, kept for the node's later starts. `properties` go over our defaults
    (`configuration.DEFAULTS`). `cache` is the Maven repository of the jars; None means the machine's usual one.
    On Linux the Java process dies with this one, however this one ends; elsewhere only `stop` or `kill` end it.
    """

    data: Path
    _: KW_ONLY
    host: str = "127.0.0.1"
    port: int = 9092
    heap_mb: int = 768
    properties: Mapping[str, str] = field(default_factory=dict)
    security: NodeSecurity | None = None
    cache: Path | None = None

    def __post_init__(self) -> None:
        """Set up an idle node; nothing is touched before `start`."""
        self.folder = DataFolder(self.data)
        self._endpoints: Endpoints | None = None
        self._java: TetheredProcess | None = None

    @property
    def bootstrap(self) -> str:
        """Return `host:port` of the plain listener. Raises RuntimeError before the first `start`."""
        return self._chosen.address(self._chosen.client)

    @property
    def secure_bootstrap(self) -> str:
        """Return `host:port` of the SASL_SSL listener. Raises RuntimeError without one or before `start`."""
        if self._chosen.secure is None:
            raise RuntimeError("the node has no secured listener: give it a NodeSecurity")
        return self._chosen.address(self._chosen.secure)

    @property
    def pid(self) -> int:
        """Return the Java process's id. Raises RuntimeError before the first `start`."""
        if self._java is None:
            raise RuntimeError("the node was never started")
        return self._java.pid

    @property
    def is_running(self) -> bool:
        """Say whether the Java process lives."""
        return self._java is not None and self._java.is_running

    def start(self) -> None:
        """Start the node and return when it answers; a new folder is formatted first.

        Raises NotLoopback, SettingsInvalid, PortInUse and DataInUse before Java starts, MissingExtra and
        DownloadFailed for jars, DiskFull and NodeFailed with the end of the broker's log when it does not come up.
        """
        if self.is_running:
            raise NodeFailed(f"the node on {self.data} is running already, as process {self.pid}")
        check_loopback(self.host)
        check_properties(self.properties)
        self.folder.release()
        self.folder.claim()
        try:
            # Without room the broker takes seconds to give up, and cannot write down why.
            if self.folder.is_full():
                raise self.folder.disk_full()
            self._endpoints = self._choose_endpoints()
            jars = resolve_jars(self.cache)
            if not self.folder.log_dir.exists():
                format_storage(self.folder, jars, render=self._render)
            self._launch(jars)
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """End the node in order (SIGTERM), or by force after 8 s; a node that does not run stays so."""
        if self._java is not None:
            self._java.stop(STOP_PATIENCE_S)
        self.folder.release()

    def kill(self) -> None:
        """End the node as a power cut would (SIGKILL)."""
        if self._java is not None:
            self._java.kill()
        self.folder.release()

    def restart(self) -> None:
        """Stop the node if it runs and start it again, on the same folder and port."""
        self.stop()
        self.start()

    def wait(self, timeout_s: float | None = None) -> int | None:
        """Wait until the Java process ends and return its exit code, or None when the time is over first."""
        return self._java.wait(timeout_s) if self._java is not None else None

    def describe_end(self) -> NodeFailed:
        """Say as an error why the broker has ended, with the end of its log; to be raised by who waited for it."""
        code = self._java.wait(0) if self._java is not None else None
        if (code is None or code >= 0) and self.folder.is_full():
            return self.folder.disk_full()
        ending = (
            f"killed by signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        )
        return NodeFailed(
            f"Kafka on {self.folder.root} has ended ({ending}); expected it to run until stopped; "
            f"the end of {self.folder.broker_log}:\n{self.folder.read_tail()}"
        )

    def __enter__(self) -> Self:
        """Start the node."""
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """Stop the node."""
        self.stop()

    @property
    def _chosen(self) -> Endpoints:
        if self._endpoints is None:
            raise RuntimeError("the node's address is chosen by its first start()")
        return self._endpoints

    def _choose_endpoints(self) -> Endpoints:
        known = self._endpoints
        client = known.client if known else self._choose(self.port)
        secure = known.secure if known else None
        if known is None and self.security is not None:
            secure = self._choose(self.security.port)
        for port in (client, secure):
            if port is not None:
                check_port(self.host, port)
        return Endpoints(self.host, client, choose_port(self.host), secure)

    def _choose(self, port: int) -> int:
        return port or choose_port(self.host)

    def _render(self, log_dir: Path) -> str:
        extra: dict[str, str] = {}
        if self.security is not None:
            write_keystore(self.security, self.folder.keystore)
            extra = security_properties(self.security, self.folder.keystore)
        return render_properties(self._chosen, log_dir, security=extra, properties=self.properties)

    def _launch(self, jars: Sequence[Path]) -> None:
        folder = self.folder
        folder.write_private(folder.properties, self._render(folder.log_dir))
        heap, settings = f"-Xmx{self.heap_mb}m", str(folder.properties)
        command = java_command(jars, folder, heap, BROKER, settings)
        self._java = TetheredProcess(command, folder.broker_log, keep_fds=[folder.lock_descriptor])
        try:
            self._java.start()
        except OSError as error:
            raise NodeFailed(f"Java could not be started on {folder.root}: {error}") from error
        deadline = time.monotonic() + START_TIMEOUT_S
        if not await_ready(self.bootstrap, lambda: self.is_running, deadline=deadline):
            raise self._describe_failed_start()
        if self.security is not None:
            create_users(self.security, self.bootstrap)

    def _describe_failed_start(self) -> NodeFailed:
        if not self.is_running or self.folder.is_full():
            return self.describe_end()
        return NodeFailed(
            f"Kafka on {self.folder.root} did not answer on {self.bootstrap}, expected within {START_TIMEOUT_S} s; "
            f"the end of {self.folder.broker_log}:\n{self.folder.read_tail()}"
        )
