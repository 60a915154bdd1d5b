"""The pytorch engine: where it runs, what it refuses, and its layers in bfloat16, which need no GPU to be judged."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contracts.errors import EngineFailed, ModelInvalid
from models.engines.floating import float_graph
from models.engines.graph_running import TorchGraph
from models.engines.graph_steps import Step, Steps, before_norms, read_steps
from models.engines.pytorch import PytorchEngine
from tests.models.engines.test_conformance import LABELS, PATH, batch_of, random_rows

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")


def graph_of(operator: str, *inputs: str, **settings: Any) -> Steps:
    return Steps(
        (Step(operator, inputs, "y", settings),), {"c": np.ones((3, 2), np.float32)}, ("y",)
    )


def written(path: Path, model: Any) -> Path:
    path.write_bytes(model.SerializeToString())
    return path


def test_it_runs_on_the_cpu_with_one_thread_where_there_is_no_gpu() -> None:
    engine = PytorchEngine(PATH, LABELS)
    assert engine.batch_tokens == 2048
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    engine.start()
    assert torch.get_num_threads() == 1
    with pytest.raises(EngineFailed, match="asked for a GPU; torch finds none"):
        PytorchEngine(PATH, LABELS, device="cuda").start()


def test_layers_in_bfloat16_give_float32_s_labels_and_vectors() -> None:
    # Given the shipped graph with its layers in float32, and in bfloat16 as on a GPU
    steps = read_steps(float_graph(PATH))
    whole, coarse = (
        TorchGraph(steps, torch=torch, device="cpu", low=low)
        for low in (torch.float32, torch.bfloat16)
    )
    # When both read the same rows
    batch = batch_of(random_rows(64))
    expected, found = whole.run(batch), coarse.run(batch)
    # Then logits differ by little, far less than labels do
    for head in LABELS:
        one, two = expected[f"logits_{head}"], found[f"logits_{head}"]
        assert two.dtype == np.float32
        assert 0 < np.abs(one - two).max() < 0.1
        assert np.mean(one.argmax(1) == two.argmax(1)) > 0.95
    # And what is behind the last norm is float32: vectors of length one to the sixth digit
    assert np.allclose(np.linalg.norm(found["embedding"], axis=1), 1, atol=1e-6)
    assert (expected["embedding"] * found["embedding"]).sum(1).min() > 0.999


def test_layers_are_what_a_norm_stands_after() -> None:
    layers = before_norms(read_steps(float_graph(PATH)))
    assert {"layers.0.query.product", "layers.5.narrow.product", "mask"} <= layers
    assert not {"layers.5", "embedding.raw.product", "logits_topic", "shares.each.product"} & layers


def test_an_operator_that_the_table_lacks_is_named() -> None:
    with pytest.raises(ModelInvalid, match="does not know the operator Einsum of y; it knows Add,"):
        run_once(graph_of("Einsum", "c", equation="ij->ji"))
    with pytest.raises(ModelInvalid, match="does not know the setting approximate of Gelu"):
        run_once(graph_of("Gelu", "c", approximate="tanh"))
    with pytest.raises(ModelInvalid, match="casts to ONNX's kind 16"):
        run_once(graph_of("Cast", "c", to=16))


def run_once(graph: Steps) -> dict[str, Any]:
    running = TorchGraph(graph, torch=torch, device="cpu", low=torch.float32)
    return running.run(batch_of([[2, 3]]))


def test_a_graph_that_lacks_an_output_is_refused(tmp_path: Path) -> None:
    model = float_graph(PATH)
    del model.graph.output[0]
    engine = PytorchEngine(written(tmp_path / "short.onnx", model), LABELS)
    with pytest.raises(ModelInvalid, match=r"short\.onnx lacks the outputs \['embedding'\]"):
        engine.start()


def test_a_head_of_another_width_is_refused() -> None:
    engine = PytorchEngine(PATH, LABELS | {"irony": ("irony", "none", "more")}, device="cpu")
    engine.start()
    with pytest.raises(ModelInvalid, match=r"gave irony of shape \(1, 2\), expected \(1, 3\)"):
        engine.run(batch_of([[2, 3]]))


def test_a_file_that_is_no_graph_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"no graph")
    with pytest.raises(ModelInvalid, match=r"onnx cannot read .*broken\.onnx"):
        PytorchEngine(path, LABELS).start()
    with pytest.raises(ModelInvalid, match="and 2 results"):
        read_steps(split_graph())


def split_graph() -> Any:
    """Return a graph of an operator with two results."""
    from onnx import helper

    node = helper.make_node("Split", ["x"], ["a", "b"], axis=0)
    return helper.make_model(helper.make_graph([node], "split", [], []))
