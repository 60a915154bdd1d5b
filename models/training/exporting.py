"""Turn a finished run into a model folder: graph, tokenizer, manifest, card. Fails when the graph disagrees with torch.

In: a run folder that `pipeline.train` filled. Out: `model.onnx`, `tokenizer.json`, `pieces.npy`, `manifest.json`,
`MODEL_CARD.md`. Imports models.training, models.engines and models.calibration; torch lazily.

    torch --(parity: differences of 2e-3 at most)--> float32 graph --(agreement of labels)--> int8 graph
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import structlog
from tokenizers import Tokenizer

from contracts.errors import SettingsInvalid
from models.engines.ort import OrtEngine
from models.lexicon.alone import said_alone
from models.manifest import (
    FEATURES_VERSION,
    FORMAT,
    MANIFEST_FILE,
    Manifest,
    TextSettings,
    TrainingSource,
)
from models.training.attributing import Learning, read_or_fit
from models.training.card import model_card
from models.training.config import TrainingConfig
from models.training.corpus import Columns, load_corpus
from models.training.graph import EncoderWeights, encoder_graph, quantize_rows
from models.training.judging import fit_calibration, judge, pool
from models.training.parity import check_agreement, check_parity, run_graph
from models.training.pipeline import STUDENT, WEIGHTS_FILE, Run, build_encoder
from models.training.quantizing import CALIBRATION_ROWS, evening_of, quantized
from models.training.sources import LabelledRow
from models.training.vocabulary import BEGIN_ID, END_ID, PAD_ID

if TYPE_CHECKING:
    from models.networks.encoder import Encoder

NETWORK_FILE, TOKENIZER_FILE, PIECES_FILE = "model.onnx", "tokenizer.json", "pieces.npy"
CARD_FILE = "MODEL_CARD.md"
EMOTION = "emotion"
SHARES_FILE = "shares.npy"
PARITY_ROWS, AGREEMENT_ROWS = 512, 4096

log = structlog.get_logger()


def export(folder: Path, out: Path) -> Manifest:
    """Write the model of the run in `folder` to `out` and return its manifest.

    Raises `SettingsInvalid` when the run is not finished, `ModelInvalid` when a graph's answers are not the network's.
    """
    run = finished_run(folder)
    config = run.config
    rows = [row for row in read_development(folder) if row.head in config.exported]
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
    framed = framed_texts(config, rows, tokenizer=tokenizer)
    model = read_student(run)
    out.mkdir(parents=True, exist_ok=True)
    agreement = write_network(model, run, framed=framed, out=out)
    (out / TOKENIZER_FILE).write_bytes((folder / TOKENIZER_FILE).read_bytes())
    files = [NETWORK_FILE, TOKENIZER_FILE]
    if EMOTION in config.exported:
        write_pieces(config, pieces=model.shape.pieces, out=out)
        files.append(PIECES_FILE)
    output = run_graph(out / NETWORK_FILE, config.exported, framed=framed)
    calibration = fit_calibration(rows, output, config=config)
    baseline = json.loads((folder / "baseline.json").read_text(encoding="utf-8"))
    figures = judge(rows, output, config=config, calibration=calibration, baseline=baseline)
    manifest = Manifest(
        format=FORMAT,
        name=config.name,
        features_version=FEATURES_VERSION,
        network=NETWORK_FILE,
        tokenizer=TOKENIZER_FILE,
        files={name: _sha256(out / name) for name in files},
        labels=config.exported,
        languages=("en", "zh"),
        vector_width=model.shape.hidden,
        text=text_settings(config),
        calibration=calibration,
        base=f"intfloat/multilingual-e5-small (MIT), by the package {config.base.package} (MIT)",
        pieces=PIECES_FILE if PIECES_FILE in files else "",
        sources=_sources(config),
        figures=figures,
        agreement=agreement,
        pools=pool(rows, output, config=config, calibration=calibration),
    )
    (out / MANIFEST_FILE).write_bytes(
        msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"
    )
    (out / CARD_FILE).write_text(model_card(manifest), encoding="utf-8")
    return manifest


def finished_run(folder: Path) -> Run:
    """Return a finished run. Raises `SettingsInvalid` when a file is missing."""
    weights = f"{STUDENT}/{WEIGHTS_FILE}"
    needed = ("run.json", "rows.json", "corpus.json", "baseline.json", TOKENIZER_FILE, weights)
    absent = [name for name in needed if not (folder / name).is_file()]
    if absent:
        raise SettingsInvalid(
            f"the run {folder} is not finished, {', '.join(absent)} is missing: run `hubbub models train`"
        )
    return Run(folder, msgspec.json.decode((folder / "run.json").read_bytes(), type=TrainingConfig))


def read_development(folder: Path) -> list[LabelledRow]:
    """Return the run's development rows."""
    return msgspec.json.decode((folder / "rows.json").read_bytes(), type=list[LabelledRow])


def read_columns(folder: Path) -> Columns:
    """Return the run's label columns."""
    return msgspec.json.decode((folder / "corpus.json").read_bytes(), type=Columns)


def read_student(run: Run) -> "Encoder":
    """Return the trained student in evaluation mode, with the word rows that a graph can hold."""
    import torch

    width, layers = read_columns(run.folder).width, run.config.student.fit.layers
    model = build_encoder(run, layers=layers, columns=width)
    model.load_state_dict(
        torch.load(run.folder / STUDENT / WEIGHTS_FILE, weights_only=True, map_location="cpu")
    )
    rows, scales = quantize_rows(model.words.numpy())
    model.words.copy_(torch.from_numpy(rows * scales))
    return model.eval()


def text_settings(config: TrainingConfig) -> TextSettings:
    """Return how the product reads a text."""
    return TextSettings(
        token_limit=config.vocabulary.token_limit,
        context_limit=config.vocabulary.context_limit,
        pad_id=PAD_ID,
        begin_id=BEGIN_ID,
        end_id=END_ID,
    )


def framed_texts(
    config: TrainingConfig, rows: Sequence[LabelledRow], *, tokenizer: Tokenizer
) -> list[list[int]]:
    """Return each row's ids as the product frames them."""
    limits = config.vocabulary
    framed = []
    for row in rows:
        ids = tokenizer.encode(row.text, add_special_tokens=False).ids[: limits.token_limit - 2]
        before = tokenizer.encode(row.context, add_special_tokens=False).ids
        before = before[-(limits.context_limit - 2) :]
        framed.append([BEGIN_ID, *ids, END_ID, *([END_ID, *before, END_ID] if before else [])])
    return framed


def write_network(
    model: "Encoder", run: Run, *, framed: Sequence[list[int]], out: Path
) -> dict[str, float]:
    """Write the int8 graph; return the share of labels in which it agrees with float32, by head."""
    columns, exported = read_columns(run.folder), run.config.exported
    spans = {head: (columns.span(head).start, columns.span(head).stop) for head in exported}
    arrays = {name: value.float().numpy() for name, value in model.state_dict().items()}
    arrays |= {"words": model.words.numpy(), "positions": model.positions.numpy()}
    shape, corpus = model.shape, load_corpus(run.folder / "corpus.npz")[0]
    tokenizer = Tokenizer.from_file(str(run.folder / TOKENIZER_FILE))
    learning = Learning(corpus, columns, tokenizer, EMOTION)
    has_emotions = EMOTION in exported
    shares = (
        read_or_fit(run.folder / SHARES_FILE, model, learning=learning) if has_emotions else None
    )
    weights = EncoderWeights(
        arrays, shape.layers, model.middle, shape.attention_heads, heads=spans, shares=shares
    )
    plain, sample = encoder_graph(weights), spread(framed, CALIBRATION_ROWS)
    check_parity(model, plain, spans=spans, framed=spread(framed, PARITY_ROWS))
    evening = evening_of(plain, sample, layers=shape.layers)
    small = quantized(encoder_graph(weights, evening=evening), sample)
    (out / NETWORK_FILE).write_bytes(small)
    return check_agreement(plain, small, labels=exported, framed=spread(framed, AGREEMENT_ROWS))


def spread(framed: Sequence[list[int]], count: int) -> list[list[int]]:
    """Return at most `count` rows from all parts of the sequence."""
    return list(framed[:: max(1, len(framed) // count)][:count])


def write_pieces(config: TrainingConfig, *, pieces: int, out: Path) -> None:
    """Write what each piece says alone."""
    engine = OrtEngine(out / NETWORK_FILE, config.exported)
    engine.start()
    table = said_alone(engine, pieces, head=EMOTION, framed=lambda piece: (BEGIN_ID, piece, END_ID))
    engine.close()
    np.save(out / PIECES_FILE, table, allow_pickle=False)


def _sources(config: TrainingConfig) -> tuple[TrainingSource, ...]:
    listed = [
        TrainingSource(s.file, s.head, s.lang, s.role, s.licence, _shown_map(config.label_map(s)))
        for s in config.sources
    ]
    listed += [TrainingSource(t.file, "texts", t.lang, "train", t.licence) for t in config.texts]
    return tuple(listed)


def _shown_map(labels: dict[str, tuple[str, ...]]) -> dict[str, str]:
    return {theirs: " or ".join(ours) for theirs, ours in labels.items()}


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
