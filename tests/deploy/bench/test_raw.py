"""The bare network reads every text in the portion that was chosen once, on the engine that the service runs on."""

from pathlib import Path

import pytest

from contracts.errors import EngineFailed
from deploy.bench.arms import settings_of
from deploy.bench.plan import RAW
from deploy.bench.raw import RawForward, framed_rows, portions_of, raw_forwards
from deploy.bench.texts import distinct_texts
from models.engines.fallback import FallbackEngine
from models.protocols import EngineOutput, TokenBatch
from models.registry import locate_model, open_model
from tests.models.counting_engine import CountingEngine

ROWS = [[2, *range(5, 5 + length), 3] for length in range(1, 41)]


class Noting(CountingEngine):
    """Note the shape of every batch."""

    def __init__(self) -> None:
        super().__init__(label="one")
        self.shapes: list[tuple[int, int]] = []

    def run(self, batch: TokenBatch) -> EngineOutput:
        rows, width = batch.input_ids.shape
        self.shapes.append((rows, width))
        return super().run(batch)


def raw_of(engine: CountingEngine, *others: CountingEngine) -> RawForward:
    return RawForward(ROWS, FallbackEngine([engine, *others]), pad_id=0, expected="one")


def test_each_turn_reads_all_rows_in_one_and_the_same_portion() -> None:
    # Given an engine, whose best portion has been chosen
    engine = Noting()
    raw = raw_of(engine)
    raw.start()
    shapes: list[list[tuple[int, int]]] = []
    for _ in range(2):
        before = len(engine.shapes)
        # When all rows are read
        assert raw.turn().rate > 0
        shapes.append(engine.shapes[before:])
    # Then each turn has the same batches: the narrowest and the widest before time counts, then every row once
    assert shapes[0] == shapes[1]
    narrowest, widest, *counted = shapes[0]
    assert (narrowest, widest) == (counted[0], counted[-1])
    assert sum(rows for rows, _ in counted) == len(ROWS)


def test_portions_are_multiples_of_what_the_engine_reads_fastest() -> None:
    assert [portion.tokens for portion in portions_of(512)] == [256, 512, 1024, 2048]
    assert [portion.tokens for portion in portions_of(8192)] == [4096, 8192, 16384, 32768]
    # A portion of more pieces may have more rows too: a GPU's best batch is not cut by rows.
    assert [portion.rows for portion in portions_of(8192)] == [256, 256, 512, 1024]


def test_it_runs_on_the_engine_that_the_settings_let_the_service_run_on() -> None:
    pytest.importorskip("torch")
    settings = settings_of("127.0.0.1:1", "bench.", model="bundled", engine="pytorch")
    raws = raw_forwards(distinct_texts(20), settings, engine="pytorch")
    # Without TensorRT there is nothing to compare torch with
    assert set(raws) == {RAW}
    assert raws[RAW].turn().rate > 0


def test_another_engine_than_the_services_is_refused_before_anything_is_timed(
    tmp_path: Path,
) -> None:
    # Given settings of TensorRT and no plan for it
    settings = settings_of("127.0.0.1:1", "bench.", model="bundled", engine="tensorrt")
    settings = settings.model_copy(
        update={"models": settings.models.model_copy(update={"home": tmp_path})}
    )
    with pytest.raises(EngineFailed, match=r"runs on .*, expected tensorrt"):
        raw_forwards(distinct_texts(20), settings, engine="tensorrt")


def test_an_engine_that_gives_way_in_the_middle_of_a_turn_is_refused() -> None:
    # Given an engine that breaks in the middle of the turns by which its portion is chosen
    raw = raw_of(
        CountingEngine(label="one", fails_after=2 * len(ROWS)), CountingEngine(label="two")
    )
    # Then no rate of two engines is told
    with pytest.raises(EngineFailed, match="runs on two, expected one"):
        raw.start()


def test_rows_have_their_frame_and_no_more_pieces_than_the_network_reads() -> None:
    installed = open_model(locate_model("bundled"))
    text = installed.manifest.text
    short, long = framed_rows(["good", "good " * 300], installed)
    assert (short[0], short[-1]) == (text.begin_id, text.end_id)
    assert (len(short), len(long)) == (3, text.token_limit)
