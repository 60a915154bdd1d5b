"""Lay types into a graph for a GPU: products of the layers in float16, all else in float32.

In: the file of an exported network. Out: its graph in float32 with explicit casts. Imports onnx lazily.

    hidden ─► Cast 16 ─► MatMul ─► Cast 32 ─► Add bias ─► LayerNormalization ─► ...
              float16 weight ─┘

TensorRT 11 knows strongly typed networks alone: a tensor has the type that the graph gives it, so the precision is
decided here and nowhere else. Softmax, norms, means, heads and what passes a channel's limit stay in float32.
Float16 keeps eleven bits of a number, bfloat16 eight: run by onnxruntime, float16 moves 3 labels of 26,645 over 5,329
tweets, posts and headlines and no probability by more than 0.0006; bfloat16 moved 13 of 13,870, and one by 0.009.
"""

from pathlib import Path
from typing import Any, NamedTuple

from contracts.errors import MissingExtra, ModelInvalid
from models.engines.floating import EXTRA, float_graph

# Raised whenever this file or floating.py makes another graph of the same model: plans of older recipes are not used.
RECIPE = 1
# Names that models/training/graph.py gives.
LAYERS, ABOVE = "layers.", ".above"
POSITIONS, PIECES = "positions.rows", "words.rows"


class TypedGraph(NamedTuple):
    """Hold a graph as TensorRT takes it, the places that it has for pieces, and the pieces that it knows."""

    graph: bytes
    places: int
    pieces: int


def typed_graph(path: Path) -> TypedGraph:
    """Return the graph of an exported file. Raises `ModelInvalid` for another file, `MissingExtra` without onnx."""
    model = float_graph(path)
    places, pieces = table_rows(model, POSITIONS), table_rows(model, PIECES)
    return TypedGraph(half_graph(model).SerializeToString(), places, pieces)


def half_graph(model: Any) -> Any:
    """Return a float32 `model` (an `onnx.ModelProto`, changed in place) as TensorRT takes it.

    Raises `ModelInvalid` where it has no layer of ours, `MissingExtra` without onnx.
    """
    helper = _onnx().helper
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    caster = _Caster(helper, tensors)
    for node in model.graph.node:
        if _is_product(node):
            caster.product(node)
        else:
            caster.nodes.append(node)
            if node.op_type == "Slice":
                _name_axes(node, tensors)
    if not caster.made:
        raise ModelInvalid("the graph has no product of a layer: it was not exported by hubbub")
    for name, tensor in tensors.items():
        if tensor.data_type == _onnx().TensorProto.INT8:
            tensors[name] = _as_half(tensor, name=name)
    return _with(model, caster.nodes, tensors=tensors)


def table_rows(model: Any, name: str) -> int:
    """Return how many rows a table of the graph has: pieces that it knows, or places. Raises `ModelInvalid`."""
    for tensor in model.graph.initializer:
        if tensor.name == name:
            return int(tensor.dims[0])
    raise ModelInvalid(f"the graph has no table {name!r}: it was not exported by hubbub")


class _Caster:
    """Collect nodes, with casts around the products that are given to it; each value is cast once."""

    def __init__(self, helper: Any, tensors: dict[str, Any]) -> None:
        self.nodes: list[Any] = []
        self.made: set[str] = set()
        self._helper = helper
        self._tensors = tensors

    def product(self, node: Any) -> None:
        for place, name in enumerate(node.input):
            node.input[place] = self._half(name)
        (output,) = node.output
        node.output[0] = f"{output}.half"
        self.nodes += [node, self._cast(f"{output}.half", output, to="FLOAT")]

    def _half(self, name: str) -> str:
        half = f"{name}.half"
        if half in self.made:
            return half
        self.made.add(half)
        if name in self._tensors:
            self._tensors[half] = _as_half(self._tensors[name], name=half)
        else:
            self.nodes.append(self._cast(name, half, to="FLOAT16"))
        return half

    def _cast(self, value: str, output: str, *, to: str) -> Any:
        kind = getattr(_onnx().TensorProto, to)
        return self._helper.make_node("Cast", [value], [output], name=f"{output}.cast", to=kind)


def _is_product(node: Any) -> bool:
    output = node.output[0]
    return node.op_type == "MatMul" and output.startswith(LAYERS) and not output.endswith(ABOVE)


def _as_half(tensor: Any, *, name: str) -> Any:
    """Return a tensor in float16; the int8 rows of the word table are whole numbers below 2048, hence the same."""
    import numpy as np
    from onnx import numpy_helper

    return numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), name)


def _name_axes(node: Any, tensors: dict[str, Any]) -> None:
    """Say which axes a slice is of: ONNX takes the first ones where nobody says, TensorRT takes all."""
    import numpy as np
    from onnx import numpy_helper

    if len(node.input) == 3:
        name = f"{node.output[0]}.axes"
        count = int(np.prod(tensors[node.input[1]].dims))
        tensors[name] = numpy_helper.from_array(np.arange(count, dtype=np.int64), name)
        node.input.append(name)


def _with(model: Any, nodes: list[Any], *, tensors: dict[str, Any]) -> Any:
    read = {name for node in nodes for name in node.input}
    nodes = [_onnx().NodeProto.FromString(node.SerializeToString()) for node in nodes]
    kept = [tensor for name, tensor in tensors.items() if name in read]
    kept = [_onnx().TensorProto.FromString(tensor.SerializeToString()) for tensor in kept]
    for field in (model.graph.node, model.graph.initializer, model.graph.value_info):
        del field[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(kept)
    return model


def _onnx() -> Any:
    try:
        import onnx
    except ImportError as error:
        raise MissingExtra(EXTRA) from error
    return onnx
