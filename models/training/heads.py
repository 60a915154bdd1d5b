"""Second stage: the heads, and the part of the table that serves them; likeness stays as it is.

In: labelled bags. Out: a trained `PieceTable`, its best state by development score. Imports numpy and torch.

A source that tells only some labels apart says nothing of the others: the softmax of its rows runs over the labels that
it knows. Rows with several labels share the target evenly. Labels weigh by the inverse root of their count.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
import structlog
import torch
from torch import Tensor
from torch.nn import functional

from models.evaluation.figures import macro_f1
from models.networks.piece_table import PieceTable
from models.protocols import FloatArray
from models.training.bags import BagStore, IndexArray, drop_pieces, in_chunks
from models.training.checkpoint import load_checkpoint, save_checkpoint
from models.training.config import HeadsConfig
from models.training.sources import LabelledRow

PIECE_DROPOUT = 0.15
CHECKS = 12
IMPOSSIBLE = -30.0

log = structlog.get_logger()


class HeadData(msgspec.Struct, frozen=True):
    """Hold one head's rows: `positions` [rows] in the store, `targets` and `known` [rows, labels], `weights` [rows]."""

    positions: IndexArray
    targets: FloatArray
    known: FloatArray
    weights: FloatArray


def head_data(rows: Sequence[LabelledRow], head: str, *, width: int, is_dev: bool) -> HeadData:
    """Lay out one head's training or development rows; positions count in `rows`, weights add up to 1."""
    positions = [i for i, row in enumerate(rows) if row.head == head and row.is_dev == is_dev]
    targets = np.zeros((len(positions), width), np.float32)
    known = np.zeros_like(targets)
    for at, position in enumerate(positions):
        row = rows[position]
        targets[at, list(row.targets)] = 1 / len(row.targets)
        known[at, list(row.known)] = 1
    weights = np.array([rows[i].weight for i in positions], np.float64)
    return HeadData(np.array(positions, np.int64), targets, known, weights / weights.sum())


def label_weights(data: HeadData) -> Tensor:
    """Return float32 [labels]: the inverse root of each label's share, 1 on average over the rows."""
    mass = (data.targets * data.weights[:, None]).sum(0) + 1e-3
    weights = mass**-0.5
    return torch.from_numpy((weights * mass.sum() / (weights * mass).sum()).astype(np.float32))


class HeadTrainer:
    """Train the heads of one model on one store; vectors of all texts are computed once, since they stay."""

    def __init__(
        self,
        model: PieceTable,
        store: BagStore,
        *,
        rows: Sequence[LabelledRow],
        config: HeadsConfig,
    ) -> None:
        self._model = model
        self._store = store
        self._config = config
        widths = {name: model.heads[name].out_features for name in config.shares}
        self._training = {n: head_data(rows, n, width=w, is_dev=False) for n, w in widths.items()}
        self._development = {n: head_data(rows, n, width=w, is_dev=True) for n, w in widths.items()}
        self._label_weights = {name: label_weights(data) for name, data in self._training.items()}
        self._vectors = self._all_vectors()

    def fit(self, run: Path) -> float:
        """Train all steps; leave the best state in the model and return its mean development macro-F1.

        Takes up `run`/heads.pt. Each step's rows depend on its number alone.
        """
        model = self._model
        learnt = [model.mood_project.weight, model.mood_correction]
        learnt += [*model.hidden.parameters(), *model.heads.parameters()]
        optimizer = torch.optim.AdamW(learnt, lr=self._config.rate, weight_decay=self._config.decay)
        done, best = load_checkpoint(run / "heads.pt", model, optimizer=optimizer)
        best = best or {"score": -1.0, "model": {}}
        every = max(1, self._config.steps // CHECKS)
        for step in range(done, self._config.steps):
            self._step(step, optimizer)
            if (step + 1) % every == 0 or step + 1 == self._config.steps:
                scores = self.development_scores()
                log.info(
                    "heads_checked", step=step + 1, **{n: round(s, 4) for n, s in scores.items()}
                )
                mean = float(np.mean(list(scores.values())))
                if mean > best["score"]:
                    best = {
                        "score": mean,
                        "model": {k: v.clone() for k, v in model.state_dict().items()},
                    }
                save_checkpoint(
                    run / "heads.pt", model, optimizer=optimizer, step=step + 1, extra=best
                )
        model.load_state_dict(best["model"])
        return float(best["score"])

    def _step(self, step: int, optimizer: torch.optim.Optimizer) -> None:
        for group in optimizer.param_groups:
            group["lr"] = self._config.rate * (1 - step / self._config.steps)
        generator = np.random.default_rng(step)
        names = list(self._config.shares)
        shares = np.array(list(self._config.shares.values()))
        name = names[int(generator.choice(len(names), p=shares / shares.sum()))]
        loss = self._loss(name, generator)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    def _loss(self, name: str, generator: np.random.Generator) -> Tensor:
        data = self._training[name]
        draws = generator.random(self._config.batch_rows)
        chosen = np.searchsorted(np.cumsum(data.weights), draws).clip(max=len(data.weights) - 1)
        bag = drop_pieces(
            self._store.take(data.positions[chosen]), PIECE_DROPOUT, generator=generator
        )
        self._model.train()
        logits = self._model.logits(
            torch.from_numpy(bag.ids),
            torch.from_numpy(bag.starts),
            head=name,
            vectors=self._vectors[torch.from_numpy(data.positions[chosen])],
        )
        logits = logits.masked_fill(torch.from_numpy(data.known[chosen]) == 0, IMPOSSIBLE)
        targets = torch.from_numpy(data.targets[chosen])
        weight = (targets * self._label_weights[name]).sum(1)
        losses = -(targets * functional.log_softmax(logits, dim=1)).sum(1)
        return (weight * losses).sum() / weight.sum()

    @torch.no_grad()
    def _all_vectors(self) -> Tensor:
        bags = (bag for _, bag in in_chunks(self._store))
        return torch.cat(
            [self._model.vectors(torch.from_numpy(b.ids), torch.from_numpy(b.starts)) for b in bags]
        )

    @torch.no_grad()
    def development_scores(self) -> Mapping[str, float]:
        """Return each head's macro-F1 over its development rows with one label, guessing among the known labels."""
        self._model.eval()
        scores = {}
        for name, data in self._development.items():
            bag = self._store.take(data.positions)
            vectors = self._vectors[torch.from_numpy(data.positions)]
            ids, starts = torch.from_numpy(bag.ids), torch.from_numpy(bag.starts)
            logits = self._model.logits(ids, starts, head=name, vectors=vectors).numpy()
            guesses = np.where(data.known > 0, logits, -np.inf).argmax(1)
            is_single = data.targets.max(1) == 1
            scores[name] = macro_f1(data.targets.argmax(1)[is_single], guesses[is_single])
        return scores
