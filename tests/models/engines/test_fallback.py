"""Where an engine fails, the next scores the batch; log and metric say so, and nothing is lost."""

from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from contracts import telemetry
from contracts.errors import EngineFailed, MissingExtra, ModelInvalid
from models.engines.fallback import FallbackEngine
from models.engines.makers import engine_makers
from models.engines.plan_cache import PlanCache
from models.forwarding import Forwarder, Limits
from models.protocols import EngineOutput, TokenBatch
from models.registry import chain_of
from tests.models.counting_engine import LABELS, CountingEngine
from tests.models.engines.test_plan_cache import GPU, KEY, PLAN, record


def given_up(engine: str, code: str) -> float:
    """Return how often an engine was given up for a reason."""
    name = "hubbub_score_engine_fallbacks_total"
    return telemetry.REGISTRY.get_sample_value(name, {"engine": engine, "code": code}) or 0.0


def batch_of(rows: int, width: int = 3) -> TokenBatch:
    ids = np.arange(rows * width).reshape(rows, width)
    return TokenBatch(ids, np.ones_like(ids))


@pytest.mark.parametrize(
    "error",
    [
        EngineFailed("there is no GPU"),
        MissingExtra("no torch"),
        ModelInvalid("unknown operators"),
    ],
)
def test_one_that_cannot_start_gives_way_and_says_why(error: Exception) -> None:
    # Given two engines, the first of which cannot start
    first, second = CountingEngine(label="one", starts=error), CountingEngine(label="two")
    engine = FallbackEngine([first, second])
    before = given_up("one", error.code)  # type: ignore[attr-defined]
    # When they are started as one
    with capture_logs() as logs:
        engine.start()
    # Then the second is in use, and log and metric tell of it
    assert engine.name == "two"
    told = next(line for line in logs if line["event"] == "engine_fell_back")
    assert (told["engine"], told["to"], told["why"]) == ("one", "two", str(error))
    assert given_up("one", error.code) == before + 1  # type: ignore[attr-defined]


def test_a_batch_in_which_memory_ran_out_is_scored_whole_by_the_next() -> None:
    # Given an engine that breaks after four rows
    first = CountingEngine(label="one", fails_after=4)
    second = CountingEngine(label="two")
    reading = Forwarder(FallbackEngine([first, second]), LABELS, pad_id=0, limits=Limits(8))
    reading.engine.start()
    rows = [[2, piece, 3] for piece in range(10, 30)]
    # When twenty texts are read
    found = reading.forward(rows)
    # Then each has its answer, all of the second engine (it ends the batch, and reads it anew), the first is closed
    assert found.output.logits["kind"][:, 0].tolist() == [sum(row) for row in rows]
    assert (first.rows, second.rows) == (4, 16 + 20)
    assert (first.is_open, second.is_open) == (False, True)
    # And it stays in use
    reading.forward([[2, 99, 3]])
    assert second.rows == 37


def test_a_pass_planned_for_a_large_engine_is_cut_for_a_small_one() -> None:
    first, second = CountingEngine(label="one", fails_after=0), CountingEngine(label="two")
    engine = FallbackEngine([first, second])
    engine.start()
    output = engine.run(batch_of(100))
    assert len(output.embedding) == 100
    assert second.largest <= second.batch_tokens


def test_a_pass_that_was_asked_to_be_large_stays_whole() -> None:
    first = CountingEngine(label="one")
    engine = FallbackEngine([first, CountingEngine(label="two")])
    engine.start()
    engine.run(batch_of(100))
    assert first.largest == 300 > first.batch_tokens


def test_what_the_last_one_raises_is_the_caller_s() -> None:
    engine = FallbackEngine([CountingEngine(label="one", starts=EngineFailed("no GPU"))])
    with pytest.raises(EngineFailed, match="no GPU"):
        engine.start()
    broken = FallbackEngine([CountingEngine(fails_after=0), CountingEngine(fails_after=0)])
    broken.start()
    with pytest.raises(EngineFailed, match="no memory"):
        broken.run(batch_of(1))


def test_a_model_s_fault_is_no_reason_to_change_engines() -> None:
    class Wrong(CountingEngine):
        def run(self, batch: TokenBatch) -> EngineOutput:
            raise ModelInvalid("ids beyond the vocabulary")

    engine = FallbackEngine([Wrong(label="one"), CountingEngine(label="two")])
    engine.start()
    with pytest.raises(ModelInvalid, match="vocabulary"):
        engine.run(batch_of(1))
    assert engine.name == "one"


def test_the_chain_begins_where_it_is_asked_and_a_gpu_decides_for_auto() -> None:
    assert chain_of("auto", has_gpu=True) == ("tensorrt", "pytorch", "ort")
    assert chain_of("auto", has_gpu=False) == chain_of("ort", has_gpu=True) == ("ort",)
    assert chain_of("tensorrt", has_gpu=False) == ("tensorrt", "pytorch", "ort")


@pytest.mark.parametrize(
    "raised", [MemoryError("no room"), OSError("libtorch.so: cannot open"), RuntimeError("driver")]
)
def test_whatever_a_library_raises_at_the_start_is_its_engine_s_failure(raised: Exception) -> None:
    engine = FallbackEngine(
        [CountingEngine(label="one", starts=raised), CountingEngine(label="two")]
    )
    before = given_up("one", "engine_failed")
    with capture_logs() as logs:
        engine.start()
    assert engine.name == "two"
    assert given_up("one", "engine_failed") == before + 1
    told = next(line for line in logs if line["event"] == "engine_fell_back")
    assert str(raised) in told["why"]


def test_a_plan_without_its_certificate_gives_way(tmp_path: Path) -> None:
    # Given a plan on the shelf for this very machine, and no certificate beside it
    class Planned(CountingEngine):
        def start(self) -> None:
            PlanCache(tmp_path).read_certified(KEY, gpu=GPU)

    PlanCache(tmp_path).write_plan(PLAN, record())
    engine = FallbackEngine([Planned(label="tensorrt"), CountingEngine(label="two")])
    # When it is to be used
    with capture_logs() as logs:
        engine.start()
    # Then the next engine is in use, and the log says what is missing
    assert engine.name == "two"
    told = next(line for line in logs if line["event"] == "engine_fell_back")
    assert "certificate" in told["why"]


def test_what_could_not_start_is_tried_again_with_the_next_batch() -> None:
    # Given a second engine that lacks memory at the moment when the first breaks
    first = CountingEngine(label="one", fails_after=0)
    second = CountingEngine(label="two", starts=EngineFailed("no memory now"))
    engine = FallbackEngine([first, second])
    engine.start()
    for _ in range(2):
        with pytest.raises(EngineFailed, match="no memory now"):
            engine.run(batch_of(1))
    # When there is memory again
    second.starts = None
    # Then the batch is scored
    assert len(engine.run(batch_of(4)).embedding) == 4
    assert second.is_open


def test_an_engine_that_was_closed_stays_closed() -> None:
    inner = CountingEngine(label="one")
    engine = FallbackEngine([inner])
    engine.start()
    assert inner.is_open
    engine.close()
    engine.close()
    # A late batch does not open it again.
    engine.run(batch_of(1))
    assert not inner.is_open


def test_without_being_asked_for_by_name_pytorch_on_a_cpu_gives_way() -> None:
    pytest.importorskip("torch")
    makers = engine_makers(Path("model.onnx"), {}, plans=PlanCache(Path("home")), on_gpu=True)
    with pytest.raises(EngineFailed, match="torch finds none"):
        makers["pytorch"]().start()
