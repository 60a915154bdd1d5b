"""Run an ONNX graph with torch: each step is one call.

In: `Steps`, a device, the kind of number of the layers. Out: `TorchGraph`, from padded arrays to the graph's outputs.
Imports torch lazily.

Where the layers count in bfloat16, these are their products and what follows one up to the next sum with a float32
value. Norms, softmax, the sums that carry a layer's answer on, pooling and all behind it are float32, as under torch's
own autocast.

Left out, as each changed a pass on a CPU by no more than it varies, or wide ones alone (milliseconds for 64 rows of 16
pieces, 32 of 40, 16 of 126): `scaled_dot_product_attention` 231, 301, 513, and as it is 229, 294, 529; products that
take their bias with them 268, 340, 589 beside 270, 340, 589; one product for query, key and value: slower.
"""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from contracts.errors import ModelInvalid
from models.engines.graph_steps import Step, Steps, before_norms
from models.protocols import TokenBatch

Function = Callable[..., Any]
INPUTS = ("input_ids", "attention_mask")
# The place from which arguments are numbers for the host, never tensors: shapes, axes and bounds.
NUMBERS: Mapping[str, int] = {
    "Clip": 1, "CumSum": 1, "ReduceL2": 1, "ReduceSum": 1, "Reshape": 1, "Slice": 1, "Squeeze": 1, "Unsqueeze": 1
}  # fmt: skip
CAST_TO = {1: "float32", 6: "int32", 7: "int64", 9: "bool"}
PRODUCT = "MatMul"


class Call(NamedTuple):
    """Hold one call: the function, the names of its arguments and of its result, and the values that end with it."""

    function: Function
    inputs: tuple[str, ...]
    output: str
    last: tuple[str, ...]


class TorchGraph:
    """Run one graph on one device. Its constants lie there from the beginning."""

    def __init__(self, graph: Steps, *, torch: Any, device: str, low: Any) -> None:
        """Lay the constants onto `device`; `low` is the torch dtype of the layers.

        Raises `ModelInvalid` for an operator, a setting or a kind of number that is not in the table.
        """
        self._torch = torch
        self._device = device
        self._outputs = graph.outputs
        layers = before_norms(graph)
        self._constants = _constants(graph, torch=torch, device=device)
        self._calls = []
        table = operators(torch)
        for step, last in zip(graph.steps, _last_reads(graph), strict=True):
            function = _function(step, table)
            if step.operator == PRODUCT:
                kind = low if step.output in layers else torch.float32
                function = partial(function, kind=kind)
                for name in step.inputs:
                    if name in self._constants:
                        self._constants[name] = self._constants[name].to(kind)
            inputs = _names(step, graph)
            self._calls.append(Call(function, inputs, step.output, last))

    def run(self, batch: TokenBatch) -> dict[str, Any]:
        """Return the outputs by name, as float32 arrays. Raises what torch raises."""
        torch = self._torch
        with torch.inference_mode():
            values = dict(self._constants)
            for name, array in zip(INPUTS, (batch.input_ids, batch.attention_mask), strict=True):
                values[name] = torch.from_numpy(np.ascontiguousarray(array)).to(self._device)
            for function, inputs, output, last in self._calls:
                values[output] = function(*[values[name] for name in inputs])
                for name in last:
                    del values[name]
            return {name: values[name].float().cpu().numpy() for name in self._outputs}


def operators(torch: Any) -> dict[str, Function]:
    """Return the table: a function for each operator, its attributes as keywords.

    MatMul counts in numbers of `kind`.
    """
    call = torch.nn.functional
    return {
        "Add": torch.add,
        "Cast": lambda x, *, to: x.to(_kind(torch, to)),
        "Clip": lambda x, least, most: x.clamp(least[0], most[0]),
        "Concat": lambda *parts, axis: torch.cat(parts, axis),
        "CumSum": _cum_sum,
        "Div": torch.div,
        "Equal": torch.eq,
        "Gather": lambda x, at, *, axis=0: _gather(x, at, axis=axis),
        "Gelu": lambda x: call.gelu(x),
        "LayerNormalization": lambda x, gain, offset, *, axis=-1, epsilon=1e-5: call.layer_norm(
            x.float(), x.shape[axis:], gain, offset, epsilon
        ),
        "Less": torch.lt,
        "MatMul": lambda x, y, *, kind: torch.matmul(x.to(kind), y.to(kind)),
        "Max": torch.maximum,
        "Min": torch.minimum,
        "Mul": torch.mul,
        "ReduceL2": lambda x, axes, *, keepdims=1: torch.linalg.vector_norm(
            x, dim=axes, keepdim=bool(keepdims)
        ),
        "ReduceSum": lambda x, axes, *, keepdims=1: x.sum(axes, keepdim=bool(keepdims)),
        "Reshape": _reshape,
        "Shape": lambda x, *, start=0, end=None: tuple(x.shape[start:end]),
        "Slice": _slice,
        "Softmax": lambda x, *, axis=-1: x.float().softmax(axis),
        "Squeeze": lambda x, axes: x.squeeze(axes),
        "Sub": torch.sub,
        "Transpose": lambda x, *, perm: x.permute(perm),
        "Unsqueeze": _unsqueeze,
    }


def _cum_sum(x: Any, axis: Any, *, exclusive: int = 0) -> Any:
    total = x.cumsum(axis[0])
    return total - x if exclusive else total


def _gather(x: Any, at: Any, *, axis: int) -> Any:
    axis %= x.dim()
    shape = (*x.shape[:axis], *at.shape, *x.shape[axis + 1 :])
    return x.index_select(axis, at.reshape(-1)).reshape(shape)


def _reshape(x: Any, shape: Any) -> Any:
    """Reshape; a 0 keeps the size at its place."""
    return x.reshape([x.shape[place] if size == 0 else size for place, size in enumerate(shape)])


def _slice(x: Any, starts: Any, *more: Any) -> Any:
    """Take a part along one axis; to ask for more than there is is a mistake here, though ONNX forgives it."""
    ends, axes = more if len(more) == 2 else (*more, (0,))
    size = x.shape[axes[0]]
    if ends[0] > size:
        raise ModelInvalid(f"{ends[0]} pieces were asked for, the graph has places for {size}")
    return x.narrow(axes[0], starts[0], ends[0] - starts[0])


def _unsqueeze(x: Any, axes: Any) -> Any:
    for axis in sorted(axes):
        x = x.unsqueeze(axis)
    return x


def _kind(torch: Any, number: int) -> Any:
    if number not in CAST_TO:
        raise ModelInvalid(
            f"the graph casts to ONNX's kind {number}; expected one of {sorted(CAST_TO)}"
        )
    return getattr(torch, CAST_TO[number])


def _function(step: Step, table: Mapping[str, Function]) -> Function:
    """Return the step's function with its settings. Raises `ModelInvalid` for what the table does not have."""
    function = table.get(step.operator)
    if function is None:
        raise ModelInvalid(
            f"the engine `pytorch` does not know the operator {step.operator} of {step.output};"
            f" it knows {', '.join(table)}"
        )
    if not step.settings:
        return function
    unknown = step.settings.keys() - inspect.signature(function).parameters.keys()
    if unknown:
        raise ModelInvalid(
            f"the engine `pytorch` does not know the setting {', '.join(sorted(unknown))} of {step.operator}"
        )
    return partial(function, **step.settings)


def _names(step: Step, graph: Steps) -> tuple[str, ...]:
    """Return the names of the step's arguments; constants that the host reads have one of their own."""
    first = NUMBERS.get(step.operator, len(step.inputs))
    return tuple(
        _for_host(name) if place >= first and name in graph.constants else name
        for place, name in enumerate(step.inputs)
    )


def _for_host(name: str) -> str:
    return f"{name} (numbers)"


def _constants(graph: Steps, *, torch: Any, device: str) -> dict[str, Any]:
    """Return tensors on the device, and tuples of numbers for the host."""
    read = {name for step in graph.steps for name in _names(step, graph)}
    found: dict[str, Any] = {}
    for name, array in graph.constants.items():
        if name in read:
            found[name] = torch.from_numpy(np.array(array)).to(device)
        if _for_host(name) in read:
            found[_for_host(name)] = tuple(array.reshape(-1).tolist())
    return found


def _last_reads(graph: Steps) -> list[tuple[str, ...]]:
    """Return for each step the values that no later step reads, and that may be forgotten."""
    kept = {*graph.outputs, *graph.constants}
    found: list[tuple[str, ...]] = []
    for step in reversed(graph.steps):
        ending = {name for name in step.inputs if name not in kept}
        kept |= ending
        found.append(tuple(sorted(ending)))
    return found[::-1]
