"""First stage: texts that the base encoder finds alike get vectors that lie alike.

In: bags of texts and the teacher's vectors. Out: a trained `PieceTable` (its likeness part). Imports numpy and torch.

Loss of a batch, with t the teacher's centred unit vectors, p their first principal components (as unit vectors) and s
the student's:

    mean(1 - s.p) + 4 * mean((s s' - t t')^2)

Centring matters: raw vectors of this encoder all point one way (unrelated texts have cosines of 0.7 to 0.86).
"""

from pathlib import Path

import numpy as np
import structlog
import torch
from torch import Tensor

from models.networks.piece_table import PieceTable
from models.protocols import FloatArray
from models.training.bags import Bag, BagStore, drop_pieces
from models.training.checkpoint import load_checkpoint, save_checkpoint
from models.training.config import LikenessConfig

HELD_OUT_TEXTS = 2000
PIECE_DROPOUT = 0.1
MATRIX_WEIGHT = 4.0
CORRECTION_DECAY = 0.02

log = structlog.get_logger()


def centred_unit(vectors: FloatArray) -> FloatArray:
    """Return `vectors` [n, w] minus their mean, each of length 1."""
    centred = vectors - vectors.mean(axis=0)
    return (centred / np.linalg.norm(centred, axis=1, keepdims=True)).astype(np.float32)


def principal_unit(vectors: FloatArray, width: int) -> FloatArray:
    """Return the first `width` principal components of centred `vectors`, each row of length 1."""
    _, axes = np.linalg.eigh(vectors.T @ vectors)
    reduced = vectors @ axes[:, ::-1][:, :width]
    return (reduced / np.linalg.norm(reduced, axis=1, keepdims=True)).astype(np.float32)


def fit_likeness(
    model: PieceTable, store: BagStore, *, vectors: FloatArray, config: LikenessConfig, run: Path
) -> float:
    """Train the likeness part; return the held-out correlation of student and teacher cosines.

    `vectors` [texts, any width] are the teacher's. Takes up `run`/likeness.pt. An epoch's order depends on its number.
    """
    teacher = centred_unit(vectors)
    targets = (
        torch.from_numpy(principal_unit(teacher, model.vector_width)),
        torch.from_numpy(teacher),
    )
    free = [model.project.weight, model.gain]
    optimizer = torch.optim.AdamW(
        [
            {"params": free, "weight_decay": 0.0},
            {"params": [model.correction], "weight_decay": CORRECTION_DECAY},
        ],
        lr=config.rate,
    )
    done, _ = load_checkpoint(run / "likeness.pt", model, optimizer=optimizer)
    for epoch in range(done, config.epochs):
        for group in optimizer.param_groups:
            group["lr"] = config.rate * (1 - epoch / config.epochs)
        generator = np.random.default_rng(epoch)
        order = generator.permutation(np.arange(held_out(len(store)), len(store)))
        losses = []
        for first in range(0, len(order), config.batch_rows):
            chosen = order[first : first + config.batch_rows]
            bag = drop_pieces(store.take(chosen), PIECE_DROPOUT, generator=generator)
            loss = likeness_loss(model, bag, principal=targets[0][chosen], full=targets[1][chosen])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        log.info("likeness_epoch", epoch=epoch + 1, loss=round(float(np.mean(losses)), 4))
        save_checkpoint(run / "likeness.pt", model, optimizer=optimizer, step=epoch + 1)
    return likeness_correlation(model, store, teacher=teacher)


def held_out(texts: int) -> int:
    """Return how many of the first texts are never trained on."""
    return min(HELD_OUT_TEXTS, texts // 10)


def likeness_loss(model: PieceTable, bag: Bag, *, principal: Tensor, full: Tensor) -> Tensor:
    """Return the loss of one batch; `principal` [rows, vector_width] and `full` [rows, any width] are unit rows."""
    student = model.vectors(torch.from_numpy(bag.ids), torch.from_numpy(bag.starts))
    matrix_loss = ((student @ student.T - full @ full.T) ** 2).mean()
    return 1 - (student * principal).sum(1).mean() + MATRIX_WEIGHT * matrix_loss


@torch.no_grad()
def likeness_correlation(model: PieceTable, store: BagStore, *, teacher: FloatArray) -> float:
    """Return Pearson's correlation between student and teacher cosines over all pairs of the held-out texts."""
    positions = np.arange(held_out(len(store)))
    bag = store.take(positions)
    student = model.vectors(torch.from_numpy(bag.ids), torch.from_numpy(bag.starts)).numpy()
    pairs = np.triu_indices(len(positions), k=1)
    ours = (student @ student.T)[pairs]
    theirs = (teacher[positions] @ teacher[positions].T)[pairs]
    return float(np.corrcoef(ours, theirs)[0, 1])
