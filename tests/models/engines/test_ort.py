"""The onnxruntime engine: shapes as promised, one thread, refusals that name the file."""

from collections.abc import Iterator

import numpy as np
import pytest

from contracts.errors import ModelInvalid
from models.batching import pad_batch
from models.engines.ort import OrtEngine
from models.protocols import Engine
from models.registry import locate_model, open_model


@pytest.fixture(scope="module")
def engine() -> Iterator[OrtEngine]:
    model = open_model(locate_model("bundled"))
    engine = OrtEngine(model.folder / model.manifest.network, model.manifest.labels)
    engine.start()
    yield engine
    engine.close()


def test_it_is_an_engine_called_ort(engine: OrtEngine) -> None:
    assert isinstance(engine, Engine)
    assert engine.name == "ort"


def test_each_row_has_logits_for_every_head_and_a_unit_vector(engine: OrtEngine) -> None:
    output = engine.run(pad_batch([[5, 900, 31], [77]], 3, pad_id=0))
    assert {head: values.shape for head, values in output.logits.items()} == {
        "emotion": (2, 8),
        "sentiment": (2, 3),
        "topic": (2, 11),
    }
    assert np.allclose(np.linalg.norm(output.embedding, axis=1), 1, atol=1e-5)


def test_padding_changes_nothing(engine: OrtEngine) -> None:
    narrow = engine.run(pad_batch([[5, 900, 31]], 3, pad_id=0))
    wide = engine.run(pad_batch([[5, 900, 31]], 250, pad_id=0))
    assert np.array_equal(narrow.embedding, wide.embedding)
    assert np.array_equal(narrow.logits["emotion"], wide.logits["emotion"])


def test_a_row_of_padding_has_no_direction(engine: OrtEngine) -> None:
    output = engine.run(pad_batch([[]], 0, pad_id=0))
    assert not output.embedding.any()
    assert np.isfinite(output.logits["emotion"]).all()


def test_use_before_start_or_after_close_is_refused() -> None:
    model = open_model(locate_model("bundled"))
    engine = OrtEngine(model.folder / model.manifest.network, model.manifest.labels)
    batch = pad_batch([[5]], 1, pad_id=0)
    with pytest.raises(ModelInvalid, match="before start"):
        engine.run(batch)
    engine.start()
    engine.run(batch)
    engine.close()
    engine.close()
    with pytest.raises(ModelInvalid, match="after close"):
        engine.run(batch)
