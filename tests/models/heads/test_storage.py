"""A stored head: whole or refused, with the remedy."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from contracts.errors import InvalidInput, ModelInvalid
from models.heads.head import open_own_head
from models.heads.manifest import HeadManifest, check_head_name, head_digest
from models.heads.storage import check_home, known_names, read_head, write_head
from tests.models.heads.making import make_head


def rewrite(path: Path, **changes: object) -> None:
    held = msgspec.json.decode(path.read_bytes(), type=dict[str, object])
    path.write_bytes(msgspec.json.encode(held | changes))


def test_a_head_is_read_as_it_was_written(tmp_path: Path) -> None:
    stored = make_head(tmp_path)
    again = read_head(tmp_path, "support-intents")
    assert again == stored
    for name, array in stored.weights()._asdict().items():
        np.testing.assert_array_equal(array, getattr(again.weights(), name))
    assert known_names(tmp_path) == ["support-intents"]


def test_a_head_takes_the_place_of_one_of_its_name(tmp_path: Path) -> None:
    first = make_head(tmp_path)
    second = write_head(
        tmp_path, msgspec.structs.replace(first.manifest, seed=8), weights=first.weights()
    )
    assert read_head(tmp_path, "support-intents").manifest.seed == 8
    assert [path.name for path in second.folder.parent.iterdir()] == ["support-intents"]


def test_a_changed_or_missing_weights_file_is_refused(tmp_path: Path) -> None:
    stored = make_head(tmp_path)
    path = stored.folder / "weights.npz"
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    with pytest.raises(
        ModelInvalid, match=r"weights\.npz has sha256 [0-9a-f]{64}, head\.json says"
    ):
        stored.weights()
    path.unlink()
    with pytest.raises(ModelInvalid, match=r"cannot read .*weights\.npz"):
        stored.weights()


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    stored = make_head(tmp_path)
    rewrite(stored.folder / "head.json", labels=["a", "b"])
    with pytest.raises(ModelInvalid, match=r"dense of float16 \(6, 3\), expected float16 \(6, 2\)"):
        read_head(tmp_path, "support-intents").weights()


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"format": 9}, "format 9; expected 'support-intents', format 2"),
        ({"name": "other"}, "is of head 'other'"),
        ({"weights": "../weights.npz"}, "names weights outside its folder"),
        ({"surprise": 1}, "is not a head's manifest"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(
    tmp_path: Path, changes: dict[str, object], complaint: str
) -> None:
    stored = make_head(tmp_path)
    rewrite(stored.folder / "head.json", **changes)
    with pytest.raises(ModelInvalid, match=complaint):
        read_head(tmp_path, "support-intents")


def test_a_head_that_is_not_there_says_which_are(tmp_path: Path) -> None:
    make_head(tmp_path, "mine")
    with pytest.raises(
        ModelInvalid, match=r"no head 'yours'.*there are: mine\. Make it with: hubbub"
    ):
        read_head(tmp_path, "yours")


def test_a_head_of_another_encoder_is_refused_with_the_remedy(tmp_path: Path) -> None:
    stored = make_head(tmp_path)
    with pytest.raises(
        ModelInvalid,
        match=r"fitted on some-encoder 0123456789abcdef, the encoder is new ffff: fit it",
    ):
        open_own_head(stored, model_name="new", model_version="ffff")


def test_the_version_follows_what_decides_an_answer_and_nothing_else(tmp_path: Path) -> None:
    manifest = make_head(tmp_path).manifest

    def digest(**changes: object) -> str:
        changed: HeadManifest = msgspec.structs.replace(manifest, **changes)
        return head_digest(changed)

    assert digest(made_by="x", seed=1, limit_rule="y", data_sha256="z") == head_digest(manifest)
    others = {
        digest(dense=2.0),
        digest(entropy_limit=0.1),
        digest(labels=("a",)),
        digest(languages=("zh",)),
        digest(weights_sha256="0"),
    }
    assert len(others | {head_digest(manifest)}) == 6


@pytest.mark.parametrize("name", ["", "Big", "1a", "a b", "a/b", "../x", "x" * 65, "é", "-a"])
def test_a_name_that_no_folder_and_no_query_can_have_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="expected a small letter"):
        check_head_name(name)


def test_names_that_mean_something_else_are_refused() -> None:
    with pytest.raises(InvalidInput, match="'lang' is a field of queries"):
        check_head_name("lang")
    with pytest.raises(InvalidInput, match="'emotion' is a head of the encoder's own"):
        check_head_name("emotion", taken=frozenset({"emotion"}))
    with pytest.raises(
        InvalidInput, match=r"is the table \[models\.hub\.toxicity\] of the settings"
    ):
        check_head_name("toxicity", tables={"toxicity"})
    check_head_name("support-intents_2")


def test_a_place_that_takes_no_head_is_refused_before_and_when_it_is_written(
    tmp_path: Path,
) -> None:
    # Given a file where the folder of heads should be
    check_home(tmp_path / "new")
    (tmp_path / "heads").write_text("")
    # Then both say so, and name the remedy
    for keep in (check_home, make_head):
        with pytest.raises(InvalidInput, match=r"cannot keep a head in .*heads: .*--home"):
            keep(tmp_path)
    assert list((tmp_path / "new" / "heads").iterdir()) == []
