"""Compare what a network says as torch, as a float32 graph and as an int8 graph.

In: a network, graphs, framed texts. Out: figures, or `ModelInvalid`. Imports numpy, models.batching and models.engines;
torch lazily.
"""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import structlog

from contracts.errors import ModelInvalid
from models.batching import pad_batch, plan_batches, rows_in_input_order
from models.engines.ort import OrtEngine
from models.protocols import EngineOutput, FloatArray
from models.training.vocabulary import PAD_ID

if TYPE_CHECKING:
    from models.networks.encoder import Encoder

# Float32 in another order of sums.
LARGEST_DIFFERENCE = 2e-3
# Eight bits move answers near a boundary; macro-F1 moves by far less, since they move both ways.
LEAST_AGREEMENT, LEAST_COSINE = 0.95, 0.99

log = structlog.get_logger()


def run_graph(
    path: Path, labels: Mapping[str, tuple[str, ...]], *, framed: Sequence[Sequence[int]]
) -> EngineOutput:
    """Return a graph's logits and embedding of framed texts, in their order."""
    engine = OrtEngine(path, labels)
    engine.start()
    plan = plan_batches([len(row) for row in framed])
    outputs = [
        engine.run(pad_batch([framed[i] for i in batch.positions], batch.width, pad_id=PAD_ID))
        for batch in plan
    ]
    engine.close()
    logits = {
        head: rows_in_input_order(plan, [output.logits[head] for output in outputs])
        for head in labels
    }
    return EngineOutput(logits, rows_in_input_order(plan, [o.embedding for o in outputs]))


def check_parity(
    model: "Encoder",
    graph: bytes,
    *,
    spans: Mapping[str, tuple[int, int]],
    framed: Sequence[Sequence[int]],
) -> None:
    """Raise `ModelInvalid` when the float32 graph's logits differ from torch's by more than 2e-3."""
    labels = {head: tuple(map(str, range(first, end))) for head, (first, end) in spans.items()}
    ours = _run_bytes(graph, labels, framed=framed)
    logits, embedding = torch_answers(model, framed)
    differences = {
        head: float(np.abs(logits[:, first:end] - ours.logits[head]).max())
        for head, (first, end) in spans.items()
    }
    differences["embedding"] = float(np.abs(embedding - ours.embedding).max())
    log.info("parity_checked", rows=len(framed), **{k: round(v, 6) for k, v in differences.items()})
    worst = max(differences, key=differences.__getitem__)
    if not differences[worst] <= LARGEST_DIFFERENCE:
        raise ModelInvalid(
            f"the graph's {worst} differs from torch's by {differences[worst]:.5f}, "
            f"expected {LARGEST_DIFFERENCE} at most"
        )


def check_agreement(
    plain: bytes,
    small: bytes,
    *,
    labels: Mapping[str, tuple[str, ...]],
    framed: Sequence[Sequence[int]],
) -> dict[str, float]:
    """Return the share of labels in which two graphs agree, by head, and the vectors' mean cosine as `embedding`.

    Raises `ModelInvalid` below 95 % or a cosine of 0.99.
    """
    first, second = (_run_bytes(graph, labels, framed=framed) for graph in (plain, small))
    found = {
        head: round(
            float(np.mean(first.logits[head].argmax(1) == second.logits[head].argmax(1))), 4
        )
        for head in labels
    }
    found["embedding"] = round(float((first.embedding * second.embedding).sum(1).mean()), 4)
    log.info("agreement_checked", rows=len(framed), **found)
    for name, value in found.items():
        least = LEAST_COSINE if name == "embedding" else LEAST_AGREEMENT
        if not value >= least:
            raise ModelInvalid(f"int8 agrees with float32 in {value} of {name}, expected {least}")
    return found


def torch_answers(
    model: "Encoder", framed: Sequence[Sequence[int]]
) -> tuple[FloatArray, FloatArray]:
    """Return (logits of all columns, unit vectors) computed by torch in float32."""
    import torch

    plan = plan_batches([len(row) for row in framed])
    logits, vectors = [], []
    with torch.inference_mode():
        for batch in plan:
            rows = [framed[i] for i in batch.positions]
            output = model(torch.from_numpy(pad_batch(rows, batch.width, pad_id=PAD_ID).input_ids))
            logits.append(output.logits.numpy())
            vectors.append(output.embedding.numpy())
    return rows_in_input_order(plan, logits), rows_in_input_order(plan, vectors)


def _run_bytes(
    graph: bytes, labels: Mapping[str, tuple[str, ...]], *, framed: Sequence[Sequence[int]]
) -> EngineOutput:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.onnx"
        path.write_bytes(graph)
        return run_graph(path, labels, framed=framed)
