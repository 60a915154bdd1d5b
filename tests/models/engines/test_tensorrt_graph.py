"""A graph for TensorRT is typed by itself: products of layers in float16, the rest in float32."""

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contracts.errors import ModelInvalid
from models.batching import pad_batch
from models.engines.floating import float_graph
from models.engines.ort import OrtEngine
from models.protocols import EngineOutput
from models.registry import locate_model, open_model

onnx = pytest.importorskip("onnx")
from models.engines.tensorrt_graph import RECIPE, half_graph, typed_graph  # noqa: E402

LABELS = {"emotion": ("anger", "joy", "neutral"), "irony": ("irony", "none")}
ROWS = [[2, 5, 17, 31, 3], [2, 7, 3], [2, 44, 45, 46, 47, 48, 49, 3]]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.models.engines.tiny_graph import tiny_graph

    path = tmp_path_factory.mktemp("tiny") / "model.onnx"
    path.write_bytes(tiny_graph(LABELS, pieces=50, places=24))
    return path


@pytest.fixture(scope="module")
def bundled_half() -> Any:
    model = open_model(locate_model("bundled"))
    return onnx.load_from_string(typed_graph(model.folder / model.manifest.network).graph)


def test_the_graph_tells_its_places_and_its_pieces(path: Path) -> None:
    typed = typed_graph(path)
    assert (typed.places, typed.pieces) == (24, 50)


def test_the_bundled_graph_is_valid_and_typed_by_casts(bundled_half: Any) -> None:
    # Given the shipped graph as TensorRT takes it
    onnx.checker.check_model(bundled_half, full_check=True)
    kinds = Counter(node.op_type for node in bundled_half.graph.node)
    halves = {
        node.output[0] for node in bundled_half.graph.node if node.output[0].endswith(".half")
    }
    # Then no step of int8 is left, and six products with weights and two of attention are short in each of six layers
    assert not {"QuantizeLinear", "DequantizeLinear"} & set(kinds)
    assert (
        sum(name.endswith((".product.half", ".scores.half", ".mixed.half")) for name in halves)
        == 48
    )
    # And heads, norms and softmax read no short value
    for node in bundled_half.graph.node:
        if node.op_type in {"LayerNormalization", "Softmax", "Gelu"} or "logits" in node.output[0]:
            assert not halves & set(node.input)


def test_no_tensor_is_int8_since_a_gpu_would_take_it_for_quantised(bundled_half: Any) -> None:
    kinds = {tensor.data_type for tensor in bundled_half.graph.initializer}
    assert kinds == {
        onnx.TensorProto.FLOAT,
        onnx.TensorProto.FLOAT16,
        onnx.TensorProto.INT64,
    }


def test_the_answers_are_those_of_float32_up_to_half_a_thousandth(
    path: Path, tmp_path: Path
) -> None:
    # Given a network in float32 and in float16
    half = tmp_path / "half.onnx"
    half.write_bytes(half_graph(float_graph(path)).SerializeToString())
    # When both read the same batch on the CPU
    plain, short = answers(path), answers(half)
    # Then they differ, by the rounding of eleven bits alone
    for head in LABELS:
        np.testing.assert_allclose(short.logits[head], plain.logits[head], atol=0.02)
    assert not np.array_equal(short.logits["emotion"], plain.logits["emotion"])
    assert ((short.embedding * plain.embedding).sum(1) > 0.9999).all()


def test_a_graph_of_others_is_refused(tmp_path: Path) -> None:
    from onnx import TensorProto, helper

    names = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in ("x", "y")]
    node = helper.make_node("Abs", ["x"], ["y"])
    model = helper.make_model(helper.make_graph([node], "other", names[:1], names[1:]))
    with pytest.raises(ModelInvalid, match="no product of a layer: it was not exported by hubbub"):
        half_graph(model)
    (tmp_path / "other.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ModelInvalid, match=r"no table 'positions\.rows'"):
        typed_graph(tmp_path / "other.onnx")


def test_another_graph_of_the_same_file_needs_another_recipe(tmp_path: Path) -> None:
    # Given a file with all that is changed on the way: int8 steps, int8 rows, a slice, a product of a layer
    path = tmp_path / "model.onnx"
    path.write_bytes(every_kind_of_node())
    # When it is typed
    digest = hashlib.sha256(typed_graph(path).graph).hexdigest()[:16]
    # Then it is the graph of this recipe; where another is meant, raise RECIPE and write its digest here
    assert (RECIPE, digest) == (1, "00d34500d9e27f4b")


def every_kind_of_node() -> bytes:
    from onnx import TensorProto, helper, numpy_helper

    tensors = {
        "words.rows": np.arange(-4, 4, dtype=np.int8).reshape(4, 2),
        "positions.rows": np.ones((3, 2), np.float32),
        "from": np.array([0], np.int64),
        "to": np.array([3], np.int64),
        "scale": np.float32(0.5),
        "zero": np.uint8(128),
        "w": np.array([[1, -2], [3, -4]], np.int8),
        "w.scale": np.array([0.25, 0.5], np.float32),
        "w.zero": np.zeros(2, np.int8),
    }
    nodes = [
        helper.make_node("Gather", ["words.rows", "ids"], ["picked"]),
        helper.make_node("Cast", ["picked"], ["words"], to=TensorProto.FLOAT),
        helper.make_node("Slice", ["positions.rows", "from", "to"], ["places"]),
        helper.make_node("Add", ["words", "places"], ["x"]),
        helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["x.short"]),
        helper.make_node("DequantizeLinear", ["x.short", "scale", "zero"], ["x.back"]),
        helper.make_node("DequantizeLinear", ["w", "w.scale", "w.zero"], ["w.back"], axis=1),
        helper.make_node("MatMul", ["x.back", "w.back"], ["layers.0.y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "every",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, [3])],
        [helper.make_tensor_value_info("layers.0.y", TensorProto.FLOAT, [3, 2])],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in tensors.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def answers(path: Path) -> EngineOutput:
    engine = OrtEngine(path, LABELS)
    engine.start()
    output = engine.run(pad_batch(ROWS, 12, pad_id=0))
    engine.close()
    return output
