"""What makes a graph fit for int8 changes none of its answers, and int8 changes little."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")

from models.engines.floating import float_graph
from models.engines.ort import OrtEngine
from models.protocols import TokenBatch
from models.training.graph import (
    EncoderWeights,
    Evening,
    Peaks,
    encoder_graph,
    product_inputs,
    quantize_rows,
)
from models.training.quantizing import evening_of, quantized

LABELS = {"emotion": ("a", "b", "c"), "kind": ("x", "y")}
IDS = np.array([[2, 5, 6, 7, 3, 3, 8, 3], [2, 9, 3, 0, 0, 0, 0, 0]])
ROWS = [[2, *row, 3] for row in np.random.default_rng(1).integers(4, 50, (40, 6)).tolist()]


def made_weights(layers: int = 2, hidden: int = 16) -> EncoderWeights:
    generator = np.random.default_rng(0)

    def drawn(*shape: int) -> np.ndarray:
        return generator.normal(0, 0.3, shape).astype(np.float32)

    arrays = {"words": drawn(50, hidden), "positions": drawn(20, hidden)}
    norms = ["norm"]
    for at in range(layers):
        name = f"layers.{at}"
        norms += [f"{name}.attended_norm", f"{name}.norm"]
        for part, outputs, inputs in (
            ("qkv", 3 * hidden, hidden),
            ("attended", hidden, hidden),
            ("widen", 4 * hidden, hidden),
            ("narrow", hidden, 4 * hidden),
        ):
            arrays[f"{name}.{part}.weight"] = drawn(outputs, inputs)
            arrays[f"{name}.{part}.bias"] = drawn(outputs)
    for name in norms:
        arrays[f"{name}.weight"] = 1 + drawn(hidden)
        arrays[f"{name}.bias"] = drawn(hidden)
    arrays |= {"project.weight": drawn(hidden, 2 * hidden), "project.bias": drawn(hidden)}
    arrays |= {"heads.weight": drawn(5, hidden), "heads.bias": drawn(5)}
    shares = drawn(3 * hidden + 1, 3)
    return EncoderWeights(arrays, layers, 1, 4, {"emotion": (0, 3), "kind": (3, 5)}, shares)


def answers(graph: bytes, folder: Path) -> dict[str, np.ndarray]:
    path = folder / "graph.onnx"
    path.write_bytes(graph)
    engine = OrtEngine(path, LABELS)
    engine.start()
    output = engine.run(TokenBatch(IDS, (IDS != 0).astype(np.int64)))
    engine.close()
    assert output.pooled is not None
    assert output.shares is not None
    return {
        "embedding": output.embedding,
        "pooled": output.pooled,
        "shares": output.shares,
        **output.logits,
    }


def test_a_graph_answers_every_output_and_pads_shares_with_zeros(tmp_path: Path) -> None:
    found = answers(encoder_graph(made_weights()), tmp_path)
    assert found["pooled"].shape == (2, 32)
    assert found["shares"].shape == (2, 8, 3)
    # Only the text itself has shares: neither padding nor the context.
    assert not found["shares"][1, 3:].any()
    assert not found["shares"][0, 5:].any()


def test_even_channels_and_peaks_apart_change_no_answer(tmp_path: Path) -> None:
    weights = made_weights()
    generator = np.random.default_rng(2)
    divisors = {
        name: np.exp(generator.normal(0, 1, 16)).astype(np.float32)
        for name in product_inputs(2)
        if not name.endswith(".gelu")
    }
    channels = tuple(generator.permutation(64).tolist())
    peaks = {f"layers.{at}.gelu": Peaks(0.2, channels) for at in range(2)}
    plain = answers(encoder_graph(weights), tmp_path)
    even = answers(encoder_graph(weights, evening=Evening(divisors, peaks)), tmp_path)
    for name, values in plain.items():
        assert even[name] == pytest.approx(values, abs=2e-4), name


def test_int8_stays_near_float32(tmp_path: Path) -> None:
    weights = made_weights()
    plain = encoder_graph(weights)
    evening = evening_of(plain, ROWS, layers=2)
    small = answers(quantized(encoder_graph(weights, evening=evening), ROWS), tmp_path)
    whole = answers(plain, tmp_path)
    assert (small["embedding"] * whole["embedding"]).sum(1) == pytest.approx(1, abs=0.03)
    assert np.abs(small["emotion"] - whole["emotion"]).max() < 0.5
    assert (small["emotion"] != whole["emotion"]).any()


def test_int8_reads_int8_and_gives_float32_and_cuts_peaks_off_by_itself(tmp_path: Path) -> None:
    import onnx

    # Given a graph whose widened channels are cut off at 0.2 where they go to int8
    weights = made_weights()
    peaks = {f"layers.{at}.gelu": Peaks(0.2, tuple(range(64))) for at in range(2)}
    # When it is made int8
    small = quantized(encoder_graph(weights, evening=Evening({}, peaks)), ROWS)
    nodes = list(onnx.load_from_string(small).graph.node)
    made = {node.output[0]: node.op_type for node in nodes}
    # Then no product's answer is rounded, and no step cuts off what int8 cuts off
    read = {made.get(node.input[0]) for node in nodes if node.op_type == "QuantizeLinear"}
    assert not read & {"MatMul", "Min"}
    # And without its int8 steps it says what the float32 graph says.
    (tmp_path / "small.onnx").write_bytes(small)
    plain = answers(float_graph(tmp_path / "small.onnx").SerializeToString(), tmp_path)
    whole = answers(encoder_graph(weights), tmp_path)
    assert (plain["embedding"] * whole["embedding"]).sum(1) == pytest.approx(1, abs=2e-3)


def test_a_row_of_the_word_table_keeps_its_own_scale() -> None:
    table = np.array([[0.0, 0.0], [1.27, -0.5], [127.0, 64.0]], np.float32)
    rows, scales = quantize_rows(table)
    assert rows.dtype == np.int8
    assert rows * scales == pytest.approx(table, abs=0.6)
    assert scales[0] == 0
