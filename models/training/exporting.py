"""Turn a finished run into a model folder: graph, tokenizer, manifest, card. Fails when the graph disagrees with torch.

In: a run folder that `pipeline.train` filled. Out: `model.onnx`, `tokenizer.json`, `pieces.npy`, `manifest.json`,
`MODEL_CARD.md`. Imports models.training, models.engines and models.calibration; torch lazily.

    torch --(parity: differences of 2e-3 at most)--> float32 graph --(agreement of labels)--> int8 graph

Everything is written beside the model's folder and moved into it at the end: a failure leaves what was there.
"""

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import structlog
from tokenizers import Tokenizer

from contracts.errors import InvalidInput, SettingsInvalid
from models.engines.ort import OrtEngine
from models.lexicon.alone import said_alone
from models.manifest import FEATURES_VERSION, FORMAT, MANIFEST_FILE, Manifest, TextSettings
from models.training.attributing import Learning, read_or_fit
from models.training.card import model_card
from models.training.config import TrainingConfig
from models.training.corpus import Columns, Corpus, load_corpus
from models.training.graph import EncoderWeights, encoder_graph, quantize_rows
from models.training.judging import fit_calibration, judge, likeness_by_language, pool
from models.training.measuring import development_rows
from models.training.parity import check_agreement, check_parity, run_graph
from models.training.pipeline import STUDENT, VECTORS_FILE, WEIGHTS_FILE, Run, build_encoder
from models.training.provenance import base_told, sources_told, untaught_labels
from models.training.quantizing import CALIBRATION_ROWS, evening_of, quantized
from models.training.sources import LabelledRow
from models.training.vocabulary import BEGIN_ID, END_ID, PAD_ID
from models.training.whole_files import read_whole

if TYPE_CHECKING:
    from models.networks.encoder import Encoder

NETWORK_FILE, TOKENIZER_FILE, PIECES_FILE = "model.onnx", "tokenizer.json", "pieces.npy"
CARD_FILE, BASELINE_FILE = "MODEL_CARD.md", "baseline.json"
EMOTION = "emotion"
SHARES_FILE = "shares.npy"
PARITY_ROWS, AGREEMENT_ROWS = 512, 4096

log = structlog.get_logger()


def export(folder: Path, out: Path) -> Manifest:
    """Write the model of the run in `folder` to `out` and return its manifest; other files in `out` stay.

    Raises `SettingsInvalid` when the run is not finished, `InvalidInput` when a file of it is damaged or `out` is no
    folder, `ModelInvalid` when a graph's answers are not the network's.
    """
    run, out = finished_run(folder), out.absolute()
    if out.exists() and not out.is_dir():
        raise InvalidInput(f"{out} is a file; expected a folder, or a path that is free")
    out.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as beside:
        manifest = write_model(run, Path(beside))
        out.mkdir(exist_ok=True)
        for path in sorted(Path(beside).iterdir()):
            shutil.move(path, out / path.name)
    return manifest


def write_model(run: Run, out: Path) -> Manifest:
    """Write all files of the run's model into an empty folder and return its manifest."""
    folder, config = run.folder, run.config
    rows = [row for row in read_development(folder) if row.head in config.exported]
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
    framed = framed_texts(config, rows, tokenizer=tokenizer)
    model = read_student(run)
    corpus, columns = load_corpus(folder / "corpus.npz")
    agreement = write_network(model, run, corpus=corpus, framed=framed, out=out)
    (out / TOKENIZER_FILE).write_bytes((folder / TOKENIZER_FILE).read_bytes())
    files = [NETWORK_FILE, TOKENIZER_FILE]
    if EMOTION in config.exported:
        write_pieces(config, pieces=model.shape.pieces, out=out)
        files.append(PIECES_FILE)
    output = run_graph(out / NETWORK_FILE, config.exported, framed=framed)
    calibration = fit_calibration(rows, output, config=config)
    baseline = read_whole(folder / BASELINE_FILE, json.load)
    vectors = read_whole(folder / VECTORS_FILE, np.load)
    # The corpus holds its development rows in the order of `rows.json`.
    theirs = vectors[corpus.text[development_rows(corpus, columns, heads=config.exported)]]
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
        base=base_told(config.base, folder),
        pieces=PIECES_FILE if PIECES_FILE in files else "",
        sources=sources_told(config),
        figures=judge(rows, output, config=config, calibration=calibration, baseline=baseline),
        likeness=likeness_by_language(output.embedding, theirs, langs=[row.lang for row in rows]),
        agreement=agreement,
        pools=pool(rows, output, config=config, calibration=calibration),
        layers=model.shape.layers,
        attention_heads=model.shape.attention_heads,
        untaught=untaught_labels(corpus, columns, heads=config.exported),
    )
    content = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    (out / MANIFEST_FILE).write_bytes(content + b"\n")
    (out / CARD_FILE).write_text(model_card(manifest), encoding="utf-8")
    return manifest


def finished_run(folder: Path) -> Run:
    """Return a finished run. Raises `SettingsInvalid` when a file is missing."""
    weights = f"{STUDENT}/{WEIGHTS_FILE}"
    rows = ("rows.json", "corpus.json", "corpus.npz", BASELINE_FILE)
    needed = ("run.json", *rows, TOKENIZER_FILE, VECTORS_FILE, weights)
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
    model: "Encoder", run: Run, *, corpus: Corpus, framed: Sequence[list[int]], out: Path
) -> dict[str, float]:
    """Write the int8 graph; return the share of labels in which it agrees with float32, by head."""
    columns, exported = read_columns(run.folder), run.config.exported
    spans = {head: (columns.span(head).start, columns.span(head).stop) for head in exported}
    arrays = {name: value.float().numpy() for name, value in model.state_dict().items()}
    arrays |= {"words": model.words.numpy(), "positions": model.positions.numpy()}
    shape = model.shape
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


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
