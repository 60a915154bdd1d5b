"""A hub model is found in a folder or in a cache; without leave nothing is fetched."""

import json
from pathlib import Path

import pytest

from contracts.errors import ModelInvalid
from contracts.hub_models import HubModel
from models.hub.source import HubSource, client_cache

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "client"))


def keep(cache: Path, name: str, *, revision: str = "main", label: str = "a") -> Path:
    """Lay a config into a cache as the hub's client does."""
    kept = cache / f"models--{name.replace('/', '--')}"
    folder = kept / "snapshots" / COMMIT
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(
        json.dumps({"model_type": "bert", "id2label": {"0": label}})
    )
    (kept / "refs" / revision).parent.mkdir(parents=True, exist_ok=True)
    (kept / "refs" / revision).write_text(COMMIT)
    return folder


def source(model: str, home: Path, revision: str | None = None) -> HubSource:
    return HubSource(HubModel(model=model, revision=revision), home=home)


def test_a_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    folder = keep(tmp_path, "x")
    assert source(str(folder), tmp_path).described().path == folder


def test_a_name_is_found_under_home_before_the_clients_own_cache(tmp_path: Path) -> None:
    elsewhere = keep(tmp_path / "client", "someone/mood")
    assert source("someone/mood", tmp_path).described().path == elsewhere
    own = keep(tmp_path / "hub", "someone/mood")
    assert source("someone/mood", tmp_path).described().path == own


@pytest.mark.parametrize("revision", ["v1", "refs/pr/3", COMMIT])
def test_a_revision_is_a_branch_a_tag_or_a_commit(tmp_path: Path, revision: str) -> None:
    folder = keep(tmp_path / "hub", "someone/mood", revision=revision)
    found = source("someone/mood", tmp_path, None if revision == "main" else revision)
    assert found.described().path == folder


def test_a_name_that_no_cache_has_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ModelInvalid) as caught:
        source("someone/mood", tmp_path).described()
    assert "no hub model 'someone/mood' (revision main)" in str(caught.value)
    assert str(tmp_path / "hub") in str(caught.value)
    assert "set models.download = true to fetch it" in str(caught.value)


@pytest.mark.parametrize("revision", ["../../main", "a b", "/etc"])
def test_a_revision_never_leaves_the_cache(tmp_path: Path, revision: str) -> None:
    with pytest.raises(ModelInvalid, match="expected a branch, a tag or a commit"):
        source("someone/mood", tmp_path, revision).described()


def test_an_address_is_refused_and_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(ModelInvalid) as caught:
        source("https://me:hush@host/model", tmp_path).described()
    assert "never an address" in str(caught.value)
    assert "hush" not in str(caught.value)


def test_a_path_that_is_no_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelInvalid, match="there is no such folder"):
        source("/no/such/folder", tmp_path).described()


def test_the_clients_cache_is_where_its_variables_say(monkeypatch: pytest.MonkeyPatch) -> None:
    assert client_cache().name == "client"
    monkeypatch.delenv("HF_HUB_CACHE")
    monkeypatch.delenv("HUGGINGFACE_HUB_CACHE", raising=False)
    monkeypatch.setenv("HF_HOME", "/data/hf")
    assert client_cache() == Path("/data/hf/hub")
    monkeypatch.delenv("HF_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", "/data")
    assert client_cache() == Path("/data/huggingface/hub")
