"""The supervisor: several worker processes as one, each started again when it ends badly.

In: commands to run. Out: one exit code. A worker that ends well is not started again; one whose input is wrong ends
all; any other comes back after 1, 2, 4 … 30 s. SIGTERM goes on to every worker, which has 15 s to finish its batch.
"""

import ctypes
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

import structlog

EXIT_INPUT = 2
PR_SET_PDEATHSIG = 1
GRACE_S = 15.0
LONGEST_WAIT_S = 30.0
STEADY_S = 60.0
_LOG = structlog.get_logger()


def _end_with_parent() -> None:
    """Let the kernel send SIGTERM when the supervisor is gone, however it went; on Linux alone."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class _Process:
    """One supervised process and when it may start again."""

    def __init__(self, name: str, command: Sequence[str]) -> None:
        self.name = name
        self.command = command
        self.process: subprocess.Popen[bytes] | None = None
        self.done = False
        self._wait_s = 1.0
        self._due = 0.0
        self._started = 0.0

    def start_if_due(self) -> None:
        if self.process is None and not self.done and time.monotonic() >= self._due:
            self._started = time.monotonic()
            self.process = subprocess.Popen(self.command, preexec_fn=_end_with_parent)
            _LOG.info("worker_started", worker=self.name, pid=self.process.pid)

    def ended(self) -> int | None:
        """Return the exit code of a process that has just ended."""
        code = None if self.process is None else self.process.poll()
        if code is None:
            return None
        self.process = None
        if time.monotonic() - self._started > STEADY_S:
            self._wait_s = 1.0
        self._due = time.monotonic() + self._wait_s
        self._wait_s = min(self._wait_s * 2, LONGEST_WAIT_S)
        return code


class Supervisor:
    """Keep processes alive until `stop` or until all have ended well."""

    def __init__(self, commands: Mapping[str, Sequence[str]]) -> None:
        self._processes = [_Process(name, command) for name, command in commands.items()]
        self._stopping = False

    def stop(self) -> None:
        """Ask for the end. Safe from a signal handler."""
        self._stopping = True

    def run(self) -> int:
        """Supervise; returns 0, or the code of a process whose input is wrong."""
        try:
            while not self._stopping and not all(item.done for item in self._processes):
                for item in self._processes:
                    item.start_if_due()
                    code = item.ended()
                    if code == EXIT_INPUT:
                        return code
                    self._note(item, code)
                time.sleep(0.1)
            return 0
        finally:
            self._stop_all()

    @staticmethod
    def _note(item: _Process, code: int | None) -> None:
        if code == 0:
            item.done = True
        elif code is not None:
            _LOG.warning("worker_ended", worker=item.name, code=code)

    def _stop_all(self) -> None:
        alive = [item.process for item in self._processes if item.process is not None]
        for process in alive:
            process.terminate()
        until = time.monotonic() + GRACE_S
        for process in alive:
            try:
                process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                _LOG.error("worker_killed", pid=process.pid, seconds=GRACE_S)
                process.kill()
                process.wait()


def hubbub_command(*words: str) -> list[str]:
    """Return the command line that runs another `hubbub` with this very Python."""
    return [sys.executable, "-m", "hubbub", *words]
