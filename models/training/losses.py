"""What a training step minimises.

In: one pass of the encoder and what is known of its rows. Out: scalar losses. Imports torch.

    labels       log sum exp over the columns that the source tells apart - the same over those of which any may be true
    soft labels  T^2 KL(teachers || student) of each exported head
    likeness     1 - cos(embedding, teacher vector) + 4 mean (embeddings' cosines - teachers' cosines)^2
    consistency  the mean of both KL divergences of two passes with different dropout

References: Hinton et al. 2015 (soft labels); Wu et al., R-Drop, 2021 (consistency).
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

MATRIX_WEIGHT = 4.0
IMPOSSIBLE = -1e4


def label_loss(logits: Tensor, *, targets: Tensor, known: Tensor, weights: Tensor) -> Tensor:
    """Return the mean loss over rows with labels; masks are bool [rows, columns], `weights` [rows] (0: no label)."""
    among = logits.masked_fill(~known, IMPOSSIBLE).logsumexp(1)
    right = logits.masked_fill(~targets, IMPOSSIBLE).logsumexp(1)
    return ((among - right) * weights).sum() / (weights > 0).sum().clamp(min=1)


def soft_label_loss(
    logits: Tensor, soft: Tensor, *, spans: Sequence[slice], temperature: float
) -> Tensor:
    """Return the mean divergence over rows and heads; `soft` [rows, columns] are the teachers' log probabilities."""
    total = logits.new_zeros(())
    for span in spans:
        theirs = functional.softmax(soft[:, span] / temperature, dim=1)
        ours = functional.log_softmax(logits[:, span] / temperature, dim=1)
        total = total + functional.kl_div(ours, theirs, reduction="batchmean")
    return total * temperature**2 / max(1, len(spans))


def likeness_loss(embedding: Tensor, *, teacher: Tensor, second: Tensor, same: Tensor) -> Tensor:
    """Return the loss of unit rows; `teacher` [rows, hidden] unit rows.

    `second` [rows, any] are unit rows of another teacher or zeros; where `same` [rows, rows] holds, its cosines count
    as much as the first one's.
    """
    theirs = teacher @ teacher.T
    theirs = torch.where(same, (theirs + second @ second.T) / 2, theirs)
    matrix = ((embedding @ embedding.T - theirs) ** 2).mean()
    return 1 - (embedding * teacher).sum(1).mean() + MATRIX_WEIGHT * matrix


def consistency_loss(first: Tensor, second: Tensor, *, known: Tensor, weights: Tensor) -> Tensor:
    """Return the mean symmetric divergence of two passes over the known columns of rows with labels."""
    logs = [
        functional.log_softmax(x.masked_fill(~known, IMPOSSIBLE), dim=1) for x in (first, second)
    ]
    both = sum((a.exp() * (a - b) * known).sum(1) for a, b in (logs, reversed(logs)))
    has = (weights > 0).float()
    return (both / 2 * has).sum() / has.sum().clamp(min=1)
