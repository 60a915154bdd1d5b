"""What a measurement ran on, so that another can be told from it. In: nothing. Out: names and versions."""

import os
import platform
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

PACKAGES = (
    "hubbub", "onnxruntime", "torch", "tensorrt", "tensorrt-rtx-cu13", "transformers", "tokenizers", "kafka-python",
    "numpy",
)  # fmt: skip
GPUS = Path("/proc/driver/nvidia/gpus")


def machine() -> dict[str, str]:
    """Return processor, cores, memory, GPU, system, versions and the time."""
    found = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.1f} GiB",
        "gpu": ", ".join(_gpus()) or "none",
        "system": platform.platform(),
        "python": platform.python_version(),
    }
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _gpus() -> list[str]:
    """Return the names of NVIDIA's GPUs as its driver tells them."""
    lines = [
        line
        for path in sorted(GPUS.glob("*/information"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    return [line.partition(":")[2].strip() for line in lines if line.startswith("Model:")]
