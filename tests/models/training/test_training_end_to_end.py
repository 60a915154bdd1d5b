"""Training and export, whole, on a tiny encoder and generated texts: the model that comes out is a model."""

import random
from pathlib import Path

import msgspec
import numpy as np
import pytest

from contracts.errors import ModelInvalid, SettingsInvalid
from models.protocols import TextInput
from models.registry import build_text_scorer, open_model
from models.training.base_encoder import WORD_ROWS, BaseEncoder
from models.training.config import TrainingConfig, read_config
from models.training.sources import LabelledRow

for _needed in ("torch", "transformers", "onnx", "sklearn"):
    pytest.importorskip(_needed)

ROOT = Path(__file__).parents[3]
SPACE = "\u2581"
GOOD, BAD, OTHER = (
    "great lovely happy".split(),
    "awful nasty angry".split(),
    "the bus train phone today".split(),
)
HIDDEN, FFN = 32, 64


def tiny_config() -> TrainingConfig:
    raw = msgspec.to_builtins(read_config(ROOT / "models" / "training" / "piece_table.toml"))
    raw["network"] = {"vector_width": 16, "head_width": 8, "hidden_width": 16, "dropout": 0.0}
    raw["likeness"] = {"epochs": 3, "batch_rows": 64, "rate": 0.01}
    raw["heads"] |= {"steps": 240, "batch_rows": 64, "rate": 0.01, "shares": {"sentiment": 1.0}}
    raw["labels"] = {"sentiment": ["negative", "neutral", "positive"]}
    raw["sources"] = []
    return msgspec.convert(raw, TrainingConfig)


def tiny_encoder() -> BaseEncoder:
    generator = np.random.default_rng(1)
    pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), (SPACE, -2.0)]
    pieces += [(chr(c), -9.0) for c in range(33, 127)] + [
        (SPACE + w, -5.0) for w in GOOD + BAD + OTHER
    ]
    shapes: dict[str, tuple[int, ...]] = {
        WORD_ROWS: (len(pieces), HIDDEN),
        "embeddings.position_embeddings.weight": (512, HIDDEN),
        "embeddings.token_type_embeddings.weight": (2, HIDDEN),
    }
    layer = "encoder.layer.0."
    for part in (
        "attention.self.query",
        "attention.self.key",
        "attention.self.value",
        "attention.output.dense",
    ):
        shapes |= {f"{layer}{part}.weight": (HIDDEN, HIDDEN), f"{layer}{part}.bias": (HIDDEN,)}
    shapes |= {
        f"{layer}intermediate.dense.weight": (FFN, HIDDEN),
        f"{layer}intermediate.dense.bias": (FFN,),
    }
    shapes |= {f"{layer}output.dense.weight": (HIDDEN, FFN), f"{layer}output.dense.bias": (HIDDEN,)}
    weights = {
        name: generator.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()
    }
    for norm in (
        "embeddings.LayerNorm",
        f"{layer}attention.output.LayerNorm",
        f"{layer}output.LayerNorm",
    ):
        weights |= {
            f"{norm}.weight": np.ones(HIDDEN, np.float32),
            f"{norm}.bias": np.zeros(HIDDEN, np.float32),
        }
    return BaseEncoder(
        pieces, hidden=HIDDEN, layers=1, heads=2, ffn=FFN, eps=1e-12, weights=weights
    )


def tiny_rows(chooser: random.Random) -> list[LabelledRow]:
    rows = {}
    for number in range(900):
        label = number % 3
        words = (
            chooser.choices(OTHER, k=3) + [[chooser.choice(BAD)], [], [chooser.choice(GOOD)]][label]
        )
        chooser.shuffle(words)
        text = " ".join(words)
        rows[text] = LabelledRow(
            text,
            "sentiment",
            "en",
            "made/all.jsonl.gz",
            (label,),
            (0, 1, 2),
            weight=1.0,
            is_dev=number % 4 == 0,
        )
    return list(rows.values())


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train once; tests look at the run's folder."""
    import torch

    from models.training.pipeline import claim_run, train_rows

    folder = tmp_path_factory.mktemp("run")
    rows = tiny_rows(random.Random(3))
    (folder / "development.json").write_bytes(
        msgspec.json.encode([row for row in rows if row.is_dev])
    )
    claim_run(tiny_config(), folder)
    torch.set_num_threads(1)
    train_rows(
        tiny_config(), rows, texts=[row.text for row in rows], encoder=tiny_encoder(), run=folder
    )
    return folder


def test_the_exported_model_loads_and_knows_good_from_bad(run: Path, tmp_path: Path) -> None:
    from models.training.exporting import export

    # Given a trained run, when it is exported
    manifest = export(run, tmp_path / "tiny")
    # Then its figures are those of a head that learnt its task
    (figure,) = manifest.figures
    assert figure.accuracy > 0.95
    assert figure.baseline_accuracy > 0.9
    # and the folder scores like any other model
    scorer = build_text_scorer(str(tmp_path / "tiny"))
    scorer.start()
    good, bad = scorer.score_batch(
        [TextInput(text="the lovely great bus"), TextInput(text="the awful nasty phone")]
    )
    assert (good.heads["sentiment"].label, bad.heads["sentiment"].label) == ("positive", "negative")
    assert len(good.vector) == 16
    scorer.close()


def test_exporting_twice_gives_the_same_model(run: Path, tmp_path: Path) -> None:
    from models.training.exporting import export

    export(run, tmp_path / "a")
    export(run, tmp_path / "b")
    assert open_model(tmp_path / "a").version == open_model(tmp_path / "b").version


def test_training_again_takes_up_what_is_done(run: Path) -> None:
    from models.training.pipeline import train_rows

    # Given a finished run, when it is trained again, then nothing is computed anew
    before = {path: path.stat().st_mtime_ns for path in run.glob("teacher/*")}
    weights = (run / "network.pt").read_bytes()
    rows = tiny_rows(random.Random(3))
    train_rows(
        tiny_config(), rows, texts=[row.text for row in rows], encoder=tiny_encoder(), run=run
    )
    assert {path: path.stat().st_mtime_ns for path in run.glob("teacher/*")} == before
    assert (run / "network.pt").read_bytes() == weights


def test_a_run_is_not_continued_with_another_config(run: Path) -> None:
    from models.training.pipeline import claim_run

    with pytest.raises(SettingsInvalid, match="begun with another config"):
        claim_run(msgspec.structs.replace(tiny_config(), seed=99), run)


def test_a_run_that_is_not_finished_is_not_exported(tmp_path: Path) -> None:
    from models.training.exporting import export

    with pytest.raises(SettingsInvalid, match="is not finished"):
        export(tmp_path, tmp_path / "out")


def test_a_graph_that_disagrees_with_torch_is_refused(run: Path, tmp_path: Path) -> None:
    from models.training import exporting

    # Given outputs whose labels were turned round
    config, rows, weights = exporting.read_run(run)
    out = tmp_path / "tiny"
    exporting.export(run, out)
    output, pieces = exporting.run_exported(config, rows, out=out)
    turned = msgspec.structs.replace(output, logits={"sentiment": -output.logits["sentiment"]})
    # Then the parity check says so
    with pytest.raises(ModelInvalid, match="the graph agrees with torch in"):
        exporting.check_parity(weights, rows, pieces=pieces, output=turned)
