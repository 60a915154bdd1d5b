"""The demo's parts as the very commands a user would type, each a process of its own.

In: words of a command line, a folder for logs. Out: processes, ended with the demo; the end of the log where one fails.
"""

import os
import subprocess
import sys
from pathlib import Path

from contracts.errors import NodeFailed

TAIL_LINES = 20
GRACE_S = 15.0


class DemoFailed(NodeFailed):
    """Report which of the demo's commands failed, with the end of its log."""

    code = "demo_failed"


class Steps:
    """Run `hubbub` commands against one broker; `close` ends what still runs."""

    def __init__(self, folder: Path, bootstrap: str) -> None:
        self._folder = folder
        self._environment = os.environ | {
            "HUBBUB_KAFKA_BOOTSTRAP": bootstrap,
            "HUBBUB_METRICS_PORT": "0",
            "PYTHONUNBUFFERED": "1",
        }
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def run(self, *words: str) -> str:
        """Run one command to its end and return what it printed; raises DemoFailed."""
        done = subprocess.run(
            _command(*words), env=self._environment, capture_output=True, check=False, text=True
        )
        if done.returncode:
            raise DemoFailed(
                f"hubbub {words[0]} ended with {done.returncode}:\n{done.stderr[-2000:]}"
            )
        return done.stdout

    def start(self, name: str, *words: str) -> None:
        """Start a command that goes on beside the demo, its output in `<name>.log`."""
        with (self._folder / f"{name}.log").open("wb") as log:
            self._running[name] = subprocess.Popen(
                _command(*words), env=self._environment, stdout=log, stderr=subprocess.STDOUT
            )

    def is_running(self, name: str) -> bool:
        """Say whether a started command still runs; raises DemoFailed where it has ended badly."""
        code = self._running[name].poll()
        if code:
            log = (self._folder / f"{name}.log").read_text(errors="replace")
            tail = "\n".join(log.splitlines()[-TAIL_LINES:])
            raise DemoFailed(f"`{name}` ended with {code}; the end of its log:\n{tail}")
        return code is None

    def close(self) -> None:
        """End everything that still runs."""
        for process in self._running.values():
            if process.poll() is None:
                process.terminate()
        for process in self._running.values():
            try:
                process.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _command(*words: str) -> list[str]:
    return [sys.executable, "-m", "hubbub", *words]
