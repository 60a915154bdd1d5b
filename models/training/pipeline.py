"""Run a whole training: texts, vocabulary, teacher, likeness, heads, baseline. What is done is not done twice.

In: a `TrainingConfig`, a data folder and a run folder. Out, in the run folder: `run.json` (the config), `pieces.json`,
`tokenizer.json`, `teacher/`, `likeness.pt`, `heads.pt`, `network.pt` (plain tables and heads), `development.json`,
`likeness.json`, `baseline.json`. Imports models.training and models.networks; torch lazily.
"""

import json
from pathlib import Path

import msgspec
import numpy as np
import structlog
from tokenizers import Tokenizer

from contracts.errors import MissingExtra, SettingsInvalid
from models.protocols import FloatArray
from models.training.bags import tokenize
from models.training.base_encoder import (
    WORD_ROWS,
    BaseEncoder,
    locate_base_encoder,
    read_base_encoder,
)
from models.training.baseline import baseline_figures
from models.training.config import TrainingConfig
from models.training.sources import LabelledRow, likeness_texts, read_rows
from models.training.teacher import teacher_vectors
from models.training.vocabulary import (
    SPECIAL_IDS,
    base_tokenizer,
    choose_pieces,
    count_pieces,
    cut_tokenizer,
    save_compact,
)

log = structlog.get_logger()


class Material(msgspec.Struct, frozen=True):
    """Hold all that training learns from; `vectors` are the teacher's of `texts`, `base` the pieces' own."""

    rows: list[LabelledRow]
    texts: list[str]
    vectors: FloatArray
    tokenizer: Tokenizer
    base: FloatArray


def train(config: TrainingConfig, data: Path, *, run: Path, threads: int = 2) -> None:
    """Train everything that `export` needs; a second call goes on where the first was interrupted.

    Raises `MissingExtra` without torch and `SettingsInvalid` when `run` was begun with another config.
    """
    try:
        import torch
    except ImportError as error:
        raise MissingExtra("training needs torch: pip install 'hubbub[torch]'") from error
    torch.set_num_threads(threads)
    run.mkdir(parents=True, exist_ok=True)
    claim_run(config, run)
    encoder = read_base_encoder(locate_base_encoder(config.teacher))
    rows = read_rows(config, data)
    development = [row for row in rows if row.is_dev]
    (run / "development.json").write_bytes(msgspec.json.encode(development))
    log.info("rows_read", rows=len(rows), development=len(development))
    train_rows(config, rows, texts=likeness_texts(config, data), encoder=encoder, run=run)


def train_rows(
    config: TrainingConfig,
    rows: list[LabelledRow],
    *,
    texts: list[str],
    encoder: BaseEncoder,
    run: Path,
) -> None:
    """Train on rows and texts already read, from an encoder already read, into `run`."""
    tokenizer, kept = cut_vocabulary(
        encoder, [row.text for row in rows] + texts, config=config, run=run
    )
    vectors = teacher_vectors(encoder, texts, config=config.teacher, cache=run / "teacher")
    fit(config, Material(rows, texts, vectors, tokenizer, base_rows(encoder, kept)), run=run)
    if not (run / "baseline.json").exists():
        _write_json(run / "baseline.json", baseline_figures(rows, config.labels, seed=config.seed))


def claim_run(config: TrainingConfig, run: Path) -> None:
    """Write the config into `run`. Raises `SettingsInvalid` when another config was begun there."""
    path, text = run / "run.json", msgspec.json.encode(config)
    if path.exists() and path.read_bytes() != text:
        raise SettingsInvalid(f"{run} was begun with another config; give --out another folder")
    path.write_bytes(text)


def cut_vocabulary(
    encoder: BaseEncoder, texts: list[str], *, config: TrainingConfig, run: Path
) -> tuple[Tokenizer, list[int]]:
    """Return the cut tokenizer and the base ids of its pieces, and write both to `run`."""
    path = run / "pieces.json"
    if not path.exists():
        counts = count_pieces(base_tokenizer(encoder.pieces), dict.fromkeys(texts))
        chosen = choose_pieces(encoder.pieces, counts, limit=config.vocabulary.pieces)
        share = sum(counts[i] for i in chosen) / sum(counts.values())
        log.info(
            "vocabulary_cut",
            kept=len(chosen),
            seen=len(counts),
            share_of_occurrences=round(share, 5),
        )
        _write_json(path, chosen)
    kept = json.loads(path.read_text(encoding="utf-8"))
    tokenizer = cut_tokenizer(encoder.pieces, kept)
    save_compact(tokenizer, run / "tokenizer.json")
    return tokenizer, kept


def base_rows(encoder: BaseEncoder, kept: list[int]) -> FloatArray:
    """Return float32 [kept + 2, hidden]: the kept pieces' vectors, centred, of unit spread; special rows are zeros."""
    rows = encoder.weights[WORD_ROWS][kept]
    rows = (rows - rows.mean(0)) / rows.std()
    return np.concatenate([np.zeros((SPECIAL_IDS, rows.shape[1]), np.float32), rows]).astype(
        np.float32
    )


def fit(config: TrainingConfig, material: Material, *, run: Path) -> None:
    """Train likeness, then heads, and write `likeness.json` and `network.pt`."""
    import torch

    from models.networks.piece_table import PieceTable
    from models.training.heads import HeadTrainer
    from models.training.likeness import fit_likeness

    limit = config.vocabulary.token_limit
    torch.manual_seed(config.seed)
    model = PieceTable(torch.from_numpy(material.base), labels=config.labels, config=config.network)
    texts = tokenize(material.tokenizer, material.texts, limit=limit)
    correlation = fit_likeness(
        model, texts, vectors=material.vectors, config=config.likeness, run=run
    )
    log.info("likeness_done", held_out_correlation=round(correlation, 4))
    _write_json(run / "likeness.json", {"held_out_correlation": correlation, "texts": len(texts)})
    store = tokenize(material.tokenizer, [row.text for row in material.rows], limit=limit)
    score = HeadTrainer(model, store, rows=material.rows, config=config.heads).fit(run)
    log.info("heads_done", mean_macro_f1=round(score, 4))
    model.eval()
    tables = model.folded()
    state = {"likeness": tables.likeness, "mood": tables.mood, "hidden": model.hidden.state_dict()}
    torch.save(state | {"heads": model.heads.state_dict()}, run / "network.pt")


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1), encoding="utf-8")
