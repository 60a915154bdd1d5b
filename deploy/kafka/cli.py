"""Run the embedded Kafka in the foreground: the command `hubbub kafka`.

In: a data folder, a port, a heap size. Out: a line that says where it listens, an exit code. Must not import
the stages, the producers or the models. Ends with 0 when asked to stop (Ctrl-C, SIGTERM, SIGHUP), with 1 when the
broker could not start or has ended on its own.
"""

import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contracts.errors import HubbubError, SettingsInvalid

if TYPE_CHECKING:
    from deploy.kafka.node import KafkaNode

MIN_HEAP_MB = 256


def kafka(
    *,
    data: Annotated[
        Path, typer.Option(help="Folder of the broker's data; it outlives the broker.")
    ] = Path(".hubbub/kafka"),
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 picks a free port.")] = 9092,
    host: Annotated[str, typer.Option(help="A loopback address.")] = "127.0.0.1",
    heap: Annotated[str, typer.Option(help="Java heap, such as 768m or 2g.")] = "768m",
    properties: Annotated[
        list[str] | None,
        typer.Option("--property", help="A broker property as KEY=VALUE; may be repeated."),
    ] = None,
) -> None:
    """Run Apache Kafka itself on this machine: one node on loopback, for development and trying out.

    It keeps no copies and asks for no password, so it refuses to listen beyond this machine.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        # Kafka's client is imported here, so that the help of `hubbub` stays quick.
        from deploy.kafka.node import KafkaNode

        node = KafkaNode(
            data,
            host=host,
            port=port,
            heap_mb=parse_heap(heap),
            properties=parse_properties(properties or []),
        )
        _run(node)
    except HubbubError as error:
        typer.echo(f"hubbub kafka: {error}", err=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        typer.echo("Kafka has stopped.")


def parse_heap(text: str) -> int:
    """Read a heap size such as `768m` or `2g` as mebibytes. Raises SettingsInvalid."""
    match = re.fullmatch(r"(\d{1,6})([mMgG])", text)
    heap_mb = int(match[1]) * (1024 if match[2] in "gG" else 1) if match else 0
    if heap_mb < MIN_HEAP_MB:
        raise SettingsInvalid(
            f"the heap {text!r} cannot be; expected at least {MIN_HEAP_MB}m, such as 768m or 2g"
        )
    return heap_mb


def parse_properties(pairs: list[str]) -> dict[str, str]:
    """Read `KEY=VALUE` pairs. Raises SettingsInvalid."""
    properties = {}
    for pair in pairs:
        key, sign, value = pair.partition("=")
        if not sign or not key.strip():
            raise SettingsInvalid(f"the property {pair!r} cannot be read; expected KEY=VALUE")
        properties[key.strip()] = value.strip()
    return properties


def _run(node: "KafkaNode") -> None:
    from deploy.kafka.distribution import kafka_version

    with node:
        typer.echo(
            f"Apache Kafka {kafka_version()} listens on {node.bootstrap} "
            f"(data in {node.data}, heap {node.heap_mb} MB, process {node.pid})."
        )
        typer.echo(
            "For this machine alone: development, the demo and tests. Ctrl-C stops it; its data stays."
        )
        node.wait()
        raise node.describe_end()


if __name__ == "__main__":
    typer.run(kafka)
