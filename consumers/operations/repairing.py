"""Repairing: what makes a dead letter's value right.

In: a value. Out: another, from a file or from a command. Nothing else of the letter changes.
"""

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from contracts.errors import HubbubError, InvalidInput

Repair = Callable[[bytes | None], bytes]
COMMAND_TIMEOUT_S = 60
SHOWN_BYTES = 300


class RepairFailed(HubbubError):
    """Say why a value was not repaired; the letter stays as it is."""

    code = "repair_failed"
    disposition = "dead_letter"


def by_file(path: Path) -> Repair:
    """Return a repair that gives what a file holds; raises InvalidInput for one that cannot be read."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path}: {error.strerror}; expected a readable file") from error
    return lambda value: content


def by_command(command: str) -> Repair:
    """Return a repair that pipes each value through a shell command, as `jq` is; it has 60 s for each.

    It raises RepairFailed for another exit code than 0, for nothing written, and for a command that takes too long.

    >>> by_command("tr a-z A-Z")(b"loud")
    b'LOUD'
    """
    return lambda value: _through(command, value or b"")


def _through(command: str, value: bytes) -> bytes:
    # A group of its own, so that a whole pipeline ends with its shell: what lives on would hold the pipes open.
    process = subprocess.Popen(
        command, shell=True, start_new_session=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    with process:
        try:
            mended, said = process.communicate(value, timeout=COMMAND_TIMEOUT_S)
        except subprocess.TimeoutExpired as error:
            os.killpg(process.pid, signal.SIGKILL)
            raise RepairFailed(f"the command took longer than {COMMAND_TIMEOUT_S} s") from error
    if process.returncode:
        words = said[-SHOWN_BYTES:].decode("utf-8", "replace").strip()
        raise RepairFailed(f"the command ended with {process.returncode}: {words}")
    if not mended:
        raise RepairFailed("the command wrote nothing")
    return mended
