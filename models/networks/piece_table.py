"""A bag of pieces: one row of numbers a piece, summed over the text; no order, no attention.

In: piece ids of many texts, end to end, with the start of each. Out: a unit vector of likeness and one logit a label.
Imports torch at the top: only training imports this module, never the product (`engines/ort` runs the exported graph).

    vector  = unit(sum_i L[i])                                  likeness, distilled from the base encoder
    mood    = sum_i M[i] / sqrt(n)                              what the heads need beyond likeness
    logits  = head(relu(hidden(sqrt(width) * vector ++ mood)))
    L       = g * (B P + D),  M = B Q + E

B holds the base encoder's own piece vectors (fixed), P and Q are learnt projections that all pieces share, D and E
learnt corrections and g a learnt weight of each piece. A rare piece thus inherits from its likes; after training all
of it folds into two plain tables. Padding (piece 0) is a row of zeros.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.training.config import NetworkConfig


class FoldedTables(NamedTuple):
    """Hold the two tables as trained: `likeness` [pieces, vector_width], `mood` [pieces, head_width]."""

    likeness: Tensor
    mood: Tensor


class PieceTable(nn.Module):
    """Learn the tables and the heads; `base` is float32 [pieces, any width], row 0 zeros."""

    def __init__(
        self, base: Tensor, *, labels: Mapping[str, Sequence[str]], config: NetworkConfig
    ) -> None:
        super().__init__()
        pieces, width = base.shape
        self.vector_width = config.vector_width
        self.dropout = config.dropout
        self.register_buffer("base", base)
        self.project = nn.Linear(width, config.vector_width, bias=False)
        self.correction = nn.Parameter(torch.zeros(pieces, config.vector_width))
        self.gain = nn.Parameter(torch.zeros(pieces, 1))
        self.mood_project = nn.Linear(width, config.head_width, bias=False)
        self.mood_correction = nn.Parameter(torch.zeros(pieces, config.head_width))
        self.hidden = nn.Linear(config.vector_width + config.head_width, config.hidden_width)
        self.heads = nn.ModuleDict(
            {name: nn.Linear(config.hidden_width, len(of)) for name, of in labels.items()}
        )

    def likeness_rows(self, pieces: Tensor) -> Tensor:
        """Return L for `pieces` (int64 [n]): float32 [n, vector_width]."""
        rows = self.project(self.base[pieces]) + self.correction[pieces]
        return rows * self.gain[pieces].exp() * (pieces != 0)[:, None]

    def mood_rows(self, pieces: Tensor) -> Tensor:
        """Return M for `pieces` (int64 [n]): float32 [n, head_width]."""
        return (self.mood_project(self.base[pieces]) + self.mood_correction[pieces]) * (
            pieces != 0
        )[:, None]

    def vectors(self, ids: Tensor, starts: Tensor) -> Tensor:
        """Return unit vectors [texts, vector_width] of the bags `ids` [all pieces] that begin at `starts` [texts]."""
        distinct, where = torch.unique(ids, return_inverse=True)
        summed = functional.embedding_bag(where, self.likeness_rows(distinct), starts, mode="sum")
        return functional.normalize(summed, dim=1, eps=1e-6)

    def logits(self, ids: Tensor, starts: Tensor, *, head: str, vectors: Tensor) -> Tensor:
        """Return one head's logits [texts, labels]; `vectors` are those of the same bags (cached: they are frozen)."""
        distinct, where = torch.unique(ids, return_inverse=True)
        summed = functional.embedding_bag(where, self.mood_rows(distinct), starts, mode="sum")
        ends = torch.cat([starts[1:], torch.tensor([len(ids)])])
        mood = summed / (ends - starts).clamp(min=1).sqrt()[:, None]
        features = torch.cat([vectors * self.vector_width**0.5, mood], dim=1)
        features = functional.dropout(features, self.dropout, self.training)
        hidden = functional.dropout(
            functional.relu(self.hidden(features)), self.dropout, self.training
        )
        output: Tensor = self.heads[head](hidden)
        return output

    @torch.no_grad()
    def folded(self) -> FoldedTables:
        """Return the plain tables that the exported graph carries."""
        pieces = torch.arange(len(self.gain))
        return FoldedTables(self.likeness_rows(pieces), self.mood_rows(pieces))
