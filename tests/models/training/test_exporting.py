"""A finished run becomes a folder that the product opens, and says what the trained network says."""

import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest

from contracts.errors import InvalidInput, ModelInvalid, SettingsInvalid
from models.manifest import Manifest
from models.protocols import TextInput
from models.registry import build_text_scorer, open_model
from tests.models.training.trained import Home

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from models.training.exporting import (  # noqa: E402  (torch first)
    export,
    finished_run,
    framed_texts,
    read_development,
    read_student,
    spread,
)
from models.training.parity import check_parity, torch_answers  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def exported(home: Home, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    out = tmp_path_factory.mktemp("exported")
    return out, export(home.run.folder, out)


def test_the_exported_folder_is_a_model_that_the_product_opens(
    exported: tuple[Path, Manifest],
) -> None:
    folder, manifest = exported
    scorer = build_text_scorer(str(folder))
    scorer.start()
    [answer] = scorer.score_batch([TextInput(text="a text of a few words", context="before it")])
    scorer.close()
    assert set(answer.heads) == set(manifest.labels)
    assert len(answer.vector) == manifest.vector_width


def test_the_manifest_names_every_file_and_the_card_every_head(
    exported: tuple[Path, Manifest],
) -> None:
    folder, manifest = exported
    assert set(manifest.files) == {"model.onnx", "tokenizer.json"}
    card = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert all(f"`{head}`" in card for head in manifest.labels)
    assert all(source.file in card for source in manifest.sources)


def test_figures_stand_beside_a_baseline_on_the_same_rows(exported: tuple[Path, Manifest]) -> None:
    _, manifest = exported
    assert manifest.figures
    assert all(figure.rows > 1 for figure in manifest.figures)
    assert any(figure.baseline_accuracy > 0 for figure in manifest.figures)
    assert {pool.head for pool in manifest.pools} <= set(manifest.labels)


def test_the_card_tells_of_this_network_and_of_no_other(exported: tuple[Path, Manifest]) -> None:
    # Given a network of two layers over a random base encoder, with one head
    folder, manifest = exported
    # When its card is read
    card = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    # Then nothing in it is of the model that ships
    assert "A transformer of 2 layers (24 wide, 12 attention heads) reads a text once" in card
    assert f"Base: e5.bin of the package tiny_base, sha256 {manifest.base[-64:]}." in card
    for other in ("Six layers", "384", "multilingual-e5", "rony", "tweets", "official"):
        assert other not in card
    # And what no Chinese row teaches is told
    assert manifest.untaught == {"sentiment": {"zh": ("neutral",)}}
    assert "- `sentiment` in zh: no training row of `neutral`\n" in card


def test_the_rarest_class_of_each_source_has_its_figure(exported: tuple[Path, Manifest]) -> None:
    folder, manifest = exported
    card = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    for figure in manifest.figures:
        assert figure.rarest is not None
        assert 0 < figure.rarest.rows <= figure.rows / 2
        told = f"{figure.rarest.name}: {100 * figure.rarest.f1:.1f} of {figure.rarest.rows} |"
        assert told in card


def test_likeness_is_that_of_the_exported_vectors_to_the_base_encoders(
    home: Home, exported: tuple[Path, Manifest]
) -> None:
    from models.training.corpus import load_corpus
    from models.training.measuring import development_likeness, development_rows

    folder, manifest = exported
    # Given what the float32 network's vectors have in common with the base encoder's
    model = read_student(finished_run(home.run.folder))
    corpus, columns = load_corpus(home.run.folder / "corpus.npz")
    vectors = np.load(home.run.folder / "vectors.npy")
    rows = development_rows(corpus, columns, heads=["sentiment"])
    # When the manifest tells the same of int8, by language
    for at, lang in enumerate(("en", "zh")):
        mine = rows[corpus.lang[rows] == at]
        expected = development_likeness(model, corpus, vectors=vectors, rows=mine)
        # Then it is the same but for the eight bits
        assert manifest.likeness[lang] == pytest.approx(expected, abs=0.02)
    assert f"en {manifest.likeness['en']:.3f}" in (folder / "MODEL_CARD.md").read_text("utf-8")


def test_a_failed_export_leaves_the_model_that_was_there(
    home: Home, exported: tuple[Path, Manifest], tmp_path: Path
) -> None:
    # Given an exported model, with a note beside it, and a run of other weights that cannot be judged
    out, run = tmp_path / "model", tmp_path / "run"
    shutil.copytree(exported[0], out)
    (out / "NOTES.txt").write_text("mine")
    version = open_model(out).version
    shutil.copytree(home.run.folder, run)
    weights = torch.load(run / "student/encoder.pt", weights_only=True)
    weights["heads.bias"] += torch.tensor([3.0] + [0.0] * (len(weights["heads.bias"]) - 1))
    torch.save(weights, run / "student/encoder.pt")
    baseline = (run / "baseline.json").read_bytes()
    (run / "baseline.json").write_bytes(baseline[:20])
    # When the run is exported there
    with pytest.raises(InvalidInput, match=r"baseline\.json is damaged"):
        export(run, out)
    # Then the model is the one that was there, and nothing lies about
    assert open_model(out).version == version
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "run"]
    # And once the run is whole, it takes the model's place and leaves the note
    (run / "baseline.json").write_bytes(baseline)
    export(run, out)
    assert open_model(out).version != version
    assert (out / "NOTES.txt").read_text() == "mine"


def test_a_file_in_the_models_place_is_refused(home: Home, tmp_path: Path) -> None:
    (tmp_path / "model").write_text("a file")
    with pytest.raises(InvalidInput, match=r"model is a file; expected a folder"):
        export(home.run.folder, tmp_path / "model")


def test_exporting_a_run_that_is_not_finished_names_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match=r"not finished.*student/encoder\.pt"):
        finished_run(tmp_path)


def test_a_graph_of_other_weights_fails_the_parity_check(home: Home) -> None:
    from models.training.exporting import read_columns
    from models.training.graph import EncoderWeights, encoder_graph

    run = finished_run(home.run.folder)
    model = read_student(run)
    columns = read_columns(run.folder)
    spans = {h: (columns.span(h).start, columns.span(h).stop) for h in run.config.exported}
    arrays = {name: value.float().numpy() for name, value in model.state_dict().items()}
    arrays |= {"words": model.words.numpy(), "positions": model.positions.numpy()}
    shape = model.shape
    good = EncoderWeights(arrays, shape.layers, model.middle, shape.attention_heads, spans)
    bent = msgspec.structs.replace(good, arrays=arrays | {"heads.bias": arrays["heads.bias"] + 0.1})
    framed = [[2, 9, 10, 3], [2, 11, 3, 3, 12, 3]]
    check_parity(model, encoder_graph(good), spans=spans, framed=framed)
    with pytest.raises(ModelInvalid, match=r"differs from torch's by 0\.1"):
        check_parity(model, encoder_graph(bent), spans=spans, framed=framed)


def test_texts_are_framed_as_the_product_frames_them(home: Home) -> None:
    from tokenizers import Tokenizer

    run = finished_run(home.run.folder)
    rows = read_development(run.folder)
    tokenizer = Tokenizer.from_file(str(run.folder / "tokenizer.json"))
    framed = framed_texts(run.config, rows, tokenizer=tokenizer)
    for row, ids in zip(rows, framed, strict=True):
        assert ids[0] == 2
        assert ids.count(3) == (3 if row.context else 1)


def test_answers_stand_in_the_order_of_the_texts(home: Home) -> None:
    model = read_student(finished_run(home.run.folder))
    long, short = [2, *range(8, 28), 3], [2, 9, 3]
    both, vectors = torch_answers(model, [long, short])
    alone, _ = torch_answers(model, [short])
    assert both[1] == pytest.approx(alone[0], abs=1e-4)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1.0, 1.0], abs=1e-5)


def test_spread_takes_rows_from_all_parts() -> None:
    assert spread([[i] for i in range(10)], 3) == [[0], [3], [6]]
    assert spread([[1], [2]], 5) == [[1], [2]]
