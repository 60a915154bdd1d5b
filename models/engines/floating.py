"""Take the int8 steps out of an exported graph: the same network in float32, for engines that count in floats.

In: a graph whose products are int8 by pairs of QuantizeLinear and DequantizeLinear (QDQ). Out: the graph without them,
weights as float32. Imports onnx lazily.

    activation ─► Quantize ─► Dequantize ─► MatMul          becomes          activation ─► Clip ─► MatMul
    int8 weight ─► Dequantize ─┘                                                float32 weight ─┘

Weights keep the values that int8 left them, so that what is shipped once serves every engine. Activations are no longer
rounded, but cut to the range that eight bits have, as a graph may rely on that. CPUs want their int8 asymmetric,
TensorRT refuses that: hence two graphs of one file.
"""

from pathlib import Path
from typing import Any

from contracts.errors import MissingExtra, ModelInvalid

QUANTIZE, DEQUANTIZE = "QuantizeLinear", "DequantizeLinear"
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
    quantised = {node.output[0]: node for node in model.graph.node if node.op_type == QUANTIZE}
    nodes = []
    for node in model.graph.node:
        if node.op_type != DEQUANTIZE:
            nodes += [] if node.op_type == QUANTIZE else [node]
        elif node.input[0] in tensors:
            model.graph.initializer.append(_dequantized(node, tensors))
        elif node.input[0] in quantised:
            nodes.append(_clip(node, quantised[node.input[0]], graph=model.graph, tensors=tensors))
        else:
            raise ModelInvalid(f"{path} dequantises {node.input[0]}, which it did not quantise")
    _replace(model.graph, nodes)
    return model


def _clip(node: Any, quantising: Any, *, graph: Any, tensors: dict[str, Any]) -> Any:
    """Return what a pair of steps is without its rounding: a Clip to the values that its bits can tell apart."""
    import numpy as np
    from onnx import helper, numpy_helper

    scale, zero = (numpy_helper.to_array(tensors[name]) for name in quantising.input[1:])
    levels = np.iinfo(zero.dtype)
    bounds = [f"{node.output[0]}.{side}" for side in ("least", "most")]
    for name, level in zip(bounds, (levels.min, levels.max), strict=True):
        value = (np.float32(level) - zero.astype(np.float32)) * scale
        graph.initializer.append(numpy_helper.from_array(value.astype(np.float32), name))
    name = node.output[0]
    return helper.make_node("Clip", [quantising.input[0], *bounds], [name], name=name)


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
    return numpy_helper.from_array(weight.astype(np.float32), node.output[0])


def _replace(graph: Any, nodes: list[Any]) -> None:
    """Let the graph be these nodes, without the tensors that nobody reads any more."""
    read = {name for node in nodes for name in node.input}
    tensors = [tensor for tensor in graph.initializer if tensor.name in read]
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.initializer[:]
    graph.initializer.extend(tensors)
