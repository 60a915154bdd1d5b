"""Become a program that dies when its parent dies: the first step of every Java process here.

In: the parent's pid, then the command. Out: nothing; this process becomes the command. Standard library only, since it
runs as a bare script. Linux alone has the request; elsewhere the command simply starts, untethered.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def tether(parent_pid: int) -> None:
    """Ask the kernel to end this process as soon as the thread that started it is gone. Raises OSError."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) was refused")
    if os.getppid() != parent_pid:
        # The parent went between fork and the request, which then never fires.
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    tether(int(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])
