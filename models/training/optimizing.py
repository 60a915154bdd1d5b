"""How weights move: rates by depth and by what is done of a stage, and the moving average that is kept.

In: an encoder, a `FitConfig`, gradients. Out: changed weights. Imports torch.
"""

from typing import Any

import torch
from torch import Tensor

from models.networks.encoder import Encoder
from models.training.config import FitConfig

LEAST_RATE = 0.01


def make_optimizer(model: Encoder, fit: FitConfig) -> torch.optim.Optimizer:
    """Return AdamW with a rate for each depth; each group holds its own top rate as `top`."""
    depth = len(model.layers)
    merged: dict[tuple[float, float], dict[str, Any]] = {}
    for name, value in model.named_parameters():
        if name.startswith(("heads", "project")):
            top = fit.head_rate
        elif name.startswith("layers."):
            top = fit.rate * fit.layer_decay ** (depth - 1 - int(name.split(".")[1]))
        else:
            top = fit.rate * fit.layer_decay**depth
        decay = fit.weight_decay if value.ndim > 1 else 0.0
        group = {"params": [], "lr": top, "top": top, "weight_decay": decay}
        merged.setdefault((top, decay), group)["params"].append(value)
    return torch.optim.AdamW(list(merged.values()), betas=(0.9, 0.98), fused=True)


def set_rates(optimizer: torch.optim.Optimizer, fit: FitConfig, *, seen: int) -> None:
    """Set every group's rate for the share of the stage that is done."""
    done = seen / fit.samples
    factor = min(done / fit.warmup, max(LEAST_RATE, (1 - done) / (1 - fit.warmup)))
    for group in optimizer.param_groups:
        group["lr"] = group["top"] * factor


@torch.no_grad()
def blend(average: dict[str, Tensor], model: Encoder, *, decay: float) -> None:
    """Move the average towards the model's weights."""
    named = dict(model.named_parameters())
    torch._foreach_lerp_(
        [average[name] for name in named], [value.detach() for value in named.values()], 1 - decay
    )
