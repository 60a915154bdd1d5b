"""Make a graph's products with weights int8: static, per channel, in the form that every engine reads (QDQ).

In: the float32 graph and rows of pieces like those to come. Out: the quantised graph. Imports onnxruntime and onnx
lazily.

Products read int8 and give float32.

Weights keep seven bits (`reduce_range`): two products of eight bits overflow the 16-bit sums of processors without
VNNI. Products of two activations stay float32, as do the heads, which decide.

A few channels of an encoder's activations are a hundred times as large as the others, and one scale for all would leave
the others no bits. So each channel is divided, and its weights multiplied, by

    s = max |activation| ^ EVENNESS / max |weight| ^ (1 - EVENNESS)

where the layer norm's outputs are read, and after the widening, where only the frame's own pieces have peaks, what a
few channels have above `PEAK` goes a way of its own.

References: Xiao et al., SmoothQuant, 2023; Dettmers et al., LLM.int8(), 2022.
"""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from models.batching import pad_batch, plan_batches
from models.protocols import FloatArray
from models.training.graph import Evening, Peaks, product_inputs
from models.training.vocabulary import PAD_ID

CALIBRATION_ROWS = 768
MOST_LEVELS = 255
EVENNESS = 0.5
PEAK = 5.0
PARTS = ("attended", "wide", "narrow", "query", "key", "value")


def quantized(graph: bytes, rows: Sequence[Sequence[int]]) -> bytes:
    """Return the graph with int8 products, its ranges read off a run over the first rows."""
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        source.write_bytes(graph)
        quantize_static(
            str(source),
            str(target),
            _Reader(rows[:CALIBRATION_ROWS]),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["MatMul"],
            nodes_to_quantize=_products(source),
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={
                "WeightSymmetric": True,
                "ActivationSymmetric": False,
                # Sums stay float32: eight bits of them cost as much accuracy as all inputs together.
                "OpTypesToExcludeOutputQuantization": ["MatMul"],
            },
        )
        return without_needless_caps(target.read_bytes())


def without_needless_caps(graph: bytes) -> bytes:
    """Return the graph without a Min above which int8 has no values anyway: quantising cuts it off by itself."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load_from_string(graph)
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    made = {node.output[0]: node for node in model.graph.node}
    for node in model.graph.node:
        cap = made.get(node.input[0])
        if node.op_type != "QuantizeLinear" or cap is None or cap.op_type != "Min":
            continue
        limit, scale, zero = (
            float(numpy_helper.to_array(tensors[name])) for name in (cap.input[1], *node.input[1:])
        )
        # Where the range ends within half a level of the limit, what is above rounds to the same.
        if (MOST_LEVELS - zero) * scale <= limit + scale / 2:
            node.input[0] = cap.input[0]
    read = {name for node in model.graph.node for name in node.input}
    kept = [n for n in model.graph.node if n.op_type != "Min" or n.output[0] in read]
    del model.graph.node[:]
    model.graph.node.extend(kept)
    return bytes(model.SerializeToString())


def evening_of(graph: bytes, rows: Sequence[Sequence[int]], *, layers: int) -> Evening:
    """Return what makes the graph fit for int8, from the float32 graph and a run over the first rows."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load_from_string(graph)
    weights = {
        tensor.name: numpy_helper.to_array(tensor)
        for tensor in model.graph.initializer
        if tensor.name.endswith(".weight")
    }
    inputs = product_inputs(layers)
    largest = _largest(model, rows, values=list(inputs))
    divisors, peaks = {}, {}
    for value, parts in inputs.items():
        if value.endswith(".gelu"):
            channels = np.flatnonzero(largest[value] > PEAK)
            if len(channels):
                peaks[value] = Peaks(PEAK, tuple(channels.tolist()))
            continue
        weight = np.max([np.abs(weights[f"{part}.weight"]).max(1) for part in parts], axis=0)
        ratio = np.maximum(largest[value], 1e-3) ** EVENNESS / np.maximum(weight, 1e-4) ** (
            1 - EVENNESS
        )
        divisors[value] = (ratio / np.exp(np.log(ratio).mean())).astype(np.float32)
    return Evening(divisors, peaks)


def _largest(
    model: Any, rows: Sequence[Sequence[int]], *, values: list[str]
) -> dict[str, FloatArray]:
    """Return the largest value (its magnitude where it may be negative) of each channel over rows."""
    import onnxruntime
    from onnx import TensorProto, helper

    for value in values:
        model.graph.output.append(helper.make_tensor_value_info(value, TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    found: dict[str, FloatArray] = {}
    reader = _Reader(rows[:CALIBRATION_ROWS])
    while (feed := reader.get_next()) is not None:
        for value, array in zip(values, session.run(values, feed), strict=True):
            here = np.abs(array).reshape(-1, array.shape[-1]).max(0)
            found[value] = np.maximum(found.get(value, here), here)
    return found


def _products(path: Path) -> list[str]:
    import onnx

    model = onnx.load(str(path))
    return [
        node.name
        for node in model.graph.node
        if node.op_type == "MatMul" and node.name.split(".")[-2] in PARTS
    ]


class _Reader:
    """Give padded batches of calibration rows, one after another, as onnxruntime asks for them."""

    def __init__(self, rows: Sequence[Sequence[int]]) -> None:
        self._feeds = self._batches(rows)

    def _batches(self, rows: Sequence[Sequence[int]]) -> Iterator[dict[str, Any]]:
        for batch in plan_batches([len(row) for row in rows], token_budget=1024):
            padded = pad_batch([rows[i] for i in batch.positions], batch.width, pad_id=PAD_ID)
            yield {
                "input_ids": np.asarray(padded.input_ids),
                "attention_mask": np.asarray(padded.attention_mask),
            }

    def get_next(self) -> dict[str, Any] | None:
        """Return the next batch, None after the last."""
        return next(self._feeds, None)
