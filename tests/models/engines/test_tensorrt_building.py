"""Plans are built for real by TensorRT-RTX, which needs no GPU for that."""

import sys
from types import ModuleType

import pytest

from contracts.errors import EngineFailed, MissingExtra
from models.engines.tensorrt_building import Profile, build_plan, profiles_for
from models.engines.tensorrt_library import RTX, Library, find_library

LABELS = {"emotion": ("anger", "joy", "neutral"), "irony": ("irony", "none")}
MAGIC = b"vtrt"


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    pytest.importorskip("onnx")
    from models.engines.tensorrt_graph import typed_graph
    from tests.models.engines.tiny_graph import tiny_graph

    path = tmp_path_factory.mktemp("tiny") / "model.onnx"
    path.write_bytes(tiny_graph(LABELS, pieces=50, places=24))
    return typed_graph(path).graph


def test_profiles_take_the_widths_below_the_model_s_places_and_these() -> None:
    assert profiles_for(24) == (Profile(16, 256), Profile(24, 256))
    assert profiles_for(16) == (Profile(16, 256),)
    assert profiles_for(5) == (Profile(5, 256),)


@pytest.mark.parametrize("places", [16, 100, 128, 176, 512])
def test_every_batch_within_the_budget_fits_its_profile(places: int) -> None:
    # Given batches of any width with as many rows as the token budget allows
    profiles = profiles_for(places)
    for width in range(1, places + 1):
        rows = min(256, 8192 // width)
        # Then the narrowest profile that is wide enough takes them all
        profile = next(one for one in profiles if one.width >= width)
        assert rows <= profile.rows


def test_a_graph_becomes_a_plan(library: Library, graph: bytes) -> None:
    plan = build_plan(graph, profiles_for(24), library=library)
    assert len(plan) > len(graph)
    assert library.name != RTX or plan.startswith(MAGIC)


def test_what_tensorrt_refuses_is_told_in_its_words(library: Library) -> None:
    with pytest.raises(
        EngineFailed, match=r"tensorrt.* cannot (read the graph|build the plan): .+"
    ):
        build_plan(b"no graph", profiles_for(24), library=library)


def test_the_quantised_graph_of_the_cpu_is_refused(library: Library) -> None:
    # Given the shipped graph, whose int8 is asymmetric
    from models.registry import locate_model

    shipped = (locate_model("bundled") / "model.onnx").read_bytes()
    # Then TensorRT does not take it: GPUs have a graph of their own
    with pytest.raises(EngineFailed, match="cannot read the graph"):
        build_plan(shipped, profiles_for(176), library=library)


def test_the_first_errors_heard_are_told_once(library: Library) -> None:
    library.heard[:] = ["one\n line", "two", "three", "four"]
    assert library.last_words() == "one line; two; three"
    assert library.last_words() == "it gave no reason"


def test_without_either_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("tensorrt", "tensorrt_rtx"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtra, match=r"pip install 'hubbub\[tensorrt\]'.*tensorrt_rtx: "):
        find_library.__wrapped__()


def test_a_stub_of_tensorrt_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, library: Library
) -> None:
    # Given a package `tensorrt` without its libraries
    monkeypatch.setitem(sys.modules, "tensorrt", ModuleType("tensorrt"))
    # Then the other one is taken
    assert find_library.__wrapped__().name == RTX
