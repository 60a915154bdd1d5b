"""Write a trained encoder as an ONNX graph of standard operators, in float32.

In: the encoder's weights as numpy arrays, the columns of each exported head. Out: ONNX bytes with inputs `input_ids`,
`attention_mask` (int64 [rows, width]) and outputs `embedding`, `pooled`, `shares`, `logits_<head>`. Imports numpy; onnx
lazily (extra `torch`).

The word table is stored as int8 with a scale for each row, value = q x scale: it is two thirds of all weights, and its
rows came from four bits. Everything else is float32 here; `models.training.quantizing` makes int8 of the products.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from models.protocols import FloatArray
from models.training.vocabulary import END_ID

OPSET = 20
IR_VERSION = 10
EPSILON = 1e-12
MASKED = -1e4


class EncoderWeights(msgspec.Struct, frozen=True):
    """Hold all that the graph computes with: arrays by the names of the torch module, layers, attention heads.

    `heads` are the first and last column of each exported head in `heads.weight`, `shares` float32 [3 x hidden + 1,
    emotions] the map that `models.training.attributing` learns, None where there is no head of emotions.
    """

    arrays: dict[str, FloatArray]
    layers: int
    middle: int
    attention_heads: int
    heads: dict[str, tuple[int, int]]
    shares: FloatArray | None = None


class Peaks(msgspec.Struct, frozen=True):
    """Hold the few channels of a value that pass `limit`: what is above it goes a way of its own, in float32."""

    limit: float
    channels: tuple[int, ...]


class Evening(msgspec.Struct, frozen=True):
    """Hold what makes values fit for int8, by the name of the value; the graph's answers stay the same.

    Where `divisors` float32 [inputs] has one, products read value / divisor and their weights hold the divisor. Where
    `peaks` has one, products read min(value, limit), and what its channels have above the limit is added apart; they
    are the first channels of the value, for a slice costs less than picking them.
    """

    divisors: dict[str, FloatArray] = {}
    peaks: dict[str, Peaks] = {}


def quantize_rows(table: FloatArray) -> tuple[Any, FloatArray]:
    """Return (int8 [rows, width], scales float32 [rows, 1]); a row of zeros has the scale 0."""
    scale = np.abs(table).max(axis=1, keepdims=True) / 127
    divisor = np.where(scale == 0, 1, scale)
    return np.rint(table / divisor).astype(np.int8), scale.astype(np.float32)


class _Graph:
    """Collect nodes and constants; every method returns the name of what it adds."""

    def __init__(self, evening: Evening) -> None:
        self.evening = evening
        self.nodes: list[tuple[str, tuple[str, ...], tuple[str, ...], dict[str, Any]]] = []
        self.constants: dict[str, Any] = {}

    def constant(self, name: str, value: Any) -> str:
        self.constants[name] = value
        return name

    def add(self, operator: str, *inputs: str, to: str, **attributes: Any) -> str:
        self.nodes.append((operator, inputs, (to,), attributes))
        return to

    def linear(self, value: str, weight: FloatArray, *, bias: FloatArray, to: str) -> str:
        """Return value x weight^T + bias; `weight` [outputs, inputs] as torch has it."""
        divisor, peaks = self.evening.divisors.get(value), self.evening.peaks.get(value)
        above = None if peaks is None else self.above(value, weight, peaks=peaks)
        if divisor is not None:
            value, weight = self.divided(value, divisor), weight * divisor
        if peaks is not None:
            value = f"{value}.level"
        matrix = self.constant(f"{to}.weight", np.ascontiguousarray(weight.T))
        product = self.add("MatMul", value, matrix, to=f"{to}.product")
        if above is not None:
            product = self.add("Add", product, above, to=f"{to}.whole")
        return self.add("Add", product, self.constant(f"{to}.bias", bias), to=to)

    def above(self, value: str, weight: FloatArray, *, peaks: Peaks) -> str:
        """Return the product of what the first channels have above the limit; leaves the rest as `<value>.level`."""
        count = len(peaks.channels)
        limit = self.constant(f"{value}.limit", np.array(peaks.limit, np.float32))
        self.add("Min", value, limit, to=f"{value}.level")
        bounds = [
            self.constant(name, np.array([number], np.int64))
            for name, number in (("first", 0), (f"{value}.count", count), ("channel.axis", 2))
        ]
        high = self.add("Slice", value, *bounds, to=f"{value}.high")
        low = self.add("Min", high, limit, to=f"{value}.low")
        over = self.add("Sub", high, low, to=f"{value}.over")
        matrix = np.ascontiguousarray(weight.T[:count])
        return self.add(
            "MatMul", over, self.constant(f"{value}.over.weight", matrix), to=f"{value}.above"
        )

    def divided(self, value: str, divisor: FloatArray) -> str:
        """Return value / divisor, once for each value."""
        name = f"{value}.even"
        if name not in {outputs[0] for _, _, outputs, _ in self.nodes}:
            inverse = self.constant(f"{value}.inverse", (1 / divisor).astype(np.float32))
            self.add("Mul", value, inverse, to=name)
        return name

    def normalize(self, value: str, arrays: Mapping[str, FloatArray], *, name: str, to: str) -> str:
        """Return the layer norm of `value` with the weights `name`."""
        gain = self.constant(f"{to}.gain", arrays[f"{name}.weight"])
        offset = self.constant(f"{to}.offset", arrays[f"{name}.bias"])
        return self.add("LayerNormalization", value, gain, offset, to=to, axis=-1, epsilon=EPSILON)


def encoder_graph(weights: EncoderWeights, *, evening: Evening | None = None) -> bytes:
    """Return the serialised graph; checked by onnx itself."""
    graph = _Graph(evening or Evening())
    hidden, mask = _embedded(graph, weights), _attention_mask(graph)
    middle = hidden
    for at in range(weights.layers):
        hidden = _layer(graph, weights, hidden=hidden, mask=mask, at=at)
        middle = hidden if at + 1 == weights.middle else middle
    text = _text_mask(graph)
    outputs = _outputs(graph, weights, middle=middle, last=hidden, text=text)
    return _serialised(graph, outputs)


def product_inputs(layers: int) -> dict[str, tuple[str, ...]]:
    """Return the names of the values that products with weights read, and the linear parts that read each."""
    found: dict[str, tuple[str, ...]] = {}
    for at in range(layers):
        name, before = f"layers.{at}", f"layers.{at - 1}" if at else "embedded"
        found[before] = (f"{name}.query", f"{name}.key", f"{name}.value")
        found[f"{name}.mixed.joined"] = (f"{name}.attended",)
        found[f"{name}.middle"] = (f"{name}.wide",)
        found[f"{name}.gelu"] = (f"{name}.narrow",)
    return found


def _embedded(graph: _Graph, weights: EncoderWeights) -> str:
    rows, scales = quantize_rows(weights.arrays["words"])
    picked = graph.add("Gather", graph.constant("words.rows", rows), "input_ids", to="words.picked")
    picked = graph.add("Cast", picked, to="words.float", to_type=1)
    scale = graph.add(
        "Gather", graph.constant("words.scales", scales), "input_ids", to="words.scale"
    )
    words = graph.add("Mul", picked, scale, to="words")
    shape = graph.add("Shape", "input_ids", to="width", start=1, end=2)
    positions = graph.constant("positions.rows", weights.arrays["positions"])
    places = graph.add(
        "Slice", positions, graph.constant("zero", np.array([0], np.int64)), shape, to="positions"
    )
    summed = graph.add("Add", words, places, to="embedded.sum")
    return graph.normalize(summed, weights.arrays, name="norm", to="embedded")


def _attention_mask(graph: _Graph) -> str:
    mask = graph.add("Cast", "attention_mask", to="mask.float", to_type=1)
    one = graph.constant("one", np.array(1.0, np.float32))
    absent = graph.add("Sub", one, mask, to="mask.absent")
    scaled = graph.add(
        "Mul", absent, graph.constant("masked", np.array(MASKED, np.float32)), to="mask.scaled"
    )
    axes = graph.constant("mask.axes", np.array([1, 2], np.int64))
    return graph.add("Unsqueeze", scaled, axes, to="mask")


def _layer(graph: _Graph, weights: EncoderWeights, *, hidden: str, mask: str, at: int) -> str:
    arrays, name = weights.arrays, f"layers.{at}"
    mixed = _attention(graph, weights, hidden=hidden, mask=mask, at=at)
    attended = graph.linear(
        mixed,
        arrays[f"{name}.attended.weight"],
        bias=arrays[f"{name}.attended.bias"],
        to=f"{name}.attended",
    )
    summed = graph.add("Add", hidden, attended, to=f"{name}.attended.sum")
    hidden = graph.normalize(summed, arrays, name=f"{name}.attended_norm", to=f"{name}.middle")
    order = _peaks_first(graph.evening.peaks.get(f"{name}.gelu"), arrays[f"{name}.widen.bias"])
    wide = graph.linear(
        hidden,
        arrays[f"{name}.widen.weight"][order],
        bias=arrays[f"{name}.widen.bias"][order],
        to=f"{name}.wide",
    )
    wide = graph.add("Gelu", wide, to=f"{name}.gelu")
    narrow = graph.linear(
        wide,
        arrays[f"{name}.narrow.weight"][:, order],
        bias=arrays[f"{name}.narrow.bias"],
        to=f"{name}.narrow",
    )
    summed = graph.add("Add", hidden, narrow, to=f"{name}.sum")
    return graph.normalize(summed, arrays, name=f"{name}.norm", to=name)


def _peaks_first(peaks: Peaks | None, channels: FloatArray) -> Any:
    """Return the order of the widened channels, in which those with peaks come first."""
    first = np.array([] if peaks is None else peaks.channels, np.int64)
    return np.concatenate([first, np.setdiff1d(np.arange(len(channels)), first)])


def _attention(graph: _Graph, weights: EncoderWeights, *, hidden: str, mask: str, at: int) -> str:
    arrays, name, parts = weights.arrays, f"layers.{at}", weights.attention_heads
    size = arrays[f"{name}.attended.bias"].shape[0]
    each = size // parts
    shape = graph.constant("split.shape", np.array([0, 0, parts, each], np.int64))
    matrices = np.split(arrays[f"{name}.qkv.weight"], 3)
    offsets = np.split(arrays[f"{name}.qkv.bias"], 3)
    # The scores are divided by the root of a part's width; the queries' weights hold that.
    matrices[0], offsets[0] = matrices[0] / each**0.5, offsets[0] / each**0.5
    turned: list[str] = []
    for part, order in (("query", 1), ("key", 3), ("value", 1)):
        value = graph.linear(
            hidden, matrices[len(turned)], bias=offsets[len(turned)], to=f"{name}.{part}"
        )
        value = graph.add("Reshape", value, shape, to=f"{name}.{part}.split")
        perm = [0, 2, 3, 1] if order == 3 else [0, 2, 1, 3]
        turned.append(graph.add("Transpose", value, to=f"{name}.{part}.turned", perm=perm))
    scores = graph.add("MatMul", turned[0], turned[1], to=f"{name}.scores")
    scores = graph.add("Add", scores, mask, to=f"{name}.scores.masked")
    shares = graph.add("Softmax", scores, to=f"{name}.attention", axis=-1)
    mixed = graph.add("MatMul", shares, turned[2], to=f"{name}.mixed")
    mixed = graph.add("Transpose", mixed, to=f"{name}.mixed.turned", perm=[0, 2, 1, 3])
    joined = graph.constant("joined.shape", np.array([0, 0, size], np.int64))
    return graph.add("Reshape", mixed, joined, to=f"{name}.mixed.joined")


def _text_mask(graph: _Graph) -> str:
    """Return float [rows, width]: 1 up to and with the first end piece, where a piece stands."""
    end = graph.constant("end", np.array(END_ID, np.int64))
    ends = graph.add("Equal", "input_ids", end, to="ends.bool")
    ends = graph.add("Cast", ends, to="ends", to_type=1)
    axis = graph.constant("along", np.array(1, np.int64))
    before = graph.add("CumSum", ends, axis, to="ends.before", exclusive=1)
    half = graph.constant("half", np.array(0.5, np.float32))
    inside = graph.add("Less", before, half, to="text.bool")
    inside = graph.add("Cast", inside, to="text.float", to_type=1)
    return graph.add("Mul", inside, "mask.float", to="text")


def _outputs(
    graph: _Graph, weights: EncoderWeights, *, middle: str, last: str, text: str
) -> dict[str, int]:
    arrays = weights.arrays
    axis = graph.constant("pieces.axis", np.array([1], np.int64))
    count = graph.add("ReduceSum", text, axis, to="text.count", keepdims=1)
    count = graph.add("Max", count, "one", to="text.least")
    share = graph.add("Div", text, count, to="text.share")
    row = graph.add("Unsqueeze", share, axis, to="text.row")  # [rows, 1, width]
    means = [
        graph.add("Squeeze", graph.add("MatMul", row, states, to=f"{to}.row"), axis, to=to)
        for states, to in ((middle, "mean.middle"), (last, "mean.last"))
    ]
    both = graph.add("Concat", *means, to="means", axis=1)
    raw = graph.linear(
        both, arrays["project.weight"], bias=arrays["project.bias"], to="embedding.raw"
    )
    length = graph.add("ReduceL2", raw, axis, to="embedding.length", keepdims=1)
    least = graph.constant("least", np.array(1e-6, np.float32))
    length = graph.add("Max", length, least, to="embedding.least")
    graph.add("Div", raw, length, to="embedding")
    graph.add("Concat", *reversed(means), to="pooled", axis=1)
    widths = {
        "embedding": arrays["project.bias"].shape[0],
        "pooled": 2 * arrays["norm.bias"].shape[0],
    }
    for head, (first, end) in weights.heads.items():
        matrix, bias = arrays["heads.weight"][first:end], arrays["heads.bias"][first:end]
        graph.linear(means[1], matrix, bias=bias, to=f"logits_{head}")
        widths[f"logits_{head}"] = end - first
    if weights.shares is not None:
        _shares(
            graph,
            weights.shares,
            second=f"layers.{min(1, weights.layers - 1)}",
            last=last,
            text=text,
        )
    return widths


def _shares(graph: _Graph, shares: FloatArray, *, second: str, last: str, text: str) -> None:
    vectors = graph.add("Concat", "embedded", second, last, to="shares.vectors", axis=2)
    says = graph.linear(vectors, shares[:-1].T, bias=shares[-1], to="shares.each")
    axis = graph.constant("last.axis", np.array([2], np.int64))
    column = graph.add("Unsqueeze", text, axis, to="text.column")
    graph.add("Mul", says, column, to="shares")


def _serialised(graph: _Graph, widths: dict[str, int]) -> bytes:
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node(
            operator, list(inputs), list(outputs), name=outputs[0],
            **{("to" if key == "to_type" else key): value for key, value in attributes.items()},
        )
        for operator, inputs, outputs, attributes in graph.nodes
    ]  # fmt: skip
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["rows", "width"])
        for name in ("input_ids", "attention_mask")
    ]
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", width])
        for name, width in widths.items()
    ]
    if "shares.each.bias" in graph.constants:
        labels = len(graph.constants["shares.each.bias"])
        outputs.append(
            helper.make_tensor_value_info("shares", TensorProto.FLOAT, ["rows", "width", labels])
        )
    tables = [numpy_helper.from_array(array, name) for name, array in graph.constants.items()]
    model = helper.make_model(
        helper.make_graph(nodes, "encoder", inputs, outputs, tables),
        opset_imports=[helper.make_opsetid("", OPSET)],
        producer_name="hubbub",
    )
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model, full_check=True)
    serialised: bytes = model.SerializeToString()
    return serialised
