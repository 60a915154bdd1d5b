"""The TensorRT engine: what it refuses and why, and, where a GPU is, that its answers are those of float32."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from contracts.errors import EngineFailed, MissingExtra, ModelInvalid
from models.batching import pad_batch
from models.cli.app import app
from models.engines.cuda_device import CudaDevice
from models.engines.floating import float_graph
from models.engines.ort import OrtEngine
from models.engines.plan_cache import PlanCache
from models.engines.tensorrt import (
    TensorRtEngine,
    fitting_profile,
    output_of,
    parts_of,
    plan_key,
)
from models.engines.tensorrt_building import Profile
from models.engines.tensorrt_library import Library
from models.engines.tensorrt_running import PlanRunner
from models.protocols import Engine
from models.registry import locate_model, open_model

LABELS = {"emotion": ("anger", "joy", "neutral"), "irony": ("irony", "none")}
ROWS = [[2, 5, 900, 31, 3], [2, 77, 3], [2, *range(100, 220), 3]]


def gpu() -> str:
    """Return the GPU's name, empty where there is none."""
    device = CudaDevice()
    try:
        device.start()
    except (EngineFailed, MissingExtra):
        return ""
    device.close()
    return device.name


GPU = gpu()
needs_gpu = pytest.mark.skipif(not GPU, reason="no CUDA GPU: TensorRT cannot run here")
needs_none = pytest.mark.skipif(bool(GPU), reason="there is a GPU")


def engine_of(home: Path) -> TensorRtEngine:
    model = open_model(locate_model("bundled"))
    path = model.folder / model.manifest.network
    return TensorRtEngine(path, model.manifest.labels, plans=PlanCache(home))


def test_it_is_an_engine_called_tensorrt(tmp_path: Path) -> None:
    engine = engine_of(tmp_path)
    assert isinstance(engine, Engine)
    assert engine.name == "tensorrt"
    engine.close()
    engine.close()


def test_use_before_start_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelInvalid, match="before start"):
        engine_of(tmp_path).run(pad_batch([[5]], 1, pad_id=0))


@needs_none
def test_without_a_gpu_it_says_so(library: Library, tmp_path: Path) -> None:
    pytest.importorskip("cuda.bindings.runtime")
    with pytest.raises(EngineFailed, match=r"there is no GPU that CUDA can use: .*status"):
        engine_of(tmp_path).start()


def test_without_cuda_s_bindings_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cuda.bindings.runtime", None)
    with pytest.raises(MissingExtra, match=r"pip install 'hubbub\[tensorrt\]'"):
        CudaDevice().start()


@pytest.mark.parametrize("plan", [b"", b"no plan" * 100, b"vtrt" + bytes(60)])
def test_bytes_that_are_no_plan_are_refused_in_tensorrt_s_words(
    library: Library, plan: bytes
) -> None:
    with pytest.raises(EngineFailed, match=r"tensorrt.* cannot load the plan: .*Error Code"):
        PlanRunner(library, CudaDevice()).start(plan, ())


def test_a_key_tells_the_model_and_the_version(library: Library, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"one")
    key = plan_key(path, library, gpu="GPU A")
    assert (key.version, len(key.model)) == (library.version, 64)
    # A plan that is built ahead serves every GPU, one that was tuned serves its own.
    assert key.gpu == ("any" if library.builds_anywhere else "GPU A")
    path.write_bytes(b"two")
    assert plan_key(path, library, gpu="GPU A").name != key.name
    with pytest.raises(ModelInvalid, match=r"cannot read .*absent\.onnx: No such file"):
        plan_key(tmp_path / "absent.onnx", library, gpu="GPU A")


@pytest.mark.parametrize(("width", "place"), [(1, 0), (16, 0), (17, 1), (24, 1), (25, None)])
def test_a_batch_goes_to_the_narrowest_profile(width: int, place: int | None) -> None:
    assert fitting_profile((Profile(16, 256), Profile(24, 256)), width) == place


def test_a_batch_is_padded_to_its_profile_and_cut_into_parts() -> None:
    # Given five rows of three pieces, and a profile of two rows of eight
    batch = pad_batch([[1, 2, 3], [4], [5, 6], [], [7]], 3, pad_id=9)
    parts = parts_of(batch, Profile(8, 2))
    # Then three parts hold the rows in order, and the mask knows nothing of what was added
    assert [part.input_ids.shape for part in parts] == [(2, 8), (2, 8), (1, 8)]
    ids = np.concatenate([part.input_ids for part in parts])
    mask = np.concatenate([part.attention_mask for part in parts])
    np.testing.assert_array_equal(ids[:, :3], batch.input_ids)
    np.testing.assert_array_equal(mask[:, :3], batch.attention_mask)
    assert mask[:, 3:].sum() == 0
    assert all(part.input_ids.flags["C_CONTIGUOUS"] for part in parts)
    assert {part.input_ids.dtype for part in parts} == {np.dtype(np.int64)}


def test_padding_to_a_profile_is_exact_for_the_network_itself() -> None:
    # Given the shipped network in float32, and a batch as it is and as a profile pads it
    pytest.importorskip("onnx")
    model = open_model(locate_model("bundled"))
    batch = pad_batch(ROWS[:2], 5, pad_id=model.manifest.text.pad_id)
    engine = OrtEngine(model.folder / model.manifest.network, model.manifest.labels)
    engine.start()
    narrow, (part,) = engine.run(batch), parts_of(batch, Profile(16, 256))
    wide = engine.run(part)
    engine.close()
    # Then no answer tells them apart
    for head, values in narrow.logits.items():
        np.testing.assert_allclose(wide.logits[head], values, atol=1e-5)
    np.testing.assert_allclose(wide.embedding, narrow.embedding, atol=1e-5)


def test_the_padded_places_are_taken_off_the_answer() -> None:
    found = {
        "logits_emotion": np.zeros((2, 3), np.float32),
        "logits_irony": np.zeros((2, 2), np.float32),
        "embedding": np.zeros((2, 4), np.float32),
        "shares": np.zeros((2, 16, 3), np.float32),
    }
    output = output_of(found, LABELS, shape=(2, 5))
    assert output.shares is not None
    assert output.shares.shape == (2, 5, 3)
    assert output.pooled is None
    assert list(output.logits) == ["emotion", "irony"]
    with pytest.raises(EngineFailed, match=r"irony of shape \(2, 2\), expected \(3, 2\)"):
        output_of(found | {"logits_emotion": np.zeros((3, 3), np.float32)}, LABELS, shape=(3, 5))


@pytest.fixture(scope="module")
def home(library: Library, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build and certify the shipped model with the command; return the home of models."""
    pytest.importorskip("onnx")
    home = tmp_path_factory.mktemp("models")
    told = CliRunner().invoke(app, ["build", "--home", str(home), "--texts", "400"])
    assert told.exit_code == 0, told.output
    assert f"certified for {GPU}" in told.output
    return home


@pytest.fixture(scope="module")
def engine(home: Path) -> Iterator[TensorRtEngine]:
    engine = engine_of(home)
    engine.start()
    yield engine
    engine.close()


@needs_gpu
@pytest.mark.slow
def test_its_answers_are_those_of_float32(engine: TensorRtEngine, tmp_path: Path) -> None:
    model = open_model(locate_model("bundled"))
    path = tmp_path / "float.onnx"
    path.write_bytes(float_graph(model.folder / model.manifest.network).SerializeToString())
    plain = OrtEngine(path, model.manifest.labels)
    plain.start()
    batch = pad_batch(ROWS, 122, pad_id=0)
    ours, theirs = engine.run(batch), plain.run(batch)
    for head, values in theirs.logits.items():
        np.testing.assert_allclose(ours.logits[head], values, atol=0.05)
    assert ours.shares is not None
    assert theirs.shares is not None
    assert ours.shares.shape == theirs.shares.shape


@needs_gpu
@pytest.mark.slow
def test_more_rows_than_a_profile_has_come_back_in_order(engine: TensorRtEngine) -> None:
    rows = [[2, at, 3] for at in range(100, 700)]
    together = engine.run(pad_batch(rows, 3, pad_id=0))
    alone = engine.run(pad_batch(rows[-1:], 3, pad_id=0))
    assert len(together.embedding) == 600
    np.testing.assert_allclose(together.embedding[-1], alone.embedding[0], atol=5e-3)


@needs_gpu
@pytest.mark.slow
@pytest.mark.parametrize("row", [[2] * 5_000, [2, 2_000_000, 3], [2, -1, 3]])
def test_what_the_network_does_not_know_is_the_model_s_fault(
    engine: TensorRtEngine, row: list[int]
) -> None:
    with pytest.raises(ModelInvalid, match=rf"cannot run 1 rows of {len(row)} pieces"):
        engine.run(pad_batch([row], len(row), pad_id=0))


@needs_gpu
@pytest.mark.slow
def test_without_its_certificate_it_does_not_start(home: Path) -> None:
    for path in PlanCache(home).folder.glob("*.certificate.json"):
        path.unlink()
    with pytest.raises(EngineFailed, match=f"has no certificate for {GPU}"):
        engine_of(home).start()
