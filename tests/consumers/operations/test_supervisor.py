"""The supervisor, over real processes: what ends well rests, what ends badly comes back, wrong input ends all."""

import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from consumers.operations.supervisor import Supervisor

# Note the process in a file, and stay.
NOTING = """
import os, sys, time
open(sys.argv[1], "a").write(f"{os.getpid()}\\n")
while True:
    time.sleep(0.1)
"""


def python(code: str, *words: str) -> Sequence[str]:
    return [sys.executable, "-c", code, *words]


def eventually(path: Path, lines: int) -> list[str]:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        found = path.read_text().splitlines() if path.exists() else []
        if len(found) >= lines:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{path} has fewer than {lines} lines")


def test_all_that_end_well_end_the_supervisor_with_0() -> None:
    assert Supervisor({"a": python("pass"), "b": python("pass")}).run() == 0


def test_wrong_input_ends_all_with_its_code(tmp_path: Path) -> None:
    # Given a worker that is well, and one whose input is wrong
    notes = tmp_path / "starts"
    wrong = python("import sys, time; time.sleep(1); sys.exit(2)")
    supervisor = Supervisor({"good": python(NOTING, str(notes)), "wrong": wrong})
    # When they run
    # Then its code is the supervisor's, and the other does not live on
    assert supervisor.run() == 2
    assert not Path(f"/proc/{eventually(notes, 1)[0]}").exists()


def test_a_killed_worker_comes_back_and_a_stop_ends_it(tmp_path: Path) -> None:
    # Given a worker
    notes = tmp_path / "starts"
    supervisor = Supervisor({"worker": python(NOTING, str(notes))})
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(supervisor.run()))
    thread.start()
    # When it is killed
    os.kill(int(eventually(notes, 1)[0]), signal.SIGKILL)
    # Then another comes, and a stop ends that one too
    second = eventually(notes, 2)[1]
    supervisor.stop()
    thread.join(30)
    assert codes == [0]
    assert not Path(f"/proc/{second}").exists()
