"""Find a free port, and know when the broker answers.

In: a host and ports. Out: a port, or the return of a call once the broker takes requests. Starts nothing.
"""

import errno
import random
import socket
import time
from collections.abc import Callable

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from contracts.errors import NodeFailed, PortInUse

# Below the ports that systems give to outgoing connections (32768 and up on Linux): a client that keeps calling a
# node while it is down would sooner or later be given that very port, and connect to itself.
FREE_PORTS = range(20_000, 30_000)
POLL_S = 0.05


def is_free(host: str, port: int) -> bool:
    """Say whether a server could listen on this port now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As Java does: a port that merely waits out its last connections counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise NodeFailed(
                f"this machine cannot listen on {host} port {port}: {error}"
            ) from error
    return True


def choose_port(host: str) -> int:
    """Choose a free port at random, outside the range of outgoing connections. Raises PortInUse."""
    for port in random.sample(FREE_PORTS, 100):
        if is_free(host, port):
            return port
    raise PortInUse(f"none of 100 ports tried in {FREE_PORTS} is free on {host}")


def check_port(host: str, port: int) -> None:
    """Raise PortInUse when another program listens on the port, or it may not be used."""
    if not is_free(host, port):
        raise PortInUse(
            f"port {port} on {host} is taken by another program (or needs rights that we lack); "
            "stop that program, or choose another port (0 picks a free one)"
        )


def await_ready(bootstrap: str, is_running: Callable[[], bool], *, deadline: float) -> bool:
    """Wait until the broker answers and takes requests; say whether it did.

    `deadline` is of time.monotonic(). False when the process ended or the deadline passed.
    """
    while is_running() and time.monotonic() < deadline:
        if _is_listening(bootstrap):
            return _await_unfenced(bootstrap, is_running, deadline=deadline)
        time.sleep(POLL_S)
    return False


def _is_listening(bootstrap: str) -> bool:
    host, _, port = bootstrap.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=1).close()
    except OSError:
        return False
    return True


def _await_unfenced(bootstrap: str, is_running: Callable[[], bool], *, deadline: float) -> bool:
    """Ask the broker itself: until the controller lets it in (unfences it) it leads no partition."""
    patience_ms = max(1, int((deadline - time.monotonic()) * 1000))
    try:
        with KafkaAdminClient(
            bootstrap_servers=bootstrap, bootstrap_timeout_ms=patience_ms, request_timeout_ms=5000
        ) as admin:
            while is_running() and time.monotonic() < deadline:
                brokers = admin.describe_cluster()["brokers"]
                if brokers and not any(broker["is_fenced"] for broker in brokers):
                    return True
                time.sleep(POLL_S)
    except KafkaError:
        # The broker ended while we asked, or never answered: the caller reads the reason in the broker's log.
        return False
    return False
