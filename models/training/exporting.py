"""Turn a finished run into a model folder: graph, tokenizer, manifest, card. Fails when the graph disagrees with torch.

In: a run folder that `pipeline.train` filled. Out: `model.onnx`, `tokenizer.json`, `manifest.json`, `MODEL_CARD.md`.
Imports models.training, models.engines and models.calibration; torch lazily.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import structlog
from tokenizers import Tokenizer

from contracts.errors import ModelInvalid, SettingsInvalid
from models.batching import pad_batch, plan_batches, rows_in_input_order
from models.engines.ort import OrtEngine
from models.manifest import (
    FEATURES_VERSION,
    FORMAT,
    MANIFEST_FILE,
    Manifest,
    TextSettings,
    TrainingSource,
)
from models.protocols import EngineOutput, FloatArray
from models.training.bags import BagStore, tokenize_rows
from models.training.card import model_card
from models.training.config import TrainingConfig
from models.training.graph import LayerWeights, TableWeights, piece_table_graph
from models.training.judging import fit_calibration, judge
from models.training.sources import LabelledRow
from models.training.vocabulary import PAD_ID

NETWORK_FILE = "model.onnx"
TOKENIZER_FILE = "tokenizer.json"
CARD_FILE = "MODEL_CARD.md"
PARITY_ROWS = 2000
LEAST_AGREEMENT = 0.995
LEAST_COSINE = 0.999

log = structlog.get_logger()


def export(run: Path, out: Path) -> Manifest:
    """Write the model of `run` to `out` and return its manifest.

    Raises `SettingsInvalid` when the run is not finished, `ModelInvalid` when int8 changes more than 0.5 % of labels.
    """
    config, rows, weights = read_run(run)
    out.mkdir(parents=True, exist_ok=True)
    (out / NETWORK_FILE).write_bytes(piece_table_graph(weights))
    (out / TOKENIZER_FILE).write_bytes((run / TOKENIZER_FILE).read_bytes())
    output, pieces = run_exported(config, rows, out=out)
    check_parity(weights, rows, pieces=pieces, output=output)
    calibration = fit_calibration(rows, output, config=config)
    baseline = json.loads((run / "baseline.json").read_text())
    manifest = Manifest(
        format=FORMAT,
        name=config.name,
        features_version=FEATURES_VERSION,
        network=NETWORK_FILE,
        tokenizer=TOKENIZER_FILE,
        files={name: _sha256(out / name) for name in (NETWORK_FILE, TOKENIZER_FILE)},
        labels=config.labels,
        languages=("en", "zh"),
        vector_width=config.network.vector_width,
        text=TextSettings(
            token_limit=config.vocabulary.token_limit,
            lowercase=config.vocabulary.lowercase,
            pad_id=PAD_ID,
        ),
        calibration=calibration,
        base=f"intfloat/multilingual-e5-small (MIT), by the package {config.teacher.package} (MIT)",
        sources=_sources(config),
        figures=judge(rows, output, calibration=calibration, baseline=baseline),
        likeness=json.loads((run / "likeness.json").read_text()),
    )
    (out / MANIFEST_FILE).write_bytes(
        msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"
    )
    (out / CARD_FILE).write_text(model_card(manifest), encoding="utf-8")
    return manifest


def read_run(run: Path) -> tuple[TrainingConfig, list[LabelledRow], TableWeights]:
    """Return a finished run's config, development rows and weights. Raises `SettingsInvalid` when a file is missing."""
    import torch

    needed = (
        "run.json",
        "network.pt",
        "development.json",
        "baseline.json",
        "likeness.json",
        TOKENIZER_FILE,
    )
    absent = [name for name in needed if not (run / name).is_file()]
    if absent:
        raise SettingsInvalid(
            f"the run {run} is not finished, {', '.join(absent)} is missing: run `hubbub models train`"
        )
    config = msgspec.json.decode((run / "run.json").read_bytes(), type=TrainingConfig)
    rows = msgspec.json.decode((run / "development.json").read_bytes(), type=list[LabelledRow])
    state = torch.load(run / "network.pt", weights_only=True)
    heads = {head: _layer(state["heads"], f"{head}.") for head in config.labels}
    weights = TableWeights(
        likeness=state["likeness"].numpy(),
        mood=state["mood"].numpy(),
        hidden=_layer(state["hidden"], ""),
        heads=heads,
    )
    return config, rows, weights


def _layer(state: dict[str, Any], prefix: str) -> LayerWeights:
    return LayerWeights(state[f"{prefix}weight"].numpy(), state[f"{prefix}bias"].numpy())


def run_exported(
    config: TrainingConfig, rows: list[LabelledRow], *, out: Path
) -> tuple[EngineOutput, list[list[int]]]:
    """Return the outputs of the graph in `out` on every row, and the rows' pieces."""
    tokenizer = Tokenizer.from_file(str(out / TOKENIZER_FILE))
    pieces = tokenize_rows(
        tokenizer, [row.text for row in rows], limit=config.vocabulary.token_limit
    )
    engine = OrtEngine(out / NETWORK_FILE, config.labels)
    engine.start()
    plan = plan_batches([len(row) for row in pieces])
    outputs = [
        engine.run(pad_batch([pieces[i] for i in batch.positions], batch.width, pad_id=PAD_ID))
        for batch in plan
    ]
    engine.close()
    logits = {
        head: rows_in_input_order(plan, [output.logits[head] for output in outputs])
        for head in config.labels
    }
    return EngineOutput(
        logits, rows_in_input_order(plan, [output.embedding for output in outputs])
    ), pieces


def check_parity(
    weights: TableWeights,
    rows: Sequence[LabelledRow],
    *,
    pieces: Sequence[Sequence[int]],
    output: EngineOutput,
) -> None:
    """Compare the graph's answers with torch in full precision, each head on its own development rows.

    Raises `ModelInvalid` when a head agrees in fewer than 99.5 % of labels, or the mean cosine falls below 0.999.
    """
    for head in weights.heads:
        at = [i for i, row in enumerate(rows) if row.head == head][:PARITY_ROWS]
        vectors, logits = torch_outputs(weights, [pieces[i] for i in at], head=head)
        agreement = float(np.mean(logits.argmax(1) == output.logits[head][at].argmax(1)))
        cosine = float((vectors * output.embedding[at]).sum(1).mean())
        log.info(
            "parity_checked",
            head=head,
            rows=len(at),
            agreement=round(agreement, 5),
            cosine=round(cosine, 6),
        )
        if agreement < LEAST_AGREEMENT:
            raise ModelInvalid(
                f"the graph agrees with torch in {agreement:.4f} of {head} labels, not {LEAST_AGREEMENT}"
            )
        if cosine < LEAST_COSINE:
            raise ModelInvalid(
                f"the graph's vectors have a mean cosine of {cosine:.5f} to torch's, not {LEAST_COSINE}"
            )


def torch_outputs(
    weights: TableWeights, pieces: Sequence[Sequence[int]], *, head: str
) -> tuple[FloatArray, FloatArray]:
    """Return (unit vectors, one head's logits) of rows of pieces, computed by torch from the trained tables."""
    import torch
    from torch.nn import functional

    bag = BagStore(pieces).take(np.arange(len(pieces)))
    ids, starts = torch.from_numpy(bag.ids), torch.from_numpy(bag.starts)
    counts = torch.tensor([max(1, len(row)) for row in pieces])
    sums = [
        functional.embedding_bag(ids, torch.from_numpy(table), starts, mode="sum")
        for table in (weights.likeness, weights.mood)
    ]
    vectors = functional.normalize(sums[0], dim=1, eps=1e-6)
    mood = sums[1] / counts.sqrt()[:, None]
    features = torch.cat([vectors * vectors.shape[1] ** 0.5, mood], dim=1)
    hidden = functional.relu(_linear(features, weights.hidden))
    return vectors.numpy(), _linear(hidden, weights.heads[head]).numpy()


def _linear(values: Any, layer: LayerWeights) -> Any:
    import torch

    return torch.nn.functional.linear(
        values, torch.from_numpy(layer.weight), torch.from_numpy(layer.bias)
    )


def _sources(config: TrainingConfig) -> tuple[TrainingSource, ...]:
    listed = [
        TrainingSource(s.file, s.head, s.lang, s.role, s.licence, config.label_map(s))
        for s in config.sources
    ]
    listed += [
        TrainingSource(t.file, "likeness", t.lang, "train", t.licence)
        for t in config.likeness_texts
    ]
    return tuple(listed)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
