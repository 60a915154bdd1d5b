"""Keep the node's files in one folder, and the folder for one node at a time.

In: a path. Out: the places of what lies in it, a lock, the end of the broker's log. Knows no process.

    broker.log    what the broker said since its last start (broker.log.1: since the one before)
    log/          the partitions, and the metadata log: all that must be kept
    java-crash.log  what Java left if it crashed itself
    node.lock     held as long as the node or its Java process lives
    tmp/          native libraries that Java unpacks
"""

import fcntl
import os
import shutil
from pathlib import Path

from contracts.errors import DataInUse, DiskFull, NodeFailed

NO_SPACE = "No space left on device"
# The largest batch that the broker takes: one that does not fit leaves as much unused.
FULL_BYTES = 16 * 1024 * 1024


class DataFolder:
    """Give the places inside a node's data folder and lock it."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.log_dir = self.root / "log"
        self.new_log_dir = self.root / "log.new"
        self.properties = self.root / "server.properties"
        self.keystore = self.root / "keystore.pem"
        self.broker_log = self.root / "broker.log"
        self.crash_log = self.root / "java-crash.log"
        self.temporary = self.root / "tmp"
        self._lock = self.root / "node.lock"
        self._descriptor: int | None = None

    @property
    def lock_descriptor(self) -> int:
        """Return the open lock, for the Java process to hold too. Raises RuntimeError before `claim`."""
        if self._descriptor is None:
            raise RuntimeError("the data folder is not claimed")
        return self._descriptor

    def claim(self) -> None:
        """Make the folder, lock it and clear what the last run left over. Raises DataInUse, NodeFailed."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)
            self._take_lock(self._descriptor)
            shutil.rmtree(self.temporary, ignore_errors=True)
            self.temporary.mkdir()
            if self.broker_log.exists():
                self.broker_log.replace(self.broker_log.with_suffix(".log.1"))
        except OSError as error:
            self.release()
            raise NodeFailed(f"the data folder {self.root} cannot be used: {error}") from error
        except DataInUse:
            self.release()
            raise

    def release(self) -> None:
        """Unlock the folder; the lock itself falls when no Java process holds it any more either."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def write_private(self, path: Path, text: str) -> None:
        """Write a file that only the owner can read. Raises NodeFailed, DiskFull."""
        try:
            path.unlink(missing_ok=True)
            path.touch(mode=0o600)
            path.write_text(text, encoding="ascii")
        except OSError as error:
            if self.is_full():
                raise self.disk_full() from error
            raise NodeFailed(f"{path} cannot be written: {error}") from error

    def is_full(self) -> bool:
        """Say whether the disk has no room left, by what it says itself or by what the broker met."""
        if shutil.disk_usage(self.root).free < FULL_BYTES:
            return True
        return NO_SPACE in self.read_tail(lines=400)

    def disk_full(self) -> DiskFull:
        """Give the error for a full disk, with the remedy."""
        return DiskFull(
            f"the disk under {self.root} is full (less than {FULL_BYTES // 1024**2} MiB are left), and Kafka "
            "cannot run without room; what it acknowledged is kept: make room there, then start again on "
            "the same folder"
        )

    def read_tail(self, lines: int = 25) -> str:
        """Return the last lines of the broker's log, at most 64 KiB of them."""
        if not self.broker_log.exists():
            return ""
        with self.broker_log.open("rb") as file:
            file.seek(max(0, self.broker_log.stat().st_size - 64 * 1024))
            text = file.read().decode("utf-8", errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def _take_lock(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 32, 0).decode("ascii", errors="replace").strip()
            raise DataInUse(
                f"the data folder {self.root} belongs to a live node (started by process {holder or 'unknown'}); "
                "stop that one, or choose another folder"
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
