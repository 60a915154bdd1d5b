"""Run one program as a child that never outlives us.

In: a command, a file for what it prints, descriptors to hand down. Out: its pid and exit code. Knows no Kafka.

The kernel ties a tethered child to the *thread* that started it (prctl(2), PR_SET_PDEATHSIG), not to the process.
So each child has a thread of its own here, which starts it, waits for it, and ends with it.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

TETHER = Path(__file__).with_name("tether.py")


class TetheredProcess:
    """Start a command in a session of its own, append its output to a file, and know when it ends."""

    def __init__(
        self, command: Sequence[str], output: Path, *, keep_fds: Sequence[int] = ()
    ) -> None:
        self._command = tuple(command)
        self._output = output
        self._keep_fds = tuple(keep_fds)
        self._child: subprocess.Popen[bytes] | None = None
        self._failure: OSError | None = None
        self._born = threading.Event()
        self._ended = threading.Event()

    @property
    def pid(self) -> int:
        """Return the child's process id. Raises RuntimeError before `start`."""
        if self._child is None:
            raise RuntimeError("the process has no pid before start()")
        return self._child.pid

    @property
    def is_running(self) -> bool:
        """Say whether the child was started and has not ended."""
        return self._child is not None and not self._ended.is_set()

    def start(self) -> None:
        """Start the child and return at once. Raises OSError when the program cannot be executed."""
        threading.Thread(target=self._keep, name="tether", daemon=True).start()
        self._born.wait()
        if self._failure is not None:
            raise self._failure

    def wait(self, timeout_s: float | None = None) -> int | None:
        """Wait for the end and return the exit code (-N: signal N), or None when the time is over first."""
        if self._child is None or not self._ended.wait(timeout_s):
            return None
        return self._child.returncode

    def stop(self, patience_s: float) -> int | None:
        """Ask the child to end (SIGTERM), kill it after `patience_s`, and return its exit code."""
        if self.is_running:
            self._signal(signal.SIGTERM)
            if self.wait(patience_s) is None:
                self.kill()
        return self.wait()

    def kill(self) -> int | None:
        """End the child at once (SIGKILL) and return its exit code when it is gone."""
        if self.is_running:
            self._signal(signal.SIGKILL)
        return self.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self._child is not None:
            self._child.send_signal(number)

    def _keep(self) -> None:
        try:
            with self._output.open("ab") as output:
                self._child = subprocess.Popen(
                    [sys.executable, "-I", "-S", str(TETHER), str(os.getpid()), *self._command],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    pass_fds=self._keep_fds,
                    # Its own session: Ctrl-C in a terminal reaches us alone, and we end it in order.
                    start_new_session=True,
                )
        except OSError as error:
            self._failure = error
            self._ended.set()
            self._born.set()
            return
        self._born.set()
        self._child.wait()
        self._ended.set()
