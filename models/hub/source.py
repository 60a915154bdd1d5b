"""Find a hub model: in a folder, in a cache, or fetched by its name.

In: a `HubModel` of the settings. Out: its `HubFolder`. Fetching is done by models.engines.hub_fetching, and only where
the setting `models.download` allows it and no cache has the model: what was fetched once is never asked for again, so
that a restart gives the same scores. Imports contracts and models.hub; the engine lazily.

The caches have the layout of the hub's own client: `models--OWNER--NAME/refs/REVISION` holds a commit, whose files
are in `snapshots/COMMIT`.
"""

import os
import re
from pathlib import Path

from contracts.errors import ModelInvalid
from contracts.hub_models import HubModel
from models.hub.folder import CONFIG, WEIGHTS, WEIGHTS_INDEX, HubFolder, open_folder, shards

OWN_CACHE = "hub"
DEFAULT_REVISION = "main"
HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
REVISION = re.compile(r"[\w.-]+(/[\w.-]+)*")
COMMIT = re.compile(r"[0-9a-f]{40}")


class HubSource:
    """Find one hub model, its config first and all of it when it is to be loaded."""

    def __init__(self, model: HubModel, *, home: Path, download: bool = False) -> None:
        self._model = model
        self._home = home.expanduser()
        self._download = download
        self._described: HubFolder | None = None
        self._whole: HubFolder | None = None

    @property
    def model(self) -> HubModel:
        """Return how the model is used."""
        return self._model

    def described(self) -> HubFolder:
        """Return the folder with at least its config, fetching that alone. Raises `ModelInvalid`, `DownloadFailed`."""
        if self._described is None:
            self._described = open_folder(self._place(whole=False), self._model.model)
        return self._described

    def whole(self) -> HubFolder:
        """Return the folder with all of its files, fetching what lacks. Raises `ModelInvalid`, `DownloadFailed`."""
        if self._whole is None:
            self._whole = open_folder(self._place(whole=True), self._model.model)
        return self._whole

    def _place(self, *, whole: bool) -> Path:
        name = self._model.model
        folder = Path(name).expanduser()
        if folder.is_dir():
            return folder
        if not HUB_NAME.fullmatch(name):
            # An address might carry a password: it is not repeated.
            raise ModelInvalid(
                "a hub model is a folder or a name such as owner/name, never an address; what was given is neither"
                if "://" in name
                else f"no hub model {name!r}: there is no such folder, and a name looks like owner/name"
            )
        revision = self._revision()
        caches = (self._home / OWN_CACHE, client_cache())
        kept = [snapshot(cache, name, revision=revision) for cache in caches]
        if self._download and not any(_is_enough(path, whole=whole) for path in kept):
            from models.engines.hub_fetching import fetch

            return fetch(name, revision=revision, cache=caches[0], whole=whole)
        for path in kept:
            if path is not None and (path / CONFIG).is_file():
                return path
        raise ModelInvalid(
            f"no hub model {name!r} (revision {revision}): there is no such folder, and no copy in "
            f"{' or '.join(map(str, caches))}; set models.download = true to fetch it"
        )

    def _revision(self) -> str:
        revision = self._model.revision or DEFAULT_REVISION
        if ".." in revision or not REVISION.fullmatch(revision):
            raise ModelInvalid(f"revision {revision!r}: expected a branch, a tag or a commit")
        return revision


def client_cache() -> Path:
    """Return where the hub's own client keeps what other programs fetched, by its documented variables."""
    named = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    if named:
        return Path(named).expanduser()
    home = os.environ.get("HF_HOME")
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return (Path(home) if home else Path(caches) / "huggingface").expanduser() / "hub"


def snapshot(cache: Path, name: str, *, revision: str) -> Path | None:
    """Return the folder of `name` at `revision` in a cache, or None."""
    kept = cache / f"models--{name.replace('/', '--')}"
    commit = revision
    if not COMMIT.fullmatch(revision):
        try:
            commit = (kept / "refs" / revision).read_text(encoding="utf-8").strip()
        except OSError:
            return None
    folder = kept / "snapshots" / commit
    return folder if folder.is_dir() else None


def _is_enough(path: Path | None, *, whole: bool) -> bool:
    if path is None or not (path / CONFIG).is_file():
        return False
    return not whole or (path / WEIGHTS).is_file() or _has_all_parts(path)


def _has_all_parts(path: Path) -> bool:
    try:
        return all((path / part).is_file() for part in shards(path / WEIGHTS_INDEX))
    except ModelInvalid:
        return False
