"""What a manifest says of a model's origins."""

from pathlib import Path

import msgspec

from models.training.config import read_config
from models.training.corpus import Columns
from models.training.provenance import base_told, untaught_labels
from tests.models.training.made_corpus import made_corpus

SHIPPED = Path(__file__).parents[3] / "models" / "training" / "encoder.toml"


def test_labels_without_a_training_row_of_a_language_are_named() -> None:
    # Given English rows of two labels, a Chinese one that may be either of two, and a development row of the third
    corpus = made_corpus(
        [[5], [6], [7], [8]],
        targets=[(1, 0, 0), (0, 1, 0), (1, 1, 0), (0, 0, 1)],
        label_set=[0, 1, 2, 3],
        lang=[0, 0, 1, 1],
        is_dev=[False, False, False, True],
    )
    columns = Columns({"mood": ("glad", "sad", "wry")})
    # When they are asked for
    found = untaught_labels(corpus, columns, heads=["mood"])
    # Then the third is taught in neither language
    assert found == {"mood": {"en": ("wry",), "zh": ("wry",)}}


def test_a_head_without_rows_of_a_language_lacks_all_its_labels() -> None:
    corpus = made_corpus([[5], [6]], label_set=[0, 1])
    found = untaught_labels(corpus, Columns({"mood": ("glad", "sad")}), heads=["mood"])
    assert found == {"mood": {"zh": ("glad", "sad")}}


def test_the_base_encoder_is_named_by_what_its_file_holds(tmp_path: Path) -> None:
    base = read_config(SHIPPED).base
    assert base_told(base, tmp_path).startswith("intfloat/multilingual-e5-small (MIT)")
    other = msgspec.structs.replace(base, package="mine", sha256="0" * 64)
    assert base_told(other, tmp_path) == f"e5-small-q4.bin of the package mine, sha256 {'0' * 64}"
    (tmp_path / "adapted.json").write_text("{}")
    assert base_told(other, tmp_path).endswith(", adapted to further texts")
