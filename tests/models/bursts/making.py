"""Series to watch: quiet counts that swing over the day, and a way to run a bank over columns of values."""

import numpy as np
import numpy.typing as npt

from models.bursts.bank import Bank

Floats = npt.NDArray[np.float64]
STEP_S = 300.0
DAY = 288


def quiet(mean: float, *, days: int, seed: int) -> Floats:
    """Return Poisson counts by five minutes, whose mean swings by 80 % over the day."""
    swing = mean * (1 + 0.8 * np.sin(2 * np.pi * np.arange(days * DAY) / DAY))
    return np.random.default_rng(seed).poisson(swing).astype(float)


def scores_of(values: Floats, bank: Bank | None = None, *, first: int = 0) -> Floats:
    """Return the scores [steps, n] of `values` [steps, n], of which the first is step number `first`."""
    bank = bank or Bank(values.shape[1], step_s=STEP_S)
    return np.array(
        [bank.update(STEP_S * (first + step), row).score for step, row in enumerate(values)]
    )
