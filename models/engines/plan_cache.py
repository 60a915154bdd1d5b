"""Keep plans and their certificates under `<models.home>/engines/`, and give back only what is whole.

In: a plan's key, bytes and certificate. Out: three files of one name, or the plan read again.

    NAME.plan               the serialised plan
    NAME.json               its key, its hash, what it was built for and when
    NAME.certificate.json   what was compared, when one was made

NAME is a digest of the key, so that a plan of another model, recipe, library, version, GPU or rule of profiles is never
found. A file is written whole or not at all, the record after the plan: what a killed process leaves is no plan.
What the file system refuses is an `InvalidInput` that names the path and the remedy. Imports contracts, msgspec,
models.engines.certificate and the standard library.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from contracts.errors import EngineFailed, InvalidInput
from models.engines.certificate import Certificate, misfits

FOLDER = "engines"
PLAN, RECORD, CERTIFICATE = ".plan", ".json", ".certificate.json"
BUILD = "run `hubbub models build --engine tensorrt`"
NAME_DIGITS = 24
Kept = TypeVar("Kept", bound=msgspec.Struct)


class PlanKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold all that a plan depends on.

    `model` is the sha256 of the shipped ONNX file, `recipe` the number of the rule that types it, `gpu` the GPU's name,
    or `any` where the library builds for all, `shapes` the rule of profiles.
    """

    model: str
    recipe: int
    runtime: str
    version: str
    gpu: str
    shapes: str

    @property
    def name(self) -> str:
        """Return the plan's name: hex digits of SHA-256 over the key."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:NAME_DIGITS]


class PlanRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold what is known of a built plan; `profiles` are (width, rows), `pieces` the size of the vocabulary."""

    key: PlanKey
    plan_sha256: str
    plan_bytes: int
    profiles: tuple[tuple[int, int], ...]
    pieces: int
    built_at: datetime
    build_seconds: float


class StoredPlan(msgspec.Struct, frozen=True):
    """Hold a plan that is whole, and its record."""

    plan: bytes
    record: PlanRecord


class ListedPlan(msgspec.Struct, frozen=True):
    """Hold one line of a listing: `certificate` is None where none was made, `problem` is empty where all is whole."""

    name: str
    record: PlanRecord | None
    certificate: Certificate | None
    problem: str = ""


class PlanCache:
    """Read and write plans in one folder."""

    def __init__(self, home: Path) -> None:
        self.folder = home.expanduser() / FOLDER

    def path_of(self, name: str) -> Path:
        """Return where the plan of a name lies."""
        return self.folder / f"{name}{PLAN}"

    def check_writable(self, key: PlanKey) -> None:
        """Make the folder, and raise `InvalidInput` unless the plan of `key` can be written there.

        Called before a build, which would be lost; only how much room there is shows when the plan is written.
        """
        with _writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=self.folder).close()
        for suffix in (PLAN, RECORD, CERTIFICATE):
            path = self.folder / f"{key.name}{suffix}"
            if path.is_dir():
                raise _not_written(path, "a folder is in its place")

    def write_plan(self, plan: bytes, record: PlanRecord) -> None:
        """Write a plan in the place of one of its name; the certificate of that one is taken away first.

        Raises `InvalidInput` where the file system refuses, as `write_certificate` does.
        """
        self.check_writable(record.key)
        name = record.key.name
        for suffix in (CERTIFICATE, RECORD):
            path = self.folder / f"{name}{suffix}"
            with _writing(path):
                path.unlink(missing_ok=True)
        _write(self.path_of(name), plan)
        _write(self.folder / f"{name}{RECORD}", _encoded(record))

    def read_plan(self, key: PlanKey) -> StoredPlan:
        """Return the plan of `key`. Raises `EngineFailed` where there is none, or its files are not those written."""
        record = self._read(key.name, RECORD, kind=PlanRecord)
        if record is None:
            raise EngineFailed(
                f"no plan of {key.runtime} {key.version} for {key.gpu} and this model: looked for"
                f" {self.path_of(key.name)}; {BUILD}"
            )
        path = self.path_of(key.name)
        if record.key != key:
            raise EngineFailed(
                f"{path.with_suffix(RECORD)} is of another plan, {record.key.name}; {BUILD}"
            )
        try:
            plan = path.read_bytes()
        except OSError as error:
            raise EngineFailed(f"cannot read {path}: {error.strerror}; {BUILD}") from error
        if (found := hashlib.sha256(plan).hexdigest()) != record.plan_sha256:
            raise EngineFailed(
                f"{path} has sha256 {found[:16]}, its record says {record.plan_sha256[:16]}:"
                f" the file was changed; {BUILD}"
            )
        return StoredPlan(plan, record)

    def read_certified(self, key: PlanKey, *, gpu: str) -> StoredPlan:
        """Return the plan of `key` that `gpu` may use. Raises `EngineFailed` as the two checks do."""
        stored = self.read_plan(key)
        self.check_certificate(stored.record, gpu=gpu)
        return stored

    def write_certificate(self, certificate: Certificate) -> None:
        """Write what was compared, whatever it shows: a refusal is told by it too."""
        _write(self.folder / f"{certificate.plan}{CERTIFICATE}", _encoded(certificate))

    def check_certificate(self, record: PlanRecord, *, gpu: str) -> None:
        """Raise `EngineFailed` unless the plan has a certificate that lets it be used on `gpu`."""
        name = record.key.name
        certificate = self._read(name, CERTIFICATE, kind=Certificate)
        if certificate is None:
            raise EngineFailed(
                f"the plan {name} has no certificate for {gpu}; {BUILD} on this machine"
            )
        if found := misfits(certificate, plan=name, plan_sha256=record.plan_sha256, gpu=gpu):
            raise EngineFailed(
                f"the certificate of the plan {name} does not allow it: {'; '.join(found)}; {BUILD}"
            )

    def listed(self) -> Iterator[ListedPlan]:
        """Yield every plan of the folder by name, those that cannot be read too."""
        names = {path.name.split(".")[0] for path in self.folder.glob(f"[0-9a-f]*{PLAN}")}
        yield from map(self.listed_one, sorted(names))

    def listed_one(self, name: str) -> ListedPlan:
        """Return the plan of a name as a listing shows it; its bytes are read, a tenth of a second a hundred MB."""
        record = certificate = None
        try:
            record = self._read(name, RECORD, kind=PlanRecord)
            certificate = self._read(name, CERTIFICATE, kind=Certificate)
            if record is None or record.key.name != name:
                raise EngineFailed(f"it has no record of its own; {BUILD}")
            self.read_plan(record.key)
        except EngineFailed as error:
            return ListedPlan(name, record, certificate, str(error))
        return ListedPlan(name, record, certificate)

    def _read(self, name: str, suffix: str, *, kind: type[Kept]) -> Kept | None:
        path = self.folder / f"{name}{suffix}"
        try:
            return msgspec.json.decode(path.read_bytes(), type=kind)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            raise EngineFailed(f"cannot read {path}: {error}; {BUILD}") from error


def _encoded(value: msgspec.Struct) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Say in our words what the file system refuses."""
    try:
        yield
    except OSError as error:
        raise _not_written(path, error.strerror or str(error)) from error


def _not_written(path: Path, why: str) -> InvalidInput:
    return InvalidInput(
        f"cannot write {path}: {why}; make room there,"
        " or name a folder that can be written with --home or the setting models.home"
    )


def _write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, also against a power cut."""
    with _writing(path):
        _write_whole(path, data)


def _write_whole(path: Path, data: bytes) -> None:
    handle, fresh = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(fresh).chmod(0o644)
        Path(fresh).replace(path)
    except BaseException:
        Path(fresh).unlink(missing_ok=True)
        raise
