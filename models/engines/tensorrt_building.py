"""Build a plan: the graph as one GPU library runs it, for a few widths and any number of rows.

In: a typed graph and TensorRT. Out: the plan's bytes, and the profiles that it was built for. Imports no onnx, and asks
for no GPU where the library needs none.

A profile fixes the width and leaves the rows open. A batch is padded to the next width: padding is masked, so that
answers stay the same. The rows of a profile are what the token budget lets a batch of that width have.

    >>> [tuple(profile) for profile in profiles_for(176)]
    [(16, 256), (32, 256), (64, 248), (128, 126), (176, 63)]
"""

from typing import Any, NamedTuple

from contracts.errors import EngineFailed
from models.batching import DEFAULT_ROW_LIMIT
from models.engines.tensorrt_library import Library

WIDTHS = (16, 32, 64, 128)
PLAN_TOKENS = 8192
INPUTS = ("input_ids", "attention_mask")
# Part of a plan's key: tells all of the rule below but the model's own number of places.
SHAPES = f"{','.join(map(str, WIDTHS))},all; {DEFAULT_ROW_LIMIT} rows; {PLAN_TOKENS} pieces"


class Profile(NamedTuple):
    """Hold the width of a profile's batches and the most rows of one."""

    width: int
    rows: int


def profiles_for(places: int) -> tuple[Profile, ...]:
    """Return the profiles of a model that reads `places` pieces at most, narrow ones first."""
    widths = [*(width for width in WIDTHS if width < places), places]
    narrowest = [1, *(width + 1 for width in widths)]
    return tuple(
        Profile(width, max(1, min(DEFAULT_ROW_LIMIT, PLAN_TOKENS // least)))
        for width, least in zip(widths, narrowest, strict=False)
    )


def build_plan(graph: bytes, profiles: tuple[Profile, ...], *, library: Library) -> bytes:
    """Return the serialised plan. Raises `EngineFailed` with TensorRT's own words where it refuses the graph."""
    trt = library.trt
    builder = trt.Builder(library.logger)
    network = builder.create_network(_strongly_typed(trt))
    parser = trt.OnnxParser(network, library.logger)
    library.heard.clear()
    if not parser.parse(graph):
        raise EngineFailed(f"{_named(library)} cannot read the graph: {library.last_words()}")
    config = builder.create_builder_config()
    # What the graph calls float32 is computed as such: no shorter products of heads and means.
    config.clear_flag(trt.BuilderFlag.TF32)
    for profile in profiles:
        _add(builder, config, profile=profile)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise EngineFailed(f"{_named(library)} cannot build the plan: {library.last_words()}")
    return bytes(plan)


def _strongly_typed(trt: Any) -> int:
    """Return the flag that TensorRT 10 needs; 11 and RTX know nothing else and take no notice of it."""
    flag = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    return 0 if flag is None else 1 << int(flag)


def _add(builder: Any, config: Any, *, profile: Profile) -> None:
    """Add a profile, tuned for its fullest batch: that is what a worker that is behind runs."""
    shapes = builder.create_optimization_profile()
    full = (profile.rows, profile.width)
    for name in INPUTS:
        shapes.set_shape(name, (1, profile.width), full, full)
    if config.add_optimization_profile(shapes) < 0:
        raise EngineFailed(f"TensorRT refuses a profile of {full[0]} rows of {full[1]} pieces")


def _named(library: Library) -> str:
    return f"{library.name} {library.version}"
