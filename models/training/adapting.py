"""Let the base encoder read a user's own texts before any head is fitted: it guesses masked pieces.

In: a run whose stage `prepare` is done, and texts. Out, in the run's folder: `base.npz` with adapted layers, from which
teachers and student begin; `base.original.npz`, from which the likeness of texts is still told; `adapted.json`; in the
folder `adapt` TensorBoard events. Imports numpy and torch.

Step n draws its texts and its masks from the seed and n alone: an interrupted run ends where another would.
"""

import hashlib
import math
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer
from torch import Tensor

from contracts.errors import InvalidInput, SettingsInvalid
from models.networks.encoder import base_weights_of
from models.networks.masked import MaskedModel, mask_pieces
from models.training.base_encoder import WORD_ROWS
from models.training.batches import framed_rows, planned_steps
from models.training.checkpoint import CHECKPOINT_FILE, load_checkpoint, save_checkpoint
from models.training.config import FitConfig
from models.training.corpus import Corpus, build_corpus, columns_of
from models.training.optimizing import set_rates
from models.training.pipeline import FIRST, Run, build_encoder, require_prepared
from models.training.preparing import (
    ADAPT_BEGUN_FILE,
    ADAPT_FOLDER,
    ADAPTED_FILE,
    base_layers,
    base_weights,
    original_base,
    replace_base,
)
from models.training.reporting import Reporter
from models.training.sources import PlainText, hash_share
from models.training.whole_files import read_whole, write_whole

HELD_OUT_SHARE, HELD_OUT_ROWS = 0.05, 2000
MASKED_SHARE = 0.15
EVALUATED_ROWS = 64
CANDIDATES = 8192
SAVE_SECONDS = 120.0

Rows = npt.NDArray[np.int64]


class AdaptOptions(msgspec.Struct, frozen=True):
    """Hold how long and how fast: `samples` texts are seen in steps of about `tokens_per_step` padded pieces."""

    samples: int
    tokens_per_step: int = 4096
    rate: float = 1e-4
    head_rate: float = 1e-3
    seed: int = 7
    save_seconds: float = SAVE_SECONDS

    def fit(self) -> FitConfig:
        """Return the same in the words of a stage, whose depth is the base encoder's own."""
        return FitConfig(0, self.samples, self.tokens_per_step, self.rate, self.head_rate)


class Adapted(msgspec.Struct, frozen=True):
    """Hold what it did: mean loss (nats) of guessing masked pieces of texts that it never read.

    `frequency` is the loss of guessing by how often a piece occurs, `before` that of the encoder as it was, whose head
    is new, `after` that of the adapted one.
    """

    texts: int
    held_out: int
    frequency: float
    before: float
    after: float


def adapt(run: Run, texts: Sequence[str], *, options: AdaptOptions) -> Adapted:
    """Adapt the run's base encoder to `texts` (normalised, distinct) once; an interrupted run goes on.

    Raises `InvalidInput` when a rate is none, a stage before is missing, a later one has begun, there are too few texts
    or the loss grew beyond all bounds, and `SettingsInvalid` when it was begun with other texts or options.
    """
    done = run.folder / ADAPTED_FILE
    _check(run, texts, options=options)
    if done.exists():
        return read_whole(done, lambda file: msgspec.json.decode(file.read(), type=Adapted))
    reporter = Reporter("adapting", options.samples, folder=run.folder / ADAPT_FOLDER)
    try:
        model, result = _adapted(run, texts, options=options, reporter=reporter)
    finally:
        reporter.close()
    layers = {name: value.cpu().numpy() for name, value in base_weights_of(model.encoder).items()}
    replace_base(run.folder, layers)
    content = msgspec.json.format(msgspec.json.encode(result), indent=1)
    write_whole(done, lambda file: file.write(content + b"\n"))
    (run.folder / ADAPT_FOLDER / CHECKPOINT_FILE).unlink(missing_ok=True)
    return result


def _adapted(
    run: Run, texts: Sequence[str], *, options: AdaptOptions, reporter: Reporter
) -> tuple[MaskedModel, Adapted]:
    corpus = corpus_of(run, texts)
    held = np.array([hash_share(text) < HELD_OUT_SHARE for text in texts])
    held_rows = np.flatnonzero(held)[:HELD_OUT_ROWS]
    frequencies = frequencies_of(run, pieces_of(corpus, np.flatnonzero(~held)))
    model = _masked_model(run, frequencies)
    before = held_out_loss(model, corpus, rows=held_rows, seed=options.seed)
    steps = planned_steps(
        (~held) / (~held).sum(), corpus.lengths(), fit=options.fit(), seed=options.seed
    )
    path = run.folder / ADAPT_FOLDER / CHECKPOINT_FILE
    _Adapting(model, corpus, options=options, reporter=reporter).fit(steps, path=path)
    result = Adapted(
        texts=len(texts),
        held_out=len(held_rows),
        frequency=round(frequency_loss(corpus, held_rows, frequencies=frequencies), 4),
        before=round(before, 4),
        after=round(held_out_loss(model, corpus, rows=held_rows, seed=options.seed), 4),
    )
    if not math.isfinite(result.after):
        raise InvalidInput(
            f"adapting at the rate {options.rate} left a loss of {result.after}, so that nothing was replaced: "
            f"remove {run.folder / ADAPT_FOLDER} and give a lower rate"
        )
    losses = {name: getattr(result, name) for name in ("frequency", "before", "after")}
    reporter.add({f"held_out/{name}": loss for name, loss in losses.items()}, seen=options.samples)
    return model, result


def _check(run: Run, texts: Sequence[str], *, options: AdaptOptions) -> None:
    for name, rate in (("rate", options.rate), ("head_rate", options.head_rate)):
        if not 0 < rate <= 1:
            raise InvalidInput(f"{name} is {rate}; expected above 0 and at most 1")
    require_prepared(run)
    held = sum(hash_share(text) < HELD_OUT_SHARE for text in texts)
    if not 0 < held < len(texts):
        raise InvalidInput(
            f"{len(texts)} texts are too few to hold some out; some hundreds are not"
        )
    begun = [name for name in (*run.teachers(), FIRST) if (run.folder / name).exists()]
    if begun and not (run.folder / ADAPTED_FILE).exists():
        raise InvalidInput(f"adapting comes before the heads, and {begun[0]} has begun")
    _claim(run.folder / ADAPT_FOLDER, texts, options=options)


def _claim(folder: Path, texts: Sequence[str], *, options: AdaptOptions) -> None:
    digest = hashlib.sha256("\n".join(texts).encode()).hexdigest()
    plain = msgspec.structs.replace(options, save_seconds=SAVE_SECONDS)
    wanted = msgspec.json.encode({"options": plain, "texts": digest})
    path = folder / ADAPT_BEGUN_FILE
    if path.exists() and path.read_bytes() != wanted:
        raise SettingsInvalid(
            f"{folder} was begun with other texts or options; remove it to begin anew"
        )
    folder.mkdir(exist_ok=True)
    write_whole(path, lambda file: file.write(wanted))


def corpus_of(run: Run, texts: Sequence[str]) -> Corpus:
    """Return texts in the run's own pieces."""
    tokenizer = Tokenizer.from_file(str(run.folder / "tokenizer.json"))
    plain = [PlainText(text, "en") for text in texts]
    columns = columns_of(run.config, ())
    return build_corpus(run.config, (), texts=plain, tokenizer=tokenizer, columns=columns)


def _masked_model(run: Run, frequencies: npt.NDArray[np.float32]) -> MaskedModel:
    torch.manual_seed(run.config.seed)
    depth, original = base_layers(run.folder), original_base(run.folder)
    encoder = build_encoder(run, layers=depth, columns=1, base=original)
    return MaskedModel(encoder, torch.from_numpy(frequencies)).to(run.device)


def frequencies_of(run: Run, pieces: npt.NDArray[np.uint16]) -> npt.NDArray[np.float32]:
    """Return each piece's share of `pieces`, none of them zero."""
    rows = len(base_weights(run.folder)[WORD_ROWS])
    counts = np.bincount(pieces, minlength=rows) + 0.5
    return (counts / counts.sum()).astype(np.float32)


class _Adapting:
    """Fit a model to guess masked pieces, taken up where it was interrupted."""

    def __init__(
        self, model: MaskedModel, corpus: Corpus, *, options: AdaptOptions, reporter: Reporter
    ) -> None:
        self._model, self._corpus = model, corpus
        self._options, self._reporter = options, reporter
        self._optimizer = _optimizer(model, options)

    def fit(self, steps: Iterable[Rows], *, path: Path) -> None:
        """Take every step that the checkpoint at `path` has not."""
        done, _ = load_checkpoint(path, self._model, optimizer=self._optimizer)
        saved, seen = time.monotonic(), 0
        self._model.train()
        for step, rows in enumerate(steps):
            seen += len(rows)
            if step < done:
                continue
            self._take(rows, step=step, seen=seen)
            now = time.monotonic()
            if now - saved >= self._options.save_seconds:
                saved = now
                save_checkpoint(path, self._model, optimizer=self._optimizer, step=step + 1)
        self._reporter.end()

    def _take(self, rows: Rows, *, step: int, seen: int) -> None:
        set_rates(self._optimizer, self._options.fit(), seen=seen)
        torch.manual_seed(self._options.seed * 1_000_003 + step)
        loss = _step_loss(self._model, self._corpus, rows=rows)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._model.parameters(), 1.0)
        self._optimizer.step()
        self._reporter.take({"loss": loss}, seen=seen)


def _optimizer(model: MaskedModel, options: AdaptOptions) -> torch.optim.Optimizer:
    inner = list(model.encoder.parameters())
    outer = [value for name, value in model.named_parameters() if not name.startswith("encoder.")]
    groups = [
        {"params": values, "lr": rate, "top": rate}
        for values, rate in ((inner, options.rate), (outer, options.head_rate))
    ]
    return torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=0.01)


def _step_loss(model: MaskedModel, corpus: Corpus, *, rows: Rows) -> Tensor:
    """Return the loss among the true pieces and a sample of others."""
    ids = _framed(model, corpus, rows=rows)
    pieces = model.encoder.shape.pieces
    read, chosen = mask_pieces(ids, pieces=pieces, share=MASKED_SHARE)
    truth, among = ids[chosen], None
    if pieces > CANDIDATES:
        others = torch.randint(pieces, (CANDIDATES,), device=ids.device)
        among = torch.unique(torch.cat([truth, others]))
    with torch.autocast(ids.device.type, torch.bfloat16):
        guessed = model.guesses(read, chosen)
    return model.loss(guessed, truth, among=among) if len(truth) else guessed.sum()


def _framed(model: MaskedModel, corpus: Corpus, *, rows: Rows) -> Tensor:
    framed = framed_rows(corpus, rows, with_context=np.zeros(len(rows), np.bool_))
    return torch.from_numpy(framed).to(model.bias.device)


@torch.no_grad()
def held_out_loss(model: MaskedModel, corpus: Corpus, *, rows: Rows, seed: int) -> float:
    """Return the mean loss of rows among all pieces; the same rows have the same masks every time."""
    model.eval()
    total, count = 0.0, 0
    for first in range(0, len(rows), EVALUATED_ROWS):
        torch.manual_seed(seed + first)
        ids = _framed(model, corpus, rows=rows[first : first + EVALUATED_ROWS])
        read, chosen = mask_pieces(ids, pieces=model.encoder.shape.pieces, share=MASKED_SHARE)
        truth = ids[chosen]
        if len(truth):
            total += float(model.loss(model.guesses(read, chosen), truth)) * len(truth)
            count += len(truth)
    return total / max(1, count)


def frequency_loss(corpus: Corpus, rows: Rows, *, frequencies: npt.NDArray[np.float32]) -> float:
    """Return the mean loss of guessing every piece of rows by how often it occurs."""
    pieces = pieces_of(corpus, rows)
    return float(-np.log(frequencies[pieces]).mean())


def pieces_of(corpus: Corpus, rows: Rows) -> npt.NDArray[np.uint16]:
    """Return all pieces of rows, one after another."""
    lengths = np.diff(corpus.starts)
    wanted = np.zeros(len(lengths), np.bool_)
    wanted[corpus.text[rows]] = True
    return corpus.pieces[np.repeat(wanted, lengths)]
