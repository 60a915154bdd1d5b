"""Run a whole training, stage by stage. What is done is not done twice, and stages that need not wait may run at once.

In: a `TrainingConfig`, a data folder and a run folder. Out, in the run folder: `run.json` (the config), what `prepare`
writes (see models.training.preparing), `vectors.npy`, a folder for each teacher with its answers `soft.npy`, a folder
for each stage of the student. Imports models.training and models.networks; torch lazily.

    prepare -> vectors -> second -> first -> student
          `--> teacher-0, teacher-1, ... -------^
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec
import numpy as np
import structlog

from contracts.errors import InvalidInput, MissingExtra, SettingsInvalid
from models.protocols import FloatArray
from models.training.checking import check_fit
from models.training.config import FitConfig, TrainingConfig
from models.training.corpus import Columns, Corpus, load_corpus
from models.training.measuring import SCORES_FILE, development_scores, write_scores
from models.training.preparing import (
    BASE_FILE,
    base_layers,
    base_weights,
    check_adapted,
    corpus_texts,
    original_base,
    prefix_pieces,
    prepare,
)
from models.training.teaching import fold_of, log_probabilities, teaching_of
from models.training.whole_files import read_whole, write_whole

if TYPE_CHECKING:
    from models.networks.encoder import Encoder
    from models.training.fitting import Teaching

PREPARE, VECTORS, SECOND, FIRST, STUDENT = "prepare", "vectors", "second", "first", "student"
RUN_FILE, WEIGHTS_FILE = "run.json", "encoder.pt"
VECTORS_FILE, SECOND_FILE, SOFT_FILE = "vectors.npy", "second.npy", "soft.npy"
ATTENTION_HEADS = 12

log = structlog.get_logger()


class Run(msgspec.Struct, frozen=True):
    """Hold where a run lives, its config and the device that it computes on."""

    folder: Path
    config: TrainingConfig
    device: str = "cpu"

    def teachers(self) -> list[str]:
        """Return the names of the teachers' stages."""
        return [f"teacher-{at}" for at in range(self.config.teacher.count)]

    def stages(self) -> list[str]:
        """Return every stage in an order in which none waits for a later one."""
        second = [SECOND] if self.config.second else []
        return [PREPARE, VECTORS, *second, *self.teachers(), FIRST, STUDENT]


def train(run: Run, data: Path, *, stages: Sequence[str] = (), threads: int = 2) -> None:
    """Run the named stages, all by default; finished ones are passed over, a half-done fit goes on.

    Raises `MissingExtra` without torch, `SettingsInvalid` when the folder was begun with another config and
    `InvalidInput` when a stage is unknown or waits for another, when the base encoder is half adapted, when the
    device is not there or the folder cannot be one.
    """
    torch = require_torch()
    torch.set_num_threads(threads)
    require_device(run.device)
    unknown = set(stages) - set(run.stages())
    if unknown:
        raise InvalidInput(f"no stage {sorted(unknown)}; there are {', '.join(run.stages())}")
    if stages and PREPARE not in stages:
        require_prepared(run)
    check_adapted(run.folder)
    claim_run(run)
    for stage in run.stages():
        if not stages or stage in stages:
            log.info("stage", name=stage, device=run.device)
            _work(run, stage, data=data)()


def require_torch() -> Any:
    """Return torch. Raises `MissingExtra` where it is not installed."""
    try:
        import torch
    except ImportError as error:
        raise MissingExtra("training needs torch: pip install 'hubbub[torch]'") from error
    return torch


def require_device(device: str) -> None:
    """Raise `InvalidInput` where torch cannot compute on `device` (cpu or cuda)."""
    if device == "cuda" and not require_torch().cuda.is_available():
        raise InvalidInput(
            "the device is cuda, and torch finds no usable NVIDIA GPU and driver; expected --device cpu"
        )


def is_prepared(run: Run) -> bool:
    """Return whether the stage `prepare` is done."""
    return (run.folder / BASE_FILE).exists()


def require_prepared(run: Run) -> None:
    """Raise `InvalidInput` where the stage `prepare` is not done."""
    if not is_prepared(run):
        raise InvalidInput(f"{run.folder} is not prepared: run the stage `prepare` first")


def claim_run(run: Run) -> None:
    """Make the folder and write the config into it; where nothing is prepared yet, in place of another.

    Raises `SettingsInvalid` when another config was begun there and `InvalidInput` when it cannot be a folder.
    """
    path, content = run.folder / RUN_FILE, msgspec.json.encode(run.config)
    try:
        run.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(
            f"a run cannot lie in {run.folder}: {error.strerror}; expected a folder that is there or can be made"
        ) from error
    if not (path.exists() and is_prepared(run)):
        write_whole(path, lambda file: file.write(content))
    elif read_whole(path, _config_in) != run.config:
        raise SettingsInvalid(
            f"{run.folder} was begun with another config; give --out another folder"
        )


def _config_in(file: BinaryIO) -> TrainingConfig:
    return msgspec.json.decode(file.read(), type=TrainingConfig)


def open_run(folder: Path, *, device: str = "cpu") -> Run:
    """Return the run that was begun in a folder.

    Raises `SettingsInvalid` where there is none and `InvalidInput` where the device is not there.
    """
    require_device(device)
    try:
        config = msgspec.json.decode((folder / RUN_FILE).read_bytes(), type=TrainingConfig)
    except (OSError, msgspec.DecodeError) as error:
        raise SettingsInvalid(
            f"{folder} is no run's folder: {error}; run `hubbub models train` first"
        ) from error
    return Run(folder, config, device)


def _work(run: Run, stage: str, *, data: Path) -> Callable[[], None]:
    if stage == PREPARE:
        return partial(prepare, run.config, data, folder=run.folder)
    if stage == VECTORS:
        return partial(write_vectors, run)
    if stage == SECOND:
        return partial(write_second, run, data)
    if stage in run.teachers():
        return partial(fit_teacher, run, stage)
    return partial(fit_first, run) if stage == FIRST else partial(fit_student, run)


def write_vectors(run: Run) -> None:
    """Write the base encoder's centred unit vectors of every text, float16 [texts, hidden], to `vectors.npy`."""
    from models.training.encoding import encode_rows

    path = run.folder / VECTORS_FILE
    if path.exists():
        return
    corpus, _ = load_corpus(run.folder / "corpus.npz")
    original = original_base(run.folder)
    model = build_encoder(run, layers=base_layers(run.folder), columns=1, base=original)
    first = np.unique(corpus.text, return_index=True)[1]
    prefix = prefix_pieces(run.config, run.folder)
    vectors = encode_rows(model, corpus, rows=first, parts=("last",), prefix=prefix)["last"]
    write_array(path, centred_unit(vectors, corpus.lang[first]).astype(np.float16))


def write_array(path: Path, array: Any) -> None:
    """Write one array as `.npy`."""
    write_whole(path, lambda file: np.save(file, array))


def write_second(run: Run, data: Path) -> None:
    """Write the vectors of an encoder of each language alone, float16 [texts, width], to `second.npy`."""
    from models.training.monolingual import monolingual_vectors

    path = run.folder / SECOND_FILE
    if path.exists() or run.config.second is None:
        return
    corpus, _ = load_corpus(run.folder / "corpus.npz")
    items = corpus_texts(run.config, data)
    if len(items) != len(corpus.starts) - 1:
        raise InvalidInput(
            f"{data} holds {len(items)} texts, and {len(corpus.starts) - 1} when it was prepared"
        )
    second, seed = run.config.second, run.config.seed
    write_array(path, monolingual_vectors(second, items, device=run.device, seed=seed))


def centred_unit(vectors: FloatArray, langs: Any) -> FloatArray:
    """Return unit rows of `vectors` minus their language's mean.

    Raw vectors of this encoder all point one way (unrelated texts have cosines of 0.7 to 0.86), and each language its
    own: without its mean, a text and its translation lie together.
    """
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    centred = np.empty_like(unit)
    for lang in np.unique(langs):
        centred[langs == lang] = unit[langs == lang] - unit[langs == lang].mean(0)
    result: FloatArray = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    return result


def build_encoder(
    run: Run, *, layers: int, columns: int, dropout: float = 0.1, base: str = BASE_FILE
) -> "Encoder":
    """Return the first `layers` layers of the base encoder on the run's device, with new heads.

    `base` names the file of its weights.
    """
    import torch

    from models.networks.encoder import Encoder, EncoderShape, fill_from_base

    weights = {name: torch.from_numpy(v) for name, v in base_weights(run.folder, name=base).items()}
    words = weights["embeddings.word_embeddings.weight"]
    limits = run.config.vocabulary
    shape = EncoderShape(
        pieces=len(words),
        positions=limits.token_limit + limits.context_limit + 8,
        hidden=words.shape[1],
        ffn=weights["encoder.layer.0.intermediate.dense.weight"].shape[0],
        layers=layers,
        attention_heads=ATTENTION_HEADS,
        columns=columns,
    )
    model = Encoder(shape, dropout=dropout)
    fill_from_base(model, weights)
    torch.nn.init.normal_(model.heads.weight, std=0.02)
    torch.nn.init.zeros_(model.heads.bias)
    return model.to(run.device)


def fit_teacher(run: Run, name: str) -> None:
    """Fit one teacher without its part of the texts and write what it answers, float16 [rows, columns]."""
    folder, at = run.folder / name, run.teachers().index(name)
    if (folder / SOFT_FILE).exists():
        return
    corpus, columns = load_corpus(run.folder / "corpus.npz")
    unseen = np.flatnonzero(fold_of(corpus, folds=len(run.teachers())) == at)
    model = fit_encoder(
        run, Stage(run.config.teacher.fit, run.config.seed + 1 + at, folder), without=unseen
    )
    spans = [columns.span(head) for head in run.config.exported]
    answers = log_probabilities(model, corpus, spans=spans)
    write_array(folder / SOFT_FILE, answers.astype(np.float16))


def fit_first(run: Run) -> None:
    """Fit the student's first stage: the labels alone."""
    stage = Stage(run.config.student.first, run.config.seed, run.folder / FIRST)
    fit_encoder(run, stage, teaching=teaching_of(run.folder, run.config, teachers=()))


def fit_student(run: Run) -> None:
    """Fit the student's second stage on everything."""
    begin = run.folder / FIRST / WEIGHTS_FILE
    stage = Stage(run.config.student.fit, run.config.seed, run.folder / STUDENT, begin)
    fit_encoder(run, stage, teaching=teaching_of(run.folder, run.config, teachers=run.teachers()))


class Stage(msgspec.Struct, frozen=True):
    """Hold one fit: its settings, its seed, the folder that keeps it (or None), the weights that it begins with."""

    fit: FitConfig
    seed: int
    folder: Path | None = None
    begin: Path | None = None


def fit_encoder(
    run: Run, stage: Stage, *, teaching: "Teaching | None" = None, without: Any = None
) -> "Encoder":
    """Fit an encoder, or read it where the stage's folder holds it already; rows in `without` are never drawn.

    Raises `SettingsInvalid` where the stage does not suit the run and `InvalidInput` where one before is not done.
    """
    import torch

    from models.training.checkpoint import CHECKPOINT_FILE
    from models.training.fitting import Fitting, Teaching

    fit, folder = stage.fit, stage.folder
    require_prepared(run)
    check_fit(run.config, fit, base_layers=base_layers(run.folder))
    corpus, columns = load_corpus(run.folder / "corpus.npz")
    torch.manual_seed(stage.seed)
    model = build_encoder(run, layers=fit.layers, columns=columns.width, dropout=fit.dropout)
    if folder is not None and (folder / WEIGHTS_FILE).exists():
        fill_weights(model, folder / WEIGHTS_FILE)
        _score_if_missing(model, corpus, columns=columns, path=folder / SCORES_FILE)
        return model.eval()
    if stage.begin is not None:
        fill_weights(model, stage.begin)
    Fitting(model, corpus, columns=columns, config=run.config, teaching=teaching or Teaching()).fit(
        fit, seed=stage.seed, folder=folder, without=without
    )
    if folder is not None:
        # The weights come last: while they are not there, the stage is not done.
        write_whole(folder / WEIGHTS_FILE, lambda file: torch.save(model.state_dict(), file))
        (folder / CHECKPOINT_FILE).unlink(missing_ok=True)
    return model.eval()


def fill_weights(model: "Encoder", path: Path) -> None:
    """Read a stage's weights into an encoder of its depth.

    Raises `InvalidInput` when they are missing or damaged and `SettingsInvalid` when they are of another depth.
    """
    import torch

    if not path.exists():
        raise InvalidInput(f"{path} is missing: run the stage that writes it first")
    weights = read_whole(path, lambda file: torch.load(file, weights_only=True, map_location="cpu"))
    depth = 1 + max(int(name.split(".")[1]) for name in weights if name.startswith("layers."))
    if depth != len(model.layers):
        raise SettingsInvalid(
            f"{path} holds {depth} layers; expected as many as the stage has, {len(model.layers)}"
        )
    model.load_state_dict(weights)


def _score_if_missing(model: "Encoder", corpus: Corpus, *, columns: Columns, path: Path) -> None:
    if not path.exists():
        write_scores(path, development_scores(model, corpus, columns=columns))
