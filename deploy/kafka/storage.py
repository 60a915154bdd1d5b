"""Format the log folder of a new node.

In: the data folder, jars, the node's properties. Out: `log/` with a new cluster's id. Must not start a broker.
"""

import base64
import shutil
import subprocess
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from contracts.errors import NodeFailed
from deploy.kafka.folder import NO_SPACE, DataFolder
from deploy.kafka.java import STORAGE_TOOL, java_command

TIMEOUT_S = 60


def format_storage(
    folder: DataFolder, jars: Sequence[Path], *, render: Callable[[Path], str]
) -> None:
    """Format `folder.log_dir` for a new cluster; `render` writes the properties for a log folder.

    The folder is made under another name and renamed at the end: one that is half made must not pass for whole.
    Raises DiskFull, NodeFailed.
    """
    shutil.rmtree(folder.new_log_dir, ignore_errors=True)
    folder.write_private(folder.properties, render(folder.new_log_dir))
    settings = ["-c", str(folder.properties), "-t", new_cluster_id()]
    command = java_command(jars, folder, STORAGE_TOOL, "format", *settings)
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NodeFailed(
            f"the log folder {folder.log_dir} could not be formatted: {error}"
        ) from error
    if done.returncode != 0:
        raise _format_failed(folder, done.stdout + done.stderr)
    folder.new_log_dir.rename(folder.log_dir)


def new_cluster_id() -> str:
    """Draw a cluster id as Kafka writes one: 16 random bytes in URL-safe base64, no `-` in front."""
    while (
        text := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode("ascii").rstrip("=")
    ).startswith("-"):
        pass
    return text


def _format_failed(folder: DataFolder, output: str) -> NodeFailed:
    if NO_SPACE in output or folder.is_full():
        return folder.disk_full()
    tail = "\n".join(output.splitlines()[-25:])
    return NodeFailed(
        f"the log folder {folder.log_dir} could not be formatted, expected Kafka's storage tool to succeed; "
        f"the end of what it printed:\n{tail}"
    )
