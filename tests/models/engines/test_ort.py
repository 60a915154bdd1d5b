"""The onnxruntime engine: shapes as promised, padding that changes nothing, refusals that name the file."""

from collections.abc import Iterator

import numpy as np
import pytest

from contracts.errors import ModelInvalid
from models.batching import pad_batch
from models.engines.ort import OrtEngine
from models.protocols import Engine
from models.registry import locate_model, open_model
from models.scoring import EMOTION, InstalledModel

ROWS = [[2, 5, 900, 31, 3], [2, 77, 3]]


@pytest.fixture(scope="module")
def model() -> InstalledModel:
    return open_model(locate_model("bundled"))


def engine_of(model: InstalledModel) -> OrtEngine:
    return OrtEngine(model.folder / model.manifest.network, model.manifest.labels)


@pytest.fixture(scope="module")
def engine(model: InstalledModel) -> Iterator[OrtEngine]:
    engine = engine_of(model)
    engine.start()
    yield engine
    engine.close()


def test_it_is_an_engine_called_ort(engine: OrtEngine) -> None:
    assert isinstance(engine, Engine)
    assert engine.name == "ort"


def test_each_row_has_logits_for_every_head_and_a_unit_vector(
    engine: OrtEngine, model: InstalledModel
) -> None:
    output = engine.run(pad_batch(ROWS, 5, pad_id=0))
    assert {head: values.shape for head, values in output.logits.items()} == {
        head: (2, len(labels)) for head, labels in model.manifest.labels.items()
    }
    assert output.embedding.shape == (2, model.manifest.vector_width)
    assert np.allclose(np.linalg.norm(output.embedding, axis=1), 1, atol=1e-5)


def test_each_row_has_what_heads_read_and_each_piece_its_shares(
    engine: OrtEngine, model: InstalledModel
) -> None:
    output = engine.run(pad_batch(ROWS, 5, pad_id=0))
    assert output.pooled is not None
    assert output.shares is not None
    assert len(output.pooled) == 2
    assert output.shares.shape == (2, 5, len(model.manifest.labels[EMOTION]))
    assert all(values.dtype == np.float32 for values in (output.pooled, output.shares))
    assert np.isfinite(output.shares).all()


def test_padding_changes_nothing(engine: OrtEngine) -> None:
    # Given two texts, when one is run alone, and both with much padding
    narrow = engine.run(pad_batch(ROWS[1:], 3, pad_id=0))
    wide = engine.run(pad_batch(ROWS, 160, pad_id=0))
    # Then its answers are the same
    assert narrow.pooled is not None
    assert wide.pooled is not None
    assert narrow.shares is not None
    assert wide.shares is not None
    for head in narrow.logits:
        assert np.allclose(narrow.logits[head][0], wide.logits[head][1], atol=1e-5)
    assert np.allclose(narrow.embedding[0], wide.embedding[1], atol=1e-5)
    assert np.allclose(narrow.pooled[0], wide.pooled[1], atol=1e-5)
    assert np.allclose(narrow.shares[0], wide.shares[1, :3], atol=1e-5)


@pytest.mark.parametrize("row", [[], [2, 3]])
def test_a_row_without_a_text_has_finite_answers(engine: OrtEngine, row: list[int]) -> None:
    output = engine.run(pad_batch([row], len(row), pad_id=0))
    assert np.isfinite(output.embedding).all()
    assert all(np.isfinite(values).all() for values in output.logits.values())


@pytest.mark.parametrize(
    "row", [[2] * 5_000, [2, 2_000_000, 3]], ids=["more places than it has", "an unknown piece"]
)
def test_pieces_that_the_graph_does_not_know_are_the_model_s_fault(
    engine: OrtEngine, row: list[int]
) -> None:
    with pytest.raises(ModelInvalid, match=rf"model\.onnx cannot run 1 rows of {len(row)} pieces"):
        engine.run(pad_batch([row], len(row), pad_id=0))


def test_use_before_start_or_after_close_is_refused(model: InstalledModel) -> None:
    engine = engine_of(model)
    batch = pad_batch([[5]], 1, pad_id=0)
    with pytest.raises(ModelInvalid, match="before start"):
        engine.run(batch)
    engine.start()
    engine.run(batch)
    engine.close()
    engine.close()
    with pytest.raises(ModelInvalid, match="after close"):
        engine.run(batch)
