"""Fit an encoder: the loop of one stage, taken up where it was interrupted.

In: a network, a corpus, what teachers say, a `FitConfig`. Out: the network with its averaged weights; in the stage's
folder TensorBoard events, a checkpoint while it runs and `scores.json` at its end. Imports numpy and torch.

Step n draws its rows and its dropout from the seed and n alone, so that an interrupted run ends where another would.
"""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from models.networks.encoder import Encoded, Encoder
from models.training.batches import (
    drawing_chances,
    drop_pieces,
    framed_rows,
    label_weights,
    planned_steps,
)
from models.training.checkpoint import CHECKPOINT_FILE, load_checkpoint, save_checkpoint
from models.training.config import FitConfig, TrainingConfig
from models.training.corpus import Columns, Corpus
from models.training.losses import (
    consistency_loss,
    label_loss,
    likeness_loss,
    soft_label_loss,
)
from models.training.measuring import (
    SCORES_FILE,
    development_rows,
    development_scores,
    mean_macro_f1,
    write_scores,
)
from models.training.optimizing import blend, make_optimizer, set_rates
from models.training.reporting import Reporter
from models.training.stopping import EarlyStop

# Of the texts that have a context so many are read with it; the rest teach the encoder to do without.
CONTEXT_SHARE = 0.7
SAVE_SECONDS = 120.0
CHECKED_ROWS = 2000


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
        self._targets = self._put(corpus.targets)
        self._known = self._put(corpus.known)
        self._vectors = self._maybe(teaching.vectors)
        self._second = self._maybe(teaching.second)
        self._soft = self._maybe(teaching.soft)
        self._spans = [columns.span(head) for head in config.exported]

    def _put(self, array: npt.NDArray[Any]) -> Tensor:
        return torch.from_numpy(array).to(self._device)

    def _maybe(self, array: npt.NDArray[Any] | None) -> Tensor | None:
        return None if array is None else self._put(array)

    def fit(
        self,
        fit: FitConfig,
        *,
        seed: int,
        folder: Path | None = None,
        without: npt.NDArray[np.int64] | None = None,
        save_seconds: float = SAVE_SECONDS,
    ) -> None:
        """Run the stage and leave the averaged weights in the model; rows in `without` are never drawn.

        Every `save_seconds` a checkpoint is written to `folder`, from which the stage goes on when it is run again;
        at its end, its scores on all development rows.
        """
        chances = drawing_chances(self._corpus, self._config, fit=fit, without=without)
        weights = label_weights(self._corpus, chances, power=fit.class_power)
        progress = _Progress(self.model, fit, folder=folder, save_seconds=save_seconds)
        steps = planned_steps(chances, self._corpus.lengths(), fit=fit, seed=seed)
        try:
            self._run(progress, steps, weights=weights, seed=seed)
            set_weights(self.model, progress.stop.weights or progress.average)
            if folder is not None:
                self._score(progress, folder)
        finally:
            progress.reporter.close()

    def _score(self, progress: "_Progress", folder: Path) -> None:
        """Write down how the stage did."""
        scores = development_scores(self.model, self._corpus, columns=self._columns)
        write_scores(folder / SCORES_FILE, scores)
        figures = {f"macro_f1/{name}": one["macro_f1"] for name, one in scores.items()}
        progress.reporter.add(figures, seen=progress.seen)

    def _run(
        self, progress: "_Progress", steps: Iterable[npt.NDArray[np.int64]], *,
        weights: npt.NDArray[np.float32], seed: int,
    ) -> None:  # fmt: skip
        """Take every step that is not done yet, until the last or an early stop."""
        fit = progress.fit
        for step, rows in enumerate(steps):
            progress.seen += len(rows)
            if step < progress.done:
                continue
            set_rates(progress.optimizer, fit, seen=progress.seen)
            torch.manual_seed(seed * 1_000_003 + step)
            losses = self._losses(rows, fit=fit, weights=weights, seed=(seed, step))
            if losses:  # none where no text of the step has a label and no teacher speaks
                progress.take(losses, step=step)
            if progress.stop.is_due(progress.seen, rows=len(rows)):
                self._check(progress, seed=seed)
            if progress.stop.is_over:
                break
            progress.save_when_due(step)
        progress.reporter.end()

    def _check(self, progress: "_Progress", *, seed: int) -> None:
        """Measure the average on development rows of the exported heads."""
        moving = {name: value.detach().clone() for name, value in self.model.named_parameters()}
        set_weights(self.model, progress.average)
        rows = development_rows(self._corpus, self._columns, heads=self._config.exported)
        if len(rows) > CHECKED_ROWS:
            rows = np.random.default_rng(seed).choice(rows, CHECKED_ROWS, replace=False)
        scores = development_scores(self.model, self._corpus, columns=self._columns, rows=rows)
        figure = mean_macro_f1(scores, self._config.exported)
        progress.stop.check(figure, progress.average)
        progress.reporter.tell({"checked_macro_f1": round(figure, 4)}, seen=progress.seen)
        set_weights(self.model, moving)

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
            losses["likeness"] = fit.likeness * self._likeness(output, rows, vectors=self._vectors)
        return losses

    def _pass(self, ids: Tensor, fit: FitConfig) -> Encoded:
        ids = drop_pieces(ids, share=fit.piece_dropout, augmented=fit.augmented)
        with torch.autocast(self._device.type, torch.bfloat16):
            return self.model(ids)

    def _likeness(self, output: Encoded, rows: npt.NDArray[np.int64], *, vectors: Tensor) -> Tensor:
        texts = torch.from_numpy(self._corpus.text[rows]).to(self._device)
        teacher = vectors[texts].float()
        if self._second is None:
            second = teacher[:, :1] * 0
            same = torch.zeros(len(rows), len(rows), dtype=torch.bool, device=self._device)
        else:
            second = self._second[texts].float()
            lang = torch.from_numpy(self._corpus.lang[rows]).to(self._device)
            has = second.abs().sum(1) > 0
            same = (lang[:, None] == lang) & has[:, None] & has
        return likeness_loss(output.embedding, teacher=teacher, second=second, same=same)


class _Progress:
    """Hold what changes while a stage runs, and what a checkpoint keeps of it."""

    def __init__(
        self, model: Encoder, fit: FitConfig, *, folder: Path | None, save_seconds: float
    ) -> None:
        self._model, self.fit, self._folder = model, fit, folder
        self._save_seconds = save_seconds
        self.optimizer = make_optimizer(model, fit)
        self.average = {name: value.detach().clone() for name, value in model.named_parameters()}
        self.stop = EarlyStop(fit)
        self.done = self.seen = 0
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / CHECKPOINT_FILE
            self.done, kept = load_checkpoint(path, model, optimizer=self.optimizer)
            if kept is not None:
                self.average = kept["average"]
                self.stop.restore(kept["stop"])
        self.reporter = Reporter("fitting", fit.samples, folder=folder)
        self._saved = time.monotonic()

    def take(self, losses: dict[str, Tensor], *, step: int) -> None:
        """Take one step against the losses' sum, and tell of it now and then."""
        self.optimizer.zero_grad(set_to_none=True)
        sum(losses.values()).backward()
        torch.nn.utils.clip_grad_norm_(self._model.parameters(), 1.0)
        self.optimizer.step()
        decay = min(self.fit.average, (1 + step) / (10 + step))
        blend(self.average, self._model, decay=decay)
        self.reporter.take(losses, seen=self.seen)

    def save_when_due(self, step: int) -> None:
        """Write a checkpoint when the last one is old."""
        now = time.monotonic()
        if self._folder is None or now - self._saved < self._save_seconds:
            return
        self._saved = now
        extra = {"average": self.average, "stop": self.stop.state()}
        path = self._folder / CHECKPOINT_FILE
        save_checkpoint(path, self._model, optimizer=self.optimizer, step=step + 1, extra=extra)


@torch.no_grad()
def set_weights(model: Encoder, weights: dict[str, Tensor]) -> None:
    """Copy `weights` into the model's parameters."""
    for name, value in model.named_parameters():
        value.copy_(weights[name])
