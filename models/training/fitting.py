"""Fit an encoder: the loop of one stage, taken up where it was interrupted.

In: a network, a corpus, what teachers say, a `FitConfig`. Out: the network with its averaged weights; TensorBoard
events and a checkpoint in the stage's folder. Imports numpy and torch.

Step n draws its rows and its dropout from the seed and n alone, so that an interrupted run ends where another would.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import structlog
import torch
from torch import Tensor

from models.networks.encoder import Encoded, Encoder
from models.training.batches import (
    drawing_chances,
    drop_pieces,
    framed_rows,
    label_weights,
    planned_steps,
    with_prefix,
)
from models.training.checkpoint import load_checkpoint, save_checkpoint
from models.training.config import FitConfig, TrainingConfig
from models.training.corpus import Columns, Corpus
from models.training.losses import (
    consistency_loss,
    label_loss,
    likeness_loss,
    soft_label_loss,
)

CONTEXT_SHARE = (
    0.7  # of the texts that have one are read with it; the rest teach the encoder to do without
)
LOG_SECONDS = 10.0
SAVE_SECONDS = 120.0
LEAST_RATE = 0.01

log = structlog.get_logger()


class Teaching(msgspec.Struct, frozen=True):
    """Hold what teachers say of every text; any part may be None.

    `vectors` float16 [texts, hidden] are the first teacher's unit vectors, `second` float16 [texts, any] those of an
    encoder of the text's own language (zeros where there is none), `soft` float16 [rows, columns] log probabilities of
    the exported heads' columns.
    """

    vectors: npt.NDArray[np.float16] | None = None
    second: npt.NDArray[np.float16] | None = None
    soft: npt.NDArray[np.float16] | None = None


class Fitting:
    """Fit one encoder in one stage."""

    def __init__(
        self,
        model: Encoder,
        corpus: Corpus,
        *,
        columns: Columns,
        config: TrainingConfig,
        teaching: Teaching,
    ) -> None:
        self.model = model
        self._corpus = corpus
        self._columns = columns
        self._config = config
        self._device = next(model.parameters()).device
        self._targets, self._known = (self._put(x) for x in (corpus.targets, corpus.known))
        self._vectors = self._put(teaching.vectors)
        self._second = self._put(teaching.second)
        self._soft = self._put(teaching.soft)
        self._spans = [columns.span(head) for head in config.exported]

    def _put(self, array: npt.NDArray[Any] | None) -> Tensor | None:
        return None if array is None else torch.from_numpy(array).to(self._device)

    def fit(
        self,
        fit: FitConfig,
        *,
        seed: int,
        folder: Path | None = None,
        without: npt.NDArray[np.int64] | None = None,
    ) -> None:
        """Run the stage and leave the averaged weights in the model; rows in `without` are never drawn."""
        corpus = self._corpus
        chances = drawing_chances(corpus, self._config, fit=fit, without=without)
        weights = label_weights(corpus, chances, power=fit.class_power)
        optimizer = make_optimizer(self.model, fit)
        average = {name: value.detach().clone() for name, value in self.model.named_parameters()}
        done, kept = (0, None) if folder is None else self._load(folder, optimizer)
        average = kept or average
        began = shown = saved = time.monotonic()
        seen = 0
        for step, rows in enumerate(planned_steps(chances, corpus.lengths(), fit=fit, seed=seed)):
            seen += len(rows)
            if step < done:
                continue
            set_rates(optimizer, fit, seen=seen)
            torch.manual_seed(seed * 1_000_003 + step)
            losses = self._losses(rows, fit=fit, weights=weights, seed=(seed, step))
            total = sum(losses.values())
            optimizer.zero_grad(set_to_none=True)
            total.backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            optimizer.step()
            blend(average, self.model, decay=min(fit.average, (1 + step) / (10 + step)))
            now = time.monotonic()
            if now - shown > LOG_SECONDS:
                shown = now
                self._tell(folder, step=step, seen=seen, losses=losses, rate=seen / (now - began))
            if folder is not None and now - saved > SAVE_SECONDS:
                saved = now
                save_checkpoint(
                    folder / "fit.pt", self.model, optimizer=optimizer, step=step + 1, extra=average
                )
        with torch.no_grad():
            for name, value in self.model.named_parameters():
                value.copy_(average[name])

    def _load(self, folder: Path, optimizer: torch.optim.Optimizer) -> tuple[int, Any]:
        folder.mkdir(parents=True, exist_ok=True)
        return load_checkpoint(folder / "fit.pt", self.model, optimizer=optimizer)

    def _losses(
        self, rows: npt.NDArray[np.int64], *, fit: FitConfig, weights: npt.NDArray[np.float32],
        seed: tuple[int, int],
    ) -> dict[str, Tensor]:  # fmt: skip
        """Return the terms of one step's loss."""
        reads_context = np.random.default_rng(seed).random(len(rows)) < CONTEXT_SHARE
        framed = framed_rows(self._corpus, rows, with_context=reads_context)
        ids = torch.from_numpy(framed).to(self._device, non_blocking=True)
        at = torch.from_numpy(rows).to(self._device, non_blocking=True)
        row_weights = torch.from_numpy(weights[rows]).to(self._device, non_blocking=True)
        label_set = torch.from_numpy(self._corpus.label_set[rows]).to(
            self._device, non_blocking=True
        )
        self.model.train()
        output = self._pass(ids, fit)
        losses = {}
        known = self._known[label_set.clamp(min=0)]
        if fit.labels and (weights[rows] > 0).any():
            targets = self._targets[label_set.clamp(min=0)]
            masks = {"known": known, "weights": row_weights}
            losses["labels"] = fit.labels * label_loss(output.logits, targets=targets, **masks)
            if fit.consistency:
                again = self._pass(ids, fit)
                second = label_loss(again.logits, targets=targets, **masks)
                losses["labels"] = (losses["labels"] + fit.labels * second) / 2
                losses["consistency"] = fit.consistency * consistency_loss(
                    output.logits, again.logits, **masks
                )
        if fit.soft_labels and self._soft is not None:
            losses["soft"] = fit.soft_labels * soft_label_loss(
                output.logits,
                self._soft[at].float(),
                spans=self._spans,
                temperature=fit.temperature,
            )
        if fit.likeness and self._vectors is not None:
            losses["likeness"] = fit.likeness * self._likeness(output, rows)
        return losses

    def _pass(self, ids: Tensor, fit: FitConfig) -> Encoded:
        ids = drop_pieces(ids, share=fit.piece_dropout, augmented=fit.augmented)
        with torch.autocast(self._device.type, torch.bfloat16):
            return self.model(ids)

    def _likeness(self, output: Encoded, rows: npt.NDArray[np.int64]) -> Tensor:
        texts = torch.from_numpy(self._corpus.text[rows]).to(self._device)
        teacher = self._vectors[texts].float()
        if self._second is None:
            second = teacher[:, :1] * 0
            same = torch.zeros(len(rows), len(rows), dtype=torch.bool, device=self._device)
        else:
            second = self._second[texts].float()
            lang = torch.from_numpy(self._corpus.lang[rows]).to(self._device)
            has = second.abs().sum(1) > 0
            same = (lang[:, None] == lang) & has[:, None] & has
        return likeness_loss(output.embedding, teacher=teacher, second=second, same=same)

    def _tell(
        self, folder: Path | None, *, step: int, seen: int, losses: dict[str, Tensor], rate: float
    ) -> None:
        values = {name: round(float(value.detach()), 4) for name, value in losses.items()}
        log.info("fitting", step=step, seen=seen, per_second=round(rate), **values)
        if folder is not None:
            write_events(folder, values, step=seen)


def write_events(folder: Path, values: dict[str, float], *, step: int) -> None:
    """Add figures to the folder's TensorBoard events, where TensorBoard is installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return
    with SummaryWriter(str(folder)) as writer:
        for name, value in values.items():
            writer.add_scalar(name, value, step)


def make_optimizer(model: Encoder, fit: FitConfig) -> torch.optim.Optimizer:
    """Return AdamW with a rate for each depth; each group holds its own top rate as `top`."""
    depth = len(model.layers)
    groups = []
    for name, value in model.named_parameters():
        if name.startswith(("heads", "project")):
            top = fit.head_rate
        elif name.startswith("layers."):
            top = fit.rate * fit.layer_decay ** (depth - 1 - int(name.split(".")[1]))
        else:
            top = fit.rate * fit.layer_decay**depth
        decay = fit.weight_decay if value.ndim > 1 else 0.0
        groups.append({"params": [value], "lr": top, "top": top, "weight_decay": decay})
    merged: dict[tuple[float, float], dict[str, Any]] = {}
    for group in groups:
        key = (group["top"], group["weight_decay"])
        merged.setdefault(key, group | {"params": []})["params"] += group["params"]
    fused = next(model.parameters()).is_cuda
    return torch.optim.AdamW(list(merged.values()), betas=(0.9, 0.98), fused=fused)


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


@torch.no_grad()
def encode_rows(
    model: Encoder, corpus: Corpus, rows: npt.NDArray[np.int64], *, parts: tuple[str, ...],
    prefix: tuple[int, ...] = (), tokens_per_step: int = 32768,
) -> dict[str, npt.NDArray[np.float32]]:  # fmt: skip
    """Return the named parts of `Encoded` for some rows, in their order; with a prefix they are read without context."""
    model.eval()
    device = next(model.parameters()).device
    order = rows[np.argsort(corpus.lengths()[rows], kind="stable")]
    back = np.argsort(np.argsort(corpus.lengths()[rows], kind="stable"), kind="stable")
    found: dict[str, list[Tensor]] = {part: [] for part in parts}
    for step in _in_steps(order, corpus.lengths(), budget=tokens_per_step):
        framed = framed_rows(corpus, step, with_context=np.full(len(step), not prefix))
        ids = torch.from_numpy(with_prefix(framed, prefix)).to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            output = model(ids)
        for part in parts:
            found[part].append(getattr(output, part).float())
    return {part: torch.cat(values).cpu().numpy()[back] for part, values in found.items()}


def _in_steps(
    rows: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64], *, budget: int
) -> Iterator[npt.NDArray[np.int64]]:
    first = 0
    for last in range(1, len(rows) + 1):
        if last < len(rows) and (last + 1 - first) * lengths[rows[last]] <= budget:
            continue
        yield rows[first:last]
        first = last
