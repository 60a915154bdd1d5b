"""Write a trained piece table as an ONNX graph with int8 tables.

In: plain tables and the heads' weights. Out: ONNX bytes with inputs `input_ids`, `attention_mask` (int64 [rows, width])
and outputs `embedding`, `logits_<head>`. Imports numpy; onnx lazily (extra `torch`).

Each row of a table is stored as int8 with a scale of its own: value = q x scale. Sums run along the pieces one after
another and padding adds exact zeros, so that a text's sums do not depend on how far it is padded.
"""

from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np

from models.protocols import FloatArray

OPSET = 20
IR_VERSION = 10

Step = tuple[str, tuple[str, ...], tuple[str, ...], dict[str, Any]]


class LayerWeights(msgspec.Struct, frozen=True):
    """Hold one linear layer: `weight` [outputs, inputs], `bias` [outputs]."""

    weight: FloatArray
    bias: FloatArray


class TableWeights(msgspec.Struct, frozen=True):
    """Hold all that the graph computes with; `likeness` [pieces, vector_width], `mood` [pieces, head_width]."""

    likeness: FloatArray
    mood: FloatArray
    hidden: LayerWeights
    heads: dict[str, LayerWeights]


def quantize_rows(table: FloatArray) -> tuple[Any, FloatArray]:
    """Return (int8 [rows, width], scales float32 [rows, 1]); a row of zeros has the scale 0."""
    scale = np.abs(table).max(axis=1, keepdims=True) / 127
    divisor = np.where(scale == 0, 1, scale)
    return np.rint(table / divisor).astype(np.int8), scale.astype(np.float32)


def piece_table_graph(weights: TableWeights) -> bytes:
    """Return the serialised graph; checked by onnx itself."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    constants = _constants(weights)
    nodes = [
        helper.make_node(op, list(ins), list(outs), **attributes)
        for op, ins, outs, attributes in _steps(weights.heads)
    ]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["rows", "width"])
        for name in ("input_ids", "attention_mask")
    ]
    widths = {"embedding": weights.likeness.shape[1]}
    widths |= {f"logits_{head}": len(layer.bias) for head, layer in weights.heads.items()}
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", width])
        for name, width in widths.items()
    ]
    initializers = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = helper.make_graph(nodes, "piece_table", inputs, outputs, initializers)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="hubbub"
    )
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model, full_check=True)
    serialised: bytes = model.SerializeToString()
    return serialised


def _constants(weights: TableWeights) -> dict[str, Any]:
    constants: dict[str, Any] = {
        "along_pieces": np.array([1], np.int64),
        "one": np.array(1.0, np.float32),
        "least_length": np.array(1e-6, np.float32),
        "vector_gain": np.array(weights.likeness.shape[1] ** 0.5, np.float32),
    }
    for name, table in (("likeness", weights.likeness), ("mood", weights.mood)):
        constants[f"{name}_rows"], constants[f"{name}_scales"] = quantize_rows(table)
    for name, layer in {"hidden": weights.hidden, **weights.heads}.items():
        constants[f"{name}_weight"], constants[f"{name}_bias"] = layer.weight, layer.bias
    return constants


def _steps(heads: Iterable[str]) -> list[Step]:
    """Return the graph's nodes as (operator, inputs, outputs, attributes)."""
    steps: list[Step] = []
    for name in ("likeness", "mood"):
        steps += [
            ("Gather", (f"{name}_rows", "input_ids"), (f"{name}_picked",), {}),
            ("Gather", (f"{name}_scales", "input_ids"), (f"{name}_picked_scales",), {}),
            ("Cast", (f"{name}_picked",), (f"{name}_float",), {"to": 1}),
            ("Mul", (f"{name}_float", f"{name}_picked_scales"), (f"{name}_scaled",), {}),
            ("ReduceSum", (f"{name}_scaled", "along_pieces"), (f"{name}_sum",), {"keepdims": 0}),
        ]
    return [
        *steps,
        ("ReduceL2", ("likeness_sum", "along_pieces"), ("raw_length",), {"keepdims": 1}),
        ("Max", ("raw_length", "least_length"), ("length",), {}),
        ("Div", ("likeness_sum", "length"), ("embedding",), {}),
        ("ReduceSum", ("attention_mask", "along_pieces"), ("count",), {"keepdims": 1}),
        ("Cast", ("count",), ("count_float",), {"to": 1}),
        ("Max", ("count_float", "one"), ("count_least",), {}),
        ("Sqrt", ("count_least",), ("count_root",), {}),
        ("Div", ("mood_sum", "count_root"), ("mood",), {}),
        ("Mul", ("embedding", "vector_gain"), ("vector_part",), {}),
        ("Concat", ("vector_part", "mood"), ("features",), {"axis": 1}),
        ("Gemm", ("features", "hidden_weight", "hidden_bias"), ("hidden_sum",), {"transB": 1}),
        ("Relu", ("hidden_sum",), ("hidden",), {}),
        *(
            (
                "Gemm",
                ("hidden", f"{head}_weight", f"{head}_bias"),
                (f"logits_{head}",),
                {"transB": 1},
            )
            for head in heads
        ),
    ]
