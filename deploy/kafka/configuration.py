"""Say how the one node is set up, as the text of `server.properties`.

In: where it listens, its log folder, the security of an extra listener, a user's own properties. Out: text.
Decides only: opens no file and no port. Must not import the node.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from contracts.errors import NotLoopback, SettingsInvalid

NODE_ID = 1

# What ties the node to its folder and to loopback is not the user's to set.
OWNED = frozenset(
    {
        "process.roles",
        "node.id",
        "broker.id",
        "log.dir",
        "log.dirs",
        "metadata.log.dir",
        "listeners",
        "advertised.listeners",
        "controller.quorum.voters",
        "controller.quorum.bootstrap.servers",
        "controller.listener.names",
        "inter.broker.listener.name",
        "listener.security.protocol.map",
    }
)

DEFAULTS: Mapping[str, str] = {
    # One node: nobody to copy to, and few partitions, since each costs files and time at start.
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "4",
    # A topic's layout is promised in contracts/topics.py: a typing error must not make a new one.
    "auto.create.topics.enable": "false",
    # 16 MiB: the dead-letter topic takes records above the inputs' limit, which each topic sets for itself.
    "message.max.bytes": str(16 * 1024 * 1024),
    # A killed worker must be noticed, and its transaction aborted, within seconds.
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "group.consumer.min.session.timeout.ms": "1000",
    "group.consumer.min.heartbeat.interval.ms": "300",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
    # After kill -9 the controller takes the node back only when its old session is over: 9 s by default.
    "broker.session.timeout.ms": "1500",
    "broker.heartbeat.interval.ms": "300",
    # A small machine: 128 MiB of heap for the compaction map and eight I/O threads are a server's measure.
    "log.cleaner.dedupe.buffer.size": str(8 * 1024 * 1024),
    "num.network.threads": "2",
    "num.io.threads": "4",
}


@dataclass(frozen=True)
class Endpoints:
    """Hold the host and the ports that the node listens on; `secure` is None without a secured listener."""

    host: str
    client: int
    controller: int
    secure: int | None = None

    def address(self, port: int) -> str:
        """Write host and port as clients do, an IPv6 host in brackets."""
        return f"[{self.host}]:{port}" if ":" in self.host else f"{self.host}:{port}"


def check_loopback(host: str) -> None:
    """Accept 127.0.0.0/8, ::1 and localhost alone. Raises NotLoopback."""
    try:
        is_loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise NotLoopback(
            f"the embedded Kafka was asked to listen on {host!r}; expected 127.0.0.1, ::1 or localhost: it is one "
            "node without copies or access control, for one machine; for others to reach, run a Kafka cluster"
        )


def check_properties(properties: Mapping[str, str]) -> None:
    """Refuse properties that the node owns. Raises SettingsInvalid."""
    taken = sorted(OWNED & properties.keys())
    if taken:
        raise SettingsInvalid(
            f"the properties {', '.join(taken)} of the embedded Kafka are set by the node itself; "
            "expected its folder, host and port to be given instead, and these keys to be left out"
        )


def render_properties(
    endpoints: Endpoints,
    log_dir: Path,
    *,
    security: Mapping[str, str],
    properties: Mapping[str, str],
) -> str:
    """Write `server.properties`: the defaults, then `properties` over them, then what the node owns."""
    merged = {**DEFAULTS, **properties, **security, **_owned(endpoints, log_dir)}
    return "".join(f"{key}={_escape(value)}\n" for key, value in merged.items())


def _owned(endpoints: Endpoints, log_dir: Path) -> dict[str, str]:
    clients = [f"PLAINTEXT://{endpoints.address(endpoints.client)}"]
    if endpoints.secure is not None:
        clients.append(f"SECURE://{endpoints.address(endpoints.secure)}")
    controller = endpoints.address(endpoints.controller)
    return {
        "process.roles": "broker,controller",
        "node.id": str(NODE_ID),
        "log.dirs": str(log_dir),
        "listeners": ",".join([*clients, f"CONTROLLER://{controller}"]),
        "advertised.listeners": ",".join(clients),
        "controller.quorum.voters": f"{NODE_ID}@{controller}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL",
    }


def _escape(value: str) -> str:
    """Escape for java.util.Properties, which reads a backslash and Latin-1 only."""
    text = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    # Code units of UTF-16, since \u in a properties file takes four digits; a leading blank would be dropped.
    units = text.encode("utf-16-be")
    codes = [int.from_bytes(units[place : place + 2], "big") for place in range(0, len(units), 2)]
    escaped = "".join(chr(code) if 0x20 <= code < 0x7F else f"\\u{code:04x}" for code in codes)
    return f"\\{escaped}" if escaped.startswith(" ") else escaped
