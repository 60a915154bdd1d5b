"""How long a score worker takes to be ready, with its files on disk alone and in memory, and how much memory it holds.

In: a broker, texts. Out: `Start`. Cold: the pages of every file of the program, its libraries and its weights are let
go of first, those that another process has mapped excepted. Linux alone.
"""

import os
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from deploy.bench.running import Arm, publish, ready_arm
from deploy.bench.turns import order

ROOT = Path(__file__).resolve().parents[2]
MB = 1024


class Start(msgspec.Struct, frozen=True):
    """Hold medians of the rounds: seconds from the command to ready, megabytes resident then and after the texts."""

    cold_s: float
    warm_s: float
    ready_mb: float
    working_mb: float
    rounds: int


def measure_starts(texts: Sequence[str], *, rounds: int, bootstrap: str) -> Start:
    """Start one worker again and again, cold and warm in turn; each scores all `texts`."""
    seconds: dict[str, list[float]] = {"cold": [], "warm": []}
    ready, working = [], []
    for number, name in order(("cold", "warm"), rounds):
        if name == "cold":
            drop_pages()
        began = time.monotonic()
        arm = Arm("service", 1, len(texts))
        with ready_arm(arm, bootstrap=bootstrap, prefix=f"bench.start.{name}.{number}.") as (
            settings,
            processes,
        ):
            seconds[name].append(time.monotonic() - began)
            ready.append(resident_mb(processes.pids[0]))
            publish(settings, texts)
            processes.wait_done(len(texts))
            working.append(resident_mb(processes.pids[0]))
    return Start(
        cold_s=round(statistics.median(seconds["cold"]), 1),
        warm_s=round(statistics.median(seconds["warm"]), 1),
        ready_mb=round(statistics.median(ready)),
        working_mb=round(statistics.median(working)),
        rounds=rounds,
    )


def drop_pages() -> None:
    """Let go of the cached pages of all files of this installation."""
    os.sync()
    for folder in {*map(Path, sys.path), Path(sys.prefix), ROOT / "models"}:
        for path in folder.rglob("*") if folder.is_dir() else ():
            if path.is_file() and not path.is_symlink():
                with path.open("rb") as file:
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process in MiB, pages of files that it shares included."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / MB
    return 0.0
