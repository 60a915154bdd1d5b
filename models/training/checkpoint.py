"""Save and take up a stage of training.

In: a module, its optimiser and a step. Out: one file, replaced whole, so that an interruption leaves the last good one.
Imports torch.
"""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from models.training.whole_files import read_whole, write_whole

CHECKPOINT_FILE = "fit.pt"


def save_checkpoint(
    path: Path, model: nn.Module, *, optimizer: torch.optim.Optimizer, step: int, extra: Any = None
) -> None:
    """Write model, optimiser, step and `extra` (plain numbers and tensors)."""
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "step": step,
        "extra": extra,
    }
    write_whole(path, lambda file: torch.save(state, file))


def load_checkpoint(
    path: Path, model: nn.Module, *, optimizer: torch.optim.Optimizer
) -> tuple[int, Any]:
    """Return (next step, extra) and fill model and optimiser; (0, None) when there is no file.

    Raises `InvalidInput` when the file is damaged.
    """
    if not path.exists():
        return 0, None
    state = read_whole(path, lambda file: torch.load(file, weights_only=True, map_location="cpu"))
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["step"]), state["extra"]
