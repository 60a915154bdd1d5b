"""Build engines for a GPU, certify and list them.

In: a model's name, texts, the folder of models. Out: a plan and its certificate under `<models.home>/engines`, a report
for people or as JSON. Imports numpy, onnx and TensorRT only inside the command.
"""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import msgspec
import typer

from contracts.errors import EngineFailed, InvalidInput

if TYPE_CHECKING:
    from models.engines.certificate import Parity
    from models.engines.plan_cache import PlanCache, PlanRecord
    from models.engines.tensorrt_library import Library
    from models.evaluation.parity_texts import ParityTexts
    from models.protocols import Engine, TextScores
    from models.scoring import InstalledModel

Engines = Annotated[Literal["tensorrt"], typer.Option(help="The engine to build.")]
Model = Annotated[str, typer.Option(help="`bundled`, a model's folder or its name.")]
Data = Annotated[
    list[Path] | None,
    typer.Option(
        help="JSON lines of your own to compare on, with `text`; fields named as heads hold labels."
    ),
]
Head = Annotated[str | None, typer.Option(help="The head that --field is a label of.")]
Field = Annotated[
    str | None, typer.Option(help="The field of the label of --head; `label` unless given.")
]
Texts = Annotated[int, typer.Option(min=400, help="The most texts to compare on.")]
Listing = Annotated[bool, typer.Option("--list", help="Build nothing: list what is there.")]
Home = Annotated[
    Path | None, typer.Option(help="Where engines are kept; the setting models.home if left out.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
SCORED_AT_ONCE = 500


class Ground(NamedTuple):
    """Hold what a build stands on: the model, TensorRT, the GPU's name (empty where none is), where plans lie."""

    installed: "InstalledModel"
    tensorrt: "Library"
    gpu: str
    driver: str
    cache: "PlanCache"

    @property
    def network(self) -> Path:
        """Return the path of the shipped graph."""
        return self.installed.folder / self.installed.manifest.network


def build_command(
    *,
    engine: Engines = "tensorrt",
    model: Model = "bundled",
    data: Data = None,
    head: Head = None,
    field: Field = None,
    texts: Texts = 4_000,
    listing: Listing = False,
    home: Home = None,
    json: AsJson = False,
) -> None:
    """Build the plan of a model for this machine's GPU, prove that its labels are those of float32, and keep both.

    Without a GPU, TensorRT-RTX still builds; the plan is used only once this command has certified it on a GPU.
    """
    from contracts.settings import load
    from models.engines.plan_cache import PlanCache

    kept_in = load().models.home if home is None else home
    cache = PlanCache(kept_in)
    if listing:
        _show_list(cache, as_json=json)
        return
    installed = open_network(model, home=kept_in)
    fields = _fields(installed, head, field=field, has_data=bool(data))
    chosen = _texts(installed, data or [], fields=fields, count=texts)
    ground, no_gpu = _ground(installed, cache)
    record = _whole_plan(ground)
    if ground.gpu:
        _certify(ground, record, texts=chosen)
    _show(cache, record, no_gpu=no_gpu, as_json=json)
    if ground.gpu:
        cache.check_certificate(record, gpu=ground.gpu)


def open_network(model: str, *, home: Path) -> "InstalledModel":
    """Return an encoder, which engines can run. Raises `InvalidInput` for another kind, `ModelInvalid` for none."""
    from models.hub.shelf import PREFIX
    from models.registry import IDENTITY, locate_model, open_model

    if model == IDENTITY or model.startswith(PREFIX):
        raise InvalidInput(
            f"--model {model} has no encoder of ours, which engines run:"
            " expected `bundled`, a model's folder or its name"
        )
    return open_model(locate_model(model, home=home))


def _fields(
    installed: "InstalledModel", head: str | None, *, field: str | None, has_data: bool
) -> dict[str, str]:
    if head is None:
        if field is not None:
            raise InvalidInput(f"--field {field} needs --head: the head that it is a label of")
        return {}
    if not has_data:
        raise InvalidInput(f"--head {head} needs --data: our own sentences have no labels")
    if head not in installed.manifest.labels:
        known = ", ".join(installed.manifest.labels)
        raise InvalidInput(f"{installed.manifest.name} has no head {head!r}; it has {known}")
    return {head: field or "label"}


def _texts(
    installed: "InstalledModel", data: list[Path], *, fields: dict[str, str], count: int
) -> "ParityTexts":
    """Read the texts before anything is built: what is wrong with them is told at once."""
    from models.engines.certificate import LEAST_TEXTS
    from models.evaluation.likeness import read_pairs
    from models.evaluation.parity_texts import labelled_texts, shipped_texts
    from models.evaluation.records import read_records

    if not data:
        return shipped_texts(read_pairs(), count=count)
    records = [record for path in data for record in read_records(path)]
    chosen = labelled_texts(records, installed.manifest.labels, fields=fields, count=count)
    name = ", ".join(path.name for path in data)
    if len(chosen.inputs) < LEAST_TEXTS:
        raise InvalidInput(
            f"{name}: {len(chosen.inputs)} texts, expected {LEAST_TEXTS} at least:"
            " fewer could not tell whether labels agree; leave --data out to take our own sentences"
        )
    return chosen._replace(name=name)


def _ground(installed: "InstalledModel", cache: "PlanCache") -> tuple[Ground, str]:
    """Return what the build stands on, and why there is no GPU where there is none."""
    from models.engines.cuda_device import CudaDevice
    from models.engines.tensorrt_library import find_library

    library = find_library()
    device = CudaDevice()
    try:
        device.start()
    except EngineFailed as error:
        if not library.builds_anywhere:
            raise EngineFailed(
                f"{library.name} {library.version} builds only where the GPU is: {error}"
            ) from error
        return Ground(installed, library, "", "", cache), str(error)
    device.close()
    return Ground(installed, library, device.name, device.driver, cache), ""


def _whole_plan(ground: Ground) -> "PlanRecord":
    """Return the record of the plan, which is built where none is there or its files are not whole."""
    from models.engines.tensorrt import plan_key

    key = plan_key(ground.network, ground.tensorrt, gpu=ground.gpu)
    ground.cache.check_writable(key)
    try:
        return ground.cache.read_plan(key).record
    except EngineFailed as error:
        # None yet, or a broken one: either way it is written anew.
        if ground.cache.path_of(key.name).exists():
            typer.echo(f"building anew: {error}", err=True)
        return _build(ground)


def _build(ground: Ground) -> "PlanRecord":
    import hashlib

    from models.engines.plan_cache import PlanRecord
    from models.engines.tensorrt import plan_key
    from models.engines.tensorrt_building import build_plan, profiles_for
    from models.engines.tensorrt_graph import typed_graph

    typer.echo(f"building with {ground.tensorrt.name} {ground.tensorrt.version}", err=True)
    begin = time.perf_counter()
    typed = typed_graph(ground.network)
    profiles = profiles_for(typed.places)
    plan = build_plan(typed.graph, profiles, library=ground.tensorrt)
    record = PlanRecord(
        key=plan_key(ground.network, ground.tensorrt, gpu=ground.gpu),
        plan_sha256=hashlib.sha256(plan).hexdigest(),
        plan_bytes=len(plan),
        profiles=tuple((profile.width, profile.rows) for profile in profiles),
        pieces=typed.pieces,
        built_at=datetime.now(UTC),
        build_seconds=round(time.perf_counter() - begin, 1),
    )
    ground.cache.write_plan(plan, record)
    return record


def _certify(ground: Ground, record: "PlanRecord", *, texts: "ParityTexts") -> None:
    """Compare the plan with float32 on the CPU, and write what was found, whatever it is."""
    from importlib import metadata

    from models.engines.certificate import Certificate, unjudged
    from models.engines.tensorrt import TensorRtEngine

    typer.echo(f"comparing {len(texts.inputs):,} texts with float32 on the CPU", err=True)
    engine = TensorRtEngine(
        ground.network,
        ground.installed.manifest.labels,
        plans=ground.cache,
        needs_certificate=False,
    )
    parity = compare_with_float(ground.installed, engine, texts=texts)
    versions = {name: metadata.version(name) for name in ("hubbub", "onnxruntime")}
    certificate = Certificate(
        plan=record.key.name,
        plan_sha256=record.plan_sha256,
        gpu=ground.gpu,
        reference="onnxruntime, float32",
        data=texts.name,
        parity=parity,
        made_at=datetime.now(UTC),
        versions=versions
        | {ground.tensorrt.name: ground.tensorrt.version, "CUDA driver": ground.driver},
        not_judged=unjudged(parity),
    )
    ground.cache.write_certificate(certificate)


def compare_with_float(
    installed: "InstalledModel", engine: "Engine", *, texts: "ParityTexts"
) -> "Parity":
    """Return how far an engine agrees with the model's graph in float32, run by onnxruntime, over the same texts."""
    import tempfile

    from models.engines.certificate import compare
    from models.engines.floating import float_graph
    from models.engines.ort import OrtEngine

    # The engine first: one that cannot run says so at once.
    answers = _scores(installed, engine, texts=texts)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "float.onnx"
        graph = float_graph(installed.folder / installed.manifest.network)
        path.write_bytes(graph.SerializeToString())
        reference = _scores(installed, OrtEngine(path, installed.manifest.labels), texts=texts)
    return compare(reference, answers, truth=texts.truth)


def _scores(
    installed: "InstalledModel", engine: "Engine", *, texts: "ParityTexts"
) -> list["TextScores"]:
    from models.features.language import LanguageDecider
    from models.forwarding import Forwarder
    from models.registry import span_finder
    from models.scoring import EncoderScorer

    manifest = installed.manifest
    forwarder = Forwarder(engine, manifest.labels, pad_id=manifest.text.pad_id)
    spans = span_finder(installed, lexicon=None)
    scorer = EncoderScorer(installed, forwarder=forwarder, decider=LanguageDecider(), spans=spans)
    scorer.start()
    try:
        return [
            score
            for at in range(0, len(texts.inputs), SCORED_AT_ONCE)
            for score in scorer.score_batch(texts.inputs[at : at + SCORED_AT_ONCE])
        ]
    finally:
        scorer.close()


def _show(cache: "PlanCache", record: "PlanRecord", *, no_gpu: str, as_json: bool) -> None:
    from rich.console import Console

    from models.cli.building_tables import build_lines, report

    listed = cache.listed_one(record.key.name)
    found = report(listed, cache.path_of(listed.name), no_gpu=no_gpu)
    if as_json:
        typer.echo(msgspec.json.encode(found))
    else:
        Console(soft_wrap=True).print(*build_lines(found), sep="\n")


def _show_list(cache: "PlanCache", *, as_json: bool) -> None:
    from models.cli.building_tables import list_lines, report

    reports = [report(each, cache.path_of(each.name)) for each in cache.listed()]
    if as_json:
        typer.echo(msgspec.json.encode({"plans": reports}))
    elif reports:
        typer.echo("\n".join(list_lines(reports)))
    else:
        typer.echo(f"no plan in {cache.folder}; make one with: hubbub models build")
