"""A graph without its int8 steps is the same network in float32."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contracts.errors import ModelInvalid
from models.engines.floating import float_graph
from models.registry import locate_model

onnx = pytest.importorskip("onnx")
SHAPE = [2, 4]


def test_the_bundled_graph_loses_its_int8_steps_and_nothing_else() -> None:
    # Given the shipped graph
    path = locate_model("bundled") / "model.onnx"
    small = onnx.load(str(path))
    # When it is taken to float32
    plain = float_graph(path)
    # Then it is a graph with the same outputs and products, and no step of int8
    onnx.checker.check_model(plain)
    kinds = [[node.op_type for node in model.graph.node] for model in (small, plain)]
    assert kinds[0].count("MatMul") == kinds[1].count("MatMul")
    assert not {"QuantizeLinear", "DequantizeLinear"} & set(kinds[1])
    assert [o.name for o in small.graph.output] == [o.name for o in plain.graph.output]


def test_a_product_is_that_of_the_dequantised_weight_by_its_channel(tmp_path: Path) -> None:
    # Given x · W, W int8 with a scale a column
    scales = np.array([0.5, 0.25, 2.0], np.float32)
    weight = np.arange(-6, 6, dtype=np.int8).reshape(4, 3)
    path = tmp_path / "small.onnx"
    path.write_bytes(small_graph(weight, scales).SerializeToString())
    # When it is run in float32
    from onnxruntime import InferenceSession

    graph = float_graph(path).SerializeToString()
    values = np.random.default_rng(7).normal(size=SHAPE).astype(np.float32)
    session = InferenceSession(graph, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"x": values})
    # Then nothing of x is rounded
    np.testing.assert_allclose(found, values @ (weight * scales), rtol=1e-5)


def test_what_is_no_graph_or_quantised_by_others_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no graph")
    with pytest.raises(ModelInvalid, match=r"onnx cannot read .*broken\.onnx"):
        float_graph(broken)
    with pytest.raises(ModelInvalid, match="cannot read"):
        float_graph(tmp_path / "absent.onnx")
    strange = small_graph(np.ones((4, 3), np.int8), np.ones(3, np.float32))
    del strange.graph.node[0]
    strange.graph.input[0].name = "x_q"
    broken.write_bytes(strange.SerializeToString())
    with pytest.raises(ModelInvalid, match="dequantises x_q, which it did not quantise"):
        float_graph(broken)


def small_graph(weight: np.ndarray, scales: np.ndarray) -> Any:
    """Return a graph of one int8 product: x [2, 4] by `weight` with `scales` by column."""
    from onnx import TensorProto, helper, numpy_helper

    tensors = {
        "w_q": weight,
        "w_scale": scales,
        "w_zero": np.zeros(len(scales), np.int8),
        "x_scale": np.float32(0.1),
        "x_zero": np.uint8(128),
    }
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "x_scale", "x_zero"], ["x_q"]),
        helper.make_node("DequantizeLinear", ["x_q", "x_scale", "x_zero"], ["x_d"]),
        helper.make_node("DequantizeLinear", ["w_q", "w_scale", "w_zero"], ["w"], axis=1),
        helper.make_node("MatMul", ["x_d", "w"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "product",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, SHAPE)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in tensors.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
