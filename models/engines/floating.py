"""Take the int8 steps out of an exported graph: the same network in float32, for engines that count in floats.

In: a graph whose products are int8 by pairs of QuantizeLinear and DequantizeLinear (QDQ). Out: the graph without them,
weights as float32. Imports onnx lazily.

    activation ─► Quantize ─► Dequantize ─► MatMul          becomes          activation ─► MatMul
    int8 weight ─► Dequantize ─┘                                        float32 weight ─┘

Weights keep the values that int8 left them, so that what is shipped once serves every engine; activations are no longer
rounded. CPUs want their int8 asymmetric, TensorRT refuses that: hence two graphs of one file.
"""

from pathlib import Path
from typing import Any

from contracts.errors import MissingExtra, ModelInvalid

EXTRA = "this engine reads graphs with onnx: pip install 'hubbub[torch]' or 'hubbub[tensorrt]'"


def float_graph(path: Path) -> Any:
    """Return the graph in `path` (an `onnx.ModelProto`) in float32.

    Raises `MissingExtra` without onnx, `ModelInvalid` where the file is no graph or quantises in another way.
    """
    try:
        import onnx
    except ImportError as error:
        raise MissingExtra(EXTRA) from error
    try:
        model = onnx.load(str(path))
    except Exception as error:  # what protobuf raises has no public home
        raise ModelInvalid(f"onnx cannot read {path}: {error}") from error
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    made = {output: node for node in model.graph.node for output in node.output}
    instead: dict[str, str] = {}
    for node in model.graph.node:
        if node.op_type != "DequantizeLinear":
            continue
        if node.input[0] in tensors:
            weight = _dequantized(node, tensors)
            weight.name = node.output[0]
            model.graph.initializer.append(weight)
        elif (
            made.get(node.input[0]) is not None and made[node.input[0]].op_type == "QuantizeLinear"
        ):
            instead[node.output[0]] = made[node.input[0]].input[0]
        else:
            raise ModelInvalid(f"{path} dequantises {node.input[0]}, which it did not quantise")
    _rewire(model.graph, instead)
    return model


def _dequantized(node: Any, tensors: dict[str, Any]) -> Any:
    """Return the float32 tensor of a dequantised weight: (values − zero point) · scale along the node's axis."""
    import numpy as np
    from onnx import numpy_helper

    values, scale, zero = (numpy_helper.to_array(tensors[name]) for name in node.input)
    axis = next((each.i for each in node.attribute if each.name == "axis"), 1)
    if scale.ndim:
        shape = [-1 if place == axis else 1 for place in range(values.ndim)]
        scale, zero = scale.reshape(shape), zero.reshape(shape)
    weight = (values.astype(np.float32) - zero.astype(np.float32)) * scale
    return numpy_helper.from_array(weight.astype(np.float32))


def _rewire(graph: Any, instead: dict[str, str]) -> None:
    """Remove the int8 nodes, read around them, and drop the tensors that nobody reads any more."""
    nodes = [
        node for node in graph.node if node.op_type not in {"QuantizeLinear", "DequantizeLinear"}
    ]
    for node in nodes:
        for place, name in enumerate(node.input):
            node.input[place] = instead.get(name, name)
    read = {name for node in nodes for name in node.input}
    tensors = [tensor for tensor in graph.initializer if tensor.name in read]
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.initializer[:]
    graph.initializer.extend(tensors)
