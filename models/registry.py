"""Find a model, check that it is whole, and build its scorer.

In: a model's name or folder, and the folder where models are kept (`models.home`). Out: an `InstalledModel` or a
`TextScorer` that is not started yet. Reads files; imports no engine until the scorer starts.
"""

import hashlib
from collections.abc import Sequence
from importlib import metadata, resources
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from contracts.errors import ModelInvalid
from contracts.settings import ModelSettings
from contracts.stage_settings import EngineChoice, ScoreSettings
from models.engines.fallback import FallbackEngine
from models.engines.makers import engine_makers
from models.engines.plan_cache import PlanCache
from models.features.language import LanguageDecider
from models.forwarding import NO_LIMITS, Forwarder, Limits
from models.heads.shelf import further_heads
from models.hub.shelf import PREFIX, HubShelf
from models.identity import IdentityScorer
from models.lexicon.alone import Table
from models.lexicon.matching import Lexicon
from models.lexicon.spans import SpanFinder
from models.manifest import FEATURES_VERSION, FORMAT, MANIFEST_FILE, Manifest, model_digest
from models.protocols import Engine, TextHead, TextScorer
from models.remembering import RememberingScorer
from models.scoring import EMOTION, FRAME, EncoderScorer, InstalledModel

BUNDLED = "bundled"
CHAIN = ("tensorrt", "pytorch", "ort")
# The driver of NVIDIA's GPUs makes the first, that of Windows' Linux the second.
NVIDIA = (Path("/dev/nvidiactl"), Path("/dev/dxg"))
IDENTITY = "identity"


class Running(NamedTuple):
    """Say on which engine a model runs, and in what portions."""

    engine: EngineChoice = "ort"
    limits: Limits = NO_LIMITS


AS_IS = Running()


def running_of(settings: ScoreSettings) -> Running:
    """Return how the settings of the score stage let a model run."""
    return Running(settings.engine, Limits(settings.batch_tokens or None, settings.cache_texts))


def build_text_scorer(
    model: str = BUNDLED,
    *,
    home: Path | None = None,
    running: Running = AS_IS,
    hub: ModelSettings | None = None,
    heads: Sequence[str | TextHead] = (),
) -> TextScorer:
    """Return the scorer of `model`: `bundled`, `identity`, a folder's path, or a name of a folder under `home`.

    `hub:` before a name or folder means a model of the hub, used as the settings `hub` say. `heads` answer beside the
    model's own: names of heads under `home`, names of hub models that the settings have, or heads that are built.
    `running` says on which engine and in what portions; but for the engine it changes no score. Called by `hubbub.py`
    and the cli at start. Raises `ModelInvalid` when there is no such model or head, when a file was changed, or when a
    head was fitted on another encoder.
    """
    shelf = HubShelf(hub or ModelSettings(), batch_tokens=running.limits.batch_tokens)
    asked = _Asked(model, home, shelf, running)
    further: Sequence[TextHead] = ()
    if heads:
        plain = _scorer_with((), asked._replace(has_spans=False))
        further = further_heads(heads, plain, home=home, hub=shelf)
    scorer = _scorer_with(further, asked)
    remembered = running.limits.cache_texts
    # Identity has nothing to remember.
    return RememberingScorer(scorer, remembered) if remembered and model != IDENTITY else scorer


def build_encoder(
    model: str = BUNDLED, *, home: Path | None = None, hub: ModelSettings | None = None
) -> TextScorer:
    """Return `model` as users' heads know it, without further heads and spans: its version is that of its vectors.

    A word more in the lexicon changes the version of a scorer, and no head that was fitted on its vectors.
    """
    return _scorer_with((), _Asked(model, home, HubShelf(hub or ModelSettings()), has_spans=False))


def build_engine(installed: InstalledModel, choice: EngineChoice, *, plans: PlanCache) -> Engine:
    """Return the engine of a choice with those that take its place where it fails; not started."""
    path, labels = installed.folder / installed.manifest.network, installed.manifest.labels
    makers = engine_makers(path, labels, plans=plans, on_gpu=choice != "pytorch")
    has_gpu = any(place.exists() for place in NVIDIA)
    return FallbackEngine([makers[name]() for name in chain_of(choice, has_gpu=has_gpu)])


def chain_of(choice: EngineChoice, *, has_gpu: bool) -> tuple[str, ...]:
    """Return the engines to try, in order: `auto` is all where there is a GPU, else the one for CPUs.

    >>> chain_of("auto", has_gpu=False), chain_of("pytorch", has_gpu=False)
    (('ort',), ('pytorch', 'ort'))
    """
    if choice == "auto":
        return CHAIN if has_gpu else CHAIN[-1:]
    return CHAIN[CHAIN.index(choice) :]


class _Asked(NamedTuple):
    """Hold what a caller of the registry asked for."""

    model: str
    home: Path | None
    shelf: HubShelf
    running: Running = AS_IS
    has_spans: bool = True


def _scorer_with(further: Sequence[TextHead], asked: _Asked) -> TextScorer:
    model, home, shelf, running, has_spans = asked
    if model == IDENTITY:
        if further:
            raise ModelInvalid(
                f"no head can stand beside {IDENTITY}, which reads nothing: set score.model"
            )
        return IdentityScorer()
    if model.startswith(PREFIX):
        return shelf.scorer(model, further=further)
    installed = open_model(locate_model(model, home=home))
    manifest = installed.manifest
    forwarder = Forwarder(
        build_engine(installed, running.engine, plans=PlanCache(home or shelf.settings.home)),
        manifest.labels,
        pad_id=manifest.text.pad_id,
        limits=running.limits,
        keeps_pooled=bool(further),
    )
    return EncoderScorer(
        installed,
        forwarder=forwarder,
        decider=LanguageDecider(),
        further=further,
        spans=span_finder(installed, lexicon=shelf.settings.lexicon) if has_spans else None,
    )


def span_finder(installed: InstalledModel, *, lexicon: Path | None) -> SpanFinder | None:
    """Return what names the words of an emotion; None where the model has no such head. `lexicon` is a user's file."""
    manifest = installed.manifest
    if EMOTION not in manifest.labels:
        return None
    table = read_pieces(installed.folder / manifest.pieces, labels=len(manifest.labels[EMOTION]))
    return SpanFinder(
        Lexicon.load(user_file=lexicon),
        manifest.labels[EMOTION],
        token_limit=manifest.text.token_limit - FRAME,
        alone=table,
    )


def read_pieces(path: Path, *, labels: int) -> Table:
    """Return what each piece says alone [pieces, labels]. Raises `ModelInvalid` when the file holds something else."""
    try:
        table: Table = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise ModelInvalid(f"{path} holds no table of pieces: {error}") from error
    if table.ndim != 2 or table.shape[1] != labels:
        raise ModelInvalid(f"{path} is of shape {table.shape}, expected [pieces, {labels}]")
    return table


def locate_model(model: str, *, home: Path | None = None) -> Path:
    """Return the model's folder. Raises `ModelInvalid` that names every place where it looked."""
    if model == BUNDLED:
        return Path(str(resources.files("models.bundled"))) / "text"
    places = [Path(model)] if home is None else [home.expanduser() / model, Path(model)]
    for place in places:
        if (place / MANIFEST_FILE).is_file():
            return place
    looked = ", ".join(str(place / MANIFEST_FILE) for place in places)
    raise ModelInvalid(
        f"no model {model!r}: looked for {looked}; `{BUNDLED}` and `{IDENTITY}` are always there"
    )


def open_model(folder: Path) -> InstalledModel:
    """Read the manifest and check the hash of every file it names. Raises `ModelInvalid` that says which is wrong."""
    path = folder / MANIFEST_FILE
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except OSError as error:
        raise ModelInvalid(
            f"cannot read {path}: {error.strerror}; a model's folder holds a {MANIFEST_FILE}"
        ) from error
    except msgspec.DecodeError as error:
        raise ModelInvalid(f"{path} is not a manifest: {error}") from error
    for found, expected, what in (
        (manifest.format, FORMAT, "format"),
        (manifest.features_version, FEATURES_VERSION, "features_version"),
    ):
        if found != expected:
            raise ModelInvalid(
                f"{path} has {what} {found}, this version reads {expected}: export the model again"
            )
    for name in filter(None, (manifest.network, manifest.tokenizer, manifest.pieces)):
        if name not in manifest.files:
            raise ModelInvalid(f"{path} names {name!r} without its hash under `files`")
    for name, expected_hash in manifest.files.items():
        if Path(name).name != name:
            raise ModelInvalid(f"{path} names {name!r}: a model's files lie in its own folder")
        check_file(folder / name, expected_hash)
    readers = f"py3langid {metadata.version('py3langid')}"
    return InstalledModel(folder, manifest, model_digest(manifest, readers=readers))


def check_file(path: Path, expected: str) -> None:
    """Raise `ModelInvalid` unless the file's sha256 is `expected`."""
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelInvalid(
            f"cannot read {path}, which the manifest names: {error.strerror}"
        ) from error
    if found != expected:
        raise ModelInvalid(
            f"{path} has sha256 {found}, the manifest says {expected}: the file was changed"
        )
