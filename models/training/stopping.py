"""Decide when a stage of training ends, and which of its averages is kept.

In: a `FitConfig`, a figure and the averaged weights at each check. Out: a verdict. Imports torch.

A check is due each time that another `samples / checks` of the texts are seen, so that an interrupted stage checks
where another would. The last check falls on the stage's end.
"""

from typing import Any

import torch
from torch import Tensor

from models.training.config import FitConfig


class EarlyStop:
    """Keep the best average so far, and count the checks since."""

    def __init__(self, fit: FitConfig) -> None:
        self._fit = fit
        self._best = float("-inf")
        self._waited = 0
        self.weights: dict[str, Tensor] | None = None

    @property
    def is_over(self) -> bool:
        """Return whether `patience` checks in a row were no better."""
        return 0 < self._fit.patience <= self._waited

    def is_due(self, seen: int, *, rows: int) -> bool:
        """Return whether a check falls among the last `rows` of `seen` texts."""
        checks, samples = self._fit.checks, self._fit.samples
        return checks > 0 and seen * checks // samples > (seen - rows) * checks // samples

    @torch.no_grad()
    def check(self, figure: float, average: dict[str, Tensor]) -> None:
        """Take the figure that `average` reached; higher is better."""
        if figure > self._best:
            self._best, self._waited = figure, 0
            self.weights = {name: value.clone() for name, value in average.items()}
        else:
            self._waited += 1

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint must hold."""
        return {"best": self._best, "waited": self._waited, "weights": self.weights}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what `state` returned."""
        self._best, self._waited = state["best"], state["waited"]
        self.weights = state["weights"]
