"""For tests of the embedded Kafka: the command as a process, and a node that may be killed."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.kafka.node import KafkaNode

ROOT = Path(__file__).parents[3]
SCRIPT = "import typer; from deploy.kafka.cli import kafka; typer.run(kafka)"


class KafkaCommand:
    """Run `hubbub kafka` as a process of its own, on a free port."""

    def __init__(self, data: Path, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, "--data", str(data), "--port", "0", *options],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def await_banner(self) -> tuple[str, int]:
        """Return the address and Java's pid, as the banner names them."""
        assert self.process.stdout is not None
        said = ""
        for line in self.process.stdout:
            said += line
            if line.startswith("For this machine alone"):
                break
        found = re.search(r"listens on (\S+) \(.*process (\d+)\)", said)
        assert found is not None, f"no banner; it said {said!r} and {self.end(60)}"
        return found[1], int(found[2])

    def end(self, timeout_s: float) -> tuple[int, str, str]:
        """Wait for the end and return the exit code and what was printed since the banner."""
        out, err = self.process.communicate(timeout=timeout_s)
        return self.process.returncode, out, err


RunCommand = Callable[..., KafkaCommand]


@pytest.fixture
def run_command(kafka: KafkaNode) -> Iterator[RunCommand]:
    """Run the command; the shared node proves first that Kafka can be had here."""
    assert kafka.is_running
    started: list[KafkaCommand] = []

    def run(data: Path, *options: str) -> KafkaCommand:
        started.append(KafkaCommand(data, *options))
        return started[-1]

    yield run
    for command in started:
        command.process.kill()
        command.process.communicate()


@pytest.fixture(scope="module")
def own_node(kafka: KafkaNode, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaNode]:
    """Make a node for a module's tests to start, stop and kill."""
    assert kafka.is_running
    node = KafkaNode(tmp_path_factory.mktemp("own"), port=0)
    yield node
    node.stop()


@pytest.fixture
def running_node(own_node: KafkaNode) -> KafkaNode:
    """Return the module's own node, started if the test before has ended it."""
    if not own_node.is_running:
        own_node.start()
    return own_node
