"""Read an ONNX graph as a list of steps, and say which of them are its layers.

In: an `onnx.ModelProto`. Out: a frozen `Steps`, in an order that can be run. Imports onnx lazily.

    layers: all that some LayerNormalization stands after │ the rest: pooling, heads, vectors, shares

An engine may count coarsely in the layers, where each norm takes back what a step has shifted; behind the last norm
nothing does.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from contracts.errors import ModelInvalid

Array = Any  # numpy, of any kind of number


class Step(NamedTuple):
    """Hold one operator with the names of what it reads and of the one value that it makes."""

    operator: str
    inputs: tuple[str, ...]
    output: str
    settings: Mapping[str, Any] = {}


class Steps(NamedTuple):
    """Hold a graph: its steps in order, its constants by name, the names of its outputs."""

    steps: tuple[Step, ...]
    constants: Mapping[str, Array]
    outputs: tuple[str, ...]


def read_steps(model: Any) -> Steps:
    """Return the steps of `model`. Raises `ModelInvalid` for an operator with several results or of another domain."""
    from onnx import helper, numpy_helper

    steps = []
    for node in model.graph.node:
        if len(node.output) != 1 or node.domain or "" in node.input:
            raise ModelInvalid(
                f"the graph has the operator {node.domain}.{node.op_type} with inputs {list(node.input)} and"
                f" {len(node.output)} results; expected one of ONNX itself, without gaps and with one result"
            )
        settings = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        steps.append(Step(node.op_type, tuple(node.input), node.output[0], settings))
    constants = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    return Steps(tuple(steps), constants, tuple(each.name for each in model.graph.output))


def before_norms(graph: Steps) -> frozenset[str]:
    """Return the values that some LayerNormalization stands after.

    >>> product = Step("MatMul", ("x", "W"), "a")
    >>> norm = Step("LayerNormalization", ("a", "gain", "offset"), "b")
    >>> head = Step("MatMul", ("b", "V"), "logits")
    >>> sorted(before_norms(Steps((product, norm, head), {}, ("logits",))))
    ['W', 'a', 'gain', 'offset', 'x']
    """
    found: set[str] = set()
    for step in reversed(graph.steps):
        if step.operator == "LayerNormalization" or step.output in found:
            found.update(step.inputs)
    return frozenset(found)
