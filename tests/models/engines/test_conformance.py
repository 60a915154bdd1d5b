"""What every engine keeps: one row a text in order, the same answer beside whom it may, clear refusals.

One more engine is one more line in `ENGINES`. What cannot run on a machine is skipped with the engine's own reason.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from contracts.errors import EngineFailed, MissingExtra, ModelInvalid
from contracts.settings import load
from models.batching import pad_batch
from models.engines.floating import float_graph
from models.engines.ort import OrtEngine
from models.engines.plan_cache import PlanCache
from models.engines.pytorch import PytorchEngine
from models.engines.tensorrt import TensorRtEngine
from models.protocols import Engine, EngineOutput, FloatArray, TokenBatch
from models.registry import locate_model, open_model

MODEL = open_model(locate_model("bundled"))
PATH, LABELS = MODEL.folder / MODEL.manifest.network, MODEL.manifest.labels
PLACES = 176
FRAME = [2, 3]


class Case(NamedTuple):
    """Hold how an engine is made, its name, and how far logits may be: from float32's, and beside other rows."""

    make: Callable[[], Engine]
    name: str
    from_float: float
    from_alone: float


ENGINES = {
    "ort": Case(lambda: OrtEngine(PATH, LABELS), "ort", 0.5, 1e-5),
    "pytorch": Case(lambda: PytorchEngine(PATH, LABELS, device="cpu"), "pytorch", 2e-3, 1e-5),
    "pytorch on a GPU": Case(lambda: PytorchEngine(PATH, LABELS, device="cuda"), "pytorch", 0.2, 0.1),
    "tensorrt": Case(
        lambda: TensorRtEngine(PATH, LABELS, plans=PlanCache(load().models.home)), "tensorrt", 0.2, 0.1
    ),
}  # fmt: skip
ON_CPU = ("ort", "pytorch")


def random_rows(count: int, *, longest: int = 60) -> list[list[int]]:
    """Return framed rows of any pieces, of 3 to `longest` pieces."""
    dice = np.random.default_rng(7)
    lengths = dice.integers(1, longest - 1, count)
    return [[FRAME[0], *dice.integers(5, 60_000, length).tolist(), FRAME[1]] for length in lengths]


ROWS = random_rows(24)


def batch_of(rows: list[list[int]], width: int = 0) -> TokenBatch:
    return pad_batch(rows, width or max(map(len, rows)), pad_id=0)


def vectors(output: EngineOutput) -> FloatArray:
    """Return all of a text's numbers side by side, [rows, numbers]."""
    assert output.pooled is not None
    return np.concatenate([*output.logits.values(), output.embedding, output.pooled], axis=1)


@pytest.fixture(scope="module", params=ENGINES)
def case(request: pytest.FixtureRequest) -> Case:
    return ENGINES[request.param]


@pytest.fixture(scope="module")
def engine(case: Case) -> Iterator[Engine]:
    engine = case.make()
    try:
        engine.start()
    except (MissingExtra, EngineFailed) as error:
        pytest.skip(str(error))
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def together(engine: Engine) -> EngineOutput:
    return engine.run(batch_of(ROWS))


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> EngineOutput:
    """Return the answers of the float32 graph, run by onnxruntime."""
    pytest.importorskip("onnx")
    path = tmp_path_factory.mktemp("float") / "model.onnx"
    path.write_bytes(float_graph(PATH).SerializeToString())
    engine = OrtEngine(path, LABELS)
    engine.start()
    return engine.run(batch_of(ROWS))


def test_it_is_an_engine_of_its_name_before_it_starts(case: Case) -> None:
    engine = case.make()
    assert isinstance(engine, Engine)
    assert engine.name == case.name
    assert engine.batch_tokens > 0
    assert engine.pass_tokens is None or engine.pass_tokens > 0


def test_each_row_has_an_answer_of_the_promised_shapes(together: EngineOutput) -> None:
    rows, width = len(ROWS), max(map(len, ROWS))
    shapes = {head: values.shape for head, values in together.logits.items()}
    assert shapes == {head: (rows, len(labels)) for head, labels in LABELS.items()}
    assert together.embedding.shape == (rows, MODEL.manifest.vector_width)
    assert together.pooled is not None
    assert len(together.pooled) == rows
    assert together.shares is not None
    assert together.shares.shape == (rows, width, len(LABELS["emotion"]))


def test_all_numbers_are_finite_float32_and_embeddings_have_length_one(
    together: EngineOutput,
) -> None:
    assert together.shares is not None
    for values in (vectors(together), together.shares):
        assert values.dtype == np.float32
        assert np.isfinite(values).all()
    assert np.allclose(np.linalg.norm(together.embedding, axis=1), 1, atol=1e-5)


def test_rows_come_back_in_order_each_as_it_answers_alone(
    engine: Engine, case: Case, together: EngineOutput
) -> None:
    # Given rows that were run together, when each is run alone, without padding
    alone = [engine.run(batch_of([row])) for row in ROWS]
    # Then it is the same answer, and that of no other row
    single = np.concatenate([vectors(each) for each in alone])
    assert np.abs(single - vectors(together)).max() <= case.from_alone
    assert np.abs(single - vectors(together)[::-1]).max() > 1
    assert together.shares is not None
    for row, each, beside in zip(ROWS, alone, together.shares, strict=True):
        assert each.shares is not None
        assert np.abs(each.shares[0] - beside[: len(row)]).max() <= case.from_alone


def test_padding_changes_nothing(engine: Engine, case: Case, together: EngineOutput) -> None:
    wide = engine.run(batch_of(ROWS, 120))
    assert np.abs(vectors(wide) - vectors(together)).max() <= case.from_alone


def test_a_row_as_long_as_the_graph_has_places_changes_no_other(
    engine: Engine, case: Case, together: EngineOutput
) -> None:
    long = [FRAME[0], *[900] * (PLACES - 2), FRAME[1]]
    beside = engine.run(batch_of([*ROWS, long]))
    assert np.isfinite(vectors(beside)).all()
    assert np.abs(vectors(beside)[:-1] - vectors(together)).max() <= case.from_alone


def test_a_row_of_padding_alone_has_finite_answers_and_changes_no_other(
    engine: Engine, case: Case, together: EngineOutput
) -> None:
    beside = engine.run(batch_of([[], *ROWS, []]))
    assert np.isfinite(vectors(beside)).all()
    assert np.abs(vectors(beside)[1:-1] - vectors(together)).max() <= case.from_alone
    assert np.isfinite(vectors(engine.run(pad_batch([[]], 0, pad_id=0)))).all()


def test_the_same_batch_has_the_same_answer_to_the_last_bit(
    engine: Engine, together: EngineOutput
) -> None:
    assert np.array_equal(vectors(engine.run(batch_of(ROWS))), vectors(together))


def test_answers_are_those_of_float32(
    case: Case, together: EngineOutput, reference: EngineOutput
) -> None:
    assert together.shares is not None
    assert reference.shares is not None
    assert np.abs(vectors(together) - vectors(reference)).max() <= case.from_float
    assert np.abs(together.shares - reference.shares).max() <= case.from_float


@pytest.mark.parametrize(
    "row", [[2] * 5_000, [2, 2_000_000, 3], [2, -70_000, 3]], ids=["places", "pieces", "below"]
)
def test_what_the_graph_does_not_know_is_the_model_s_fault_and_breaks_nothing(
    engine: Engine, case: Case, row: list[int], together: EngineOutput
) -> None:
    with pytest.raises(ModelInvalid, match=rf"cannot run 1 rows of {len(row)} pieces"):
        engine.run(batch_of([row]))
    after = engine.run(batch_of(ROWS))
    assert np.abs(vectors(after) - vectors(together)).max() <= case.from_alone


def test_use_before_start_or_after_close_is_refused_and_close_may_come_twice(
    case: Case, engine: Engine
) -> None:
    another = case.make()
    another.close()
    with pytest.raises(ModelInvalid, match="before start"):
        another.run(batch_of(ROWS))
    another.start()
    another.run(batch_of(ROWS[:1]))
    another.close()
    another.close()
    with pytest.raises(ModelInvalid, match="after close"):
        another.run(batch_of(ROWS))
    another.start()
    another.run(batch_of(ROWS[:1]))
    another.close()


SHORT_OF_MEMORY = """
import resource
from contracts.errors import EngineFailed
from tests.models.engines.test_conformance import ENGINES, batch_of, random_rows

engine = ENGINES[NAME].make()
engine.start()
engine.run(batch_of(random_rows(2)))
with open("/proc/self/statm") as file:
    used = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 64 * 2**20,) * 2)
try:
    engine.run(batch_of(random_rows(1_000, longest=126)))
except EngineFailed:
    engine.run(batch_of(random_rows(2)))
    print("the next engine may")
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("name", ON_CPU)
def test_memory_that_does_not_suffice_is_the_engine_s_failure_and_ends_nothing(name: str) -> None:
    # Given a process that may take 64 MB more, when it is asked for a batch of 126,000 pieces
    if name == "pytorch":
        pytest.importorskip("torch")
        pytest.importorskip("onnx")
    code = SHORT_OF_MEMORY.replace("NAME", repr(name))
    root = Path(__file__).parents[3]
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False
    )
    # Then the engine says so, and runs the next small batch
    assert ended.stdout.strip() == "the next engine may", ended.stderr[-2_000:]


def test_no_engine_s_library_is_imported_before_start() -> None:
    code = (
        "import sys\n"
        "from tests.models.engines.test_conformance import ENGINES\n"
        "made = [case.make() for case in ENGINES.values()]\n"
        "heavy = {'torch', 'onnx', 'onnxruntime', 'tensorrt', 'tensorrt_rtx', 'cuda'}\n"
        "print(sorted(heavy & sys.modules.keys()))\n"
    )
    root = Path(__file__).parents[3]
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert ended.stdout.strip() == "[]"
