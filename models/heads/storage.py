"""Keep users' heads under `<models.home>/heads/<name>/` and give back only what is whole.

In: a manifest and arrays. Out: `head.json` and `weights.npz` (no pickle); or the head read again, its hash checked.
Imports contracts, msgspec, numpy and models.heads.
"""

import hashlib
import io
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from contracts.errors import InvalidInput, ModelInvalid
from models.heads.manifest import FORMAT, HEAD_FILE, WEIGHTS_FILE, HeadManifest, check_head_name
from models.heads.weights import HeadWeights

HEADS_FOLDER = "heads"


class StoredHead(NamedTuple):
    """Hold a head's folder and manifest; its weights are read when it starts."""

    folder: Path
    manifest: HeadManifest

    def weights(self) -> HeadWeights:
        """Read the weights. Raises `ModelInvalid` where the file is missing, changed or of another shape."""
        path = self.folder / self.manifest.weights
        try:
            raw = path.read_bytes()
        except OSError as error:
            raise ModelInvalid(
                f"cannot read {path}, which {HEAD_FILE} names: {error.strerror}"
            ) from error
        if (found := hashlib.sha256(raw).hexdigest()) != self.manifest.weights_sha256:
            raise ModelInvalid(
                f"{path} has sha256 {found}, {HEAD_FILE} says {self.manifest.weights_sha256}: the file was changed"
            )
        try:
            with np.load(io.BytesIO(raw), allow_pickle=False) as arrays:
                weights = HeadWeights(**{name: arrays[name] for name in HeadWeights._fields})
        except (KeyError, ValueError, zipfile.BadZipFile) as error:
            raise ModelInvalid(f"{path} holds no weights of a head: {error}") from error
        weights.check(len(self.manifest.labels), width=self.manifest.width, place=path)
        return weights


def heads_home(home: Path) -> Path:
    """Return the folder under which every head has a folder of its name."""
    return home.expanduser() / HEADS_FOLDER


def check_home(home: Path) -> None:
    """Raise `InvalidInput` unless a head can be kept under `home`: better before it is fitted than after."""
    with _keeping(heads_home(home)) as folder:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryDirectory(prefix=".", dir=folder).cleanup()


def write_head(home: Path, manifest: HeadManifest, *, weights: HeadWeights) -> StoredHead:
    """Write a head in the place of one of its name; return it with its weights' hash.

    A head is never there in part. Where the process dies between two renames, the name is free, and the head that it
    had lies beside, in a folder that begins with a dot and ends in -old. Raises `InvalidInput` where it cannot write.
    """
    folder = heads_home(home) / manifest.name
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **weights._asdict())
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    manifest = msgspec.structs.replace(manifest, weights=WEIGHTS_FILE, weights_sha256=digest)
    with _keeping(folder.parent):
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{manifest.name}-", dir=folder.parent))
        (fresh / WEIGHTS_FILE).write_bytes(buffer.getvalue())
        (fresh / HEAD_FILE).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")
        fresh.chmod(0o755)
        _replace(folder, fresh)
    return StoredHead(folder, manifest)


@contextmanager
def _keeping(folder: Path) -> Iterator[Path]:
    try:
        yield folder
    except OSError as error:
        raise InvalidInput(
            f"cannot keep a head in {folder}: {error.strerror}; expected a folder that can be written to, from --home"
            " or the setting models.home"
        ) from error


def _replace(folder: Path, fresh: Path) -> None:
    """Put `fresh` where `folder` is; a folder that is not empty cannot be renamed over, so the old one moves first."""
    old = fresh.with_name(f"{fresh.name}-old")
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def read_head(home: Path, name: str) -> StoredHead:
    """Return the head `name`. Raises `ModelInvalid` where there is none or its manifest is none."""
    check_head_name(name)
    path = heads_home(home) / name / HEAD_FILE
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=HeadManifest)
    except FileNotFoundError as error:
        there = ", ".join(known_names(home)) or "none yet"
        raise ModelInvalid(
            f"no head {name!r}: looked for {path}; there are: {there}. Make it with:"
            f" hubbub models fit-head --data FILE --name {name}"
        ) from error
    except OSError as error:
        raise ModelInvalid(f"cannot read {path}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise ModelInvalid(
            f"{path} is not a head's manifest: {error}; fit the head again"
        ) from error
    if manifest.format != FORMAT or manifest.name != name:
        raise ModelInvalid(
            f"{path} is of head {manifest.name!r}, format {manifest.format}; expected {name!r}, format {FORMAT}:"
            " fit the head again"
        )
    if Path(manifest.weights).name != manifest.weights:
        raise ModelInvalid(f"{path} names weights outside its folder: {manifest.weights!r}")
    return StoredHead(path.parent, manifest)


def known_names(home: Path) -> list[str]:
    """Return the names of the heads that are kept under `home`, in order."""
    return sorted(path.parent.name for path in heads_home(home).glob(f"[a-z]*/{HEAD_FILE}"))
