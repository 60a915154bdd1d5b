"""Compare the engines of a model on real texts.

In: files, names of engines. Out: how far each agrees with float32, for people or as JSON. Imports numpy, onnx and
engines only inside the command.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from contracts.errors import EngineFailed, InvalidInput, MissingExtra, ModelInvalid
from models.cli.building import open_network
from models.cli.evaluating import label_mapping

if TYPE_CHECKING:
    from models.evaluation.agreement import Comparison
    from models.evaluation.comparison_texts import ComparisonTexts, DataFile
    from models.protocols import Engine, TextInput, TextScores
    from models.scoring import EncoderScorer, InstalledModel

Data = Annotated[
    list[str],
    typer.Option(
        help="[TASK=]FILE: JSON lines with `text`, and with a label of TASK if one is named; may be given again."
    ),
]
Task = Annotated[
    str | None,
    typer.Option("--head", help="The task of files that name none: emotion, topic, hate ..."),
]
Field = Annotated[
    str | None,
    typer.Option(
        help="The field of the label in files of a task: `label` unless given, or TASK where no row has that."
    ),
]
Renamed = Annotated[
    list[str] | None,
    typer.Option(
        "--map", help="THEIRS=OURS, as in `models evaluate`, for every file that has the label."
    ),
]
Engines = Annotated[
    list[str] | None,
    typer.Option(help="An engine to compare; may be given again; all unless given."),
]
Limit = Annotated[
    int, typer.Option(min=1, help="The most texts, as many of each file if it has them.")
]
Model = Annotated[
    str, typer.Option(help="`bundled`, a model's folder, or its name under models.home.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
REFERENCE = "onnxruntime, float32"
BATCH_TEXTS = 500
CANNOT = (EngineFailed, MissingExtra, ModelInvalid)


def compare_command(
    *,
    data: Data,
    head: Task = None,
    field: Field = None,
    rename: Renamed = None,
    engine: Engines = None,
    limit: Limit = 10_000,
    model: Model = "bundled",
    json: AsJson = False,
) -> None:
    """Run real texts through every engine that can run here, and say how far each agrees with float32.

    The reference is the shipped graph without its int8 steps, run by onnxruntime. F1 stands against the labels of files
    whose TASK is named, among the classes of the file, as in `models evaluate`. An engine that cannot run here is
    listed with its reason.
    """
    from contracts.settings import load
    from models.engines.makers import engine_makers
    from models.engines.plan_cache import PlanCache
    from models.evaluation.comparison_texts import Reading, choose_texts

    home = load().models.home
    installed = open_network(model, home=home)
    network, labels = installed.folder / installed.manifest.network, installed.manifest.labels
    makers = engine_makers(network, labels, plans=PlanCache(home))
    names = engine or list(makers)
    if unknown := [name for name in names if name not in makers]:
        raise InvalidInput(f"no engine {unknown[0]!r}: expected one of {', '.join(makers)}")
    reading = Reading(field, label_mapping(rename or []))
    files = [_read(words, head) for words in data]
    with _float_engine(installed) as engine_of_reference:
        reference = _scorer(installed, engine_of_reference)
        texts = choose_texts(files, reference, limit=limit, reading=reading)
        chosen = {name: makers[name] for name in names}
        comparison = _compared(installed, reference, makers=chosen, texts=texts)
    _show(comparison, as_json=json)


def _read(words: str, head: str | None) -> "DataFile":
    """Read `[TASK=]FILE`; a file whose own name has a = is found as it is."""
    from models.evaluation.comparison_texts import DataFile
    from models.evaluation.records import read_records

    task, equals, name = words.partition("=")
    if not equals or Path(words).exists():
        task, name = head or "", words
    path = Path(name)
    return DataFile(path, task or None, list(read_records(path)))


@contextmanager
def _float_engine(installed: "InstalledModel") -> Iterator["Engine"]:
    from models.engines.floating import float_graph
    from models.engines.ort import OrtEngine

    graph = float_graph(installed.folder / installed.manifest.network)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "float.onnx"
        path.write_bytes(graph.SerializeToString())
        yield OrtEngine(path, installed.manifest.labels)


def _compared(
    installed: "InstalledModel",
    reference: "EncoderScorer",
    *,
    makers: dict[str, Callable[[], "Engine"]],
    texts: "ComparisonTexts",
) -> "Comparison":
    from models.evaluation.agreement import Comparison, agreement_of, below

    expected, _ = _scored(reference, texts, name=REFERENCE)
    engines, not_run = [], {}
    for name, make in makers.items():
        try:
            found, seconds = _scored(_scorer(installed, make()), texts, name=name)
        except CANNOT as error:
            not_run[name] = str(error)
            continue
        engines.append(
            agreement_of(name, expected, found=found, parts=texts.parts, seconds=seconds)
        )
    return Comparison(
        reference.model_name,
        reference.model_version,
        REFERENCE,
        len(texts.inputs),
        texts.files,
        engines,
        not_run,
        below_99_5=below(engines),
        answered_below_99_5=below(engines, answered=True),
    )


def _scorer(installed: "InstalledModel", engine: "Engine") -> "EncoderScorer":
    from models.features.language import LanguageDecider
    from models.forwarding import Forwarder
    from models.scoring import EncoderScorer

    manifest = installed.manifest
    forwarder = Forwarder(engine, manifest.labels, pad_id=manifest.text.pad_id)
    return EncoderScorer(installed, forwarder=forwarder, decider=LanguageDecider())


def _scored(
    scorer: "EncoderScorer", texts: "ComparisonTexts", *, name: str
) -> tuple[list["TextScores"], float]:
    """Return the scores of all texts, and how many seconds they took."""
    scorer.start()
    typer.echo(f"scoring {len(texts.inputs):,} texts with {name}", err=True)
    begin = time.perf_counter()
    try:
        scores = [score for part in _batches(texts.inputs) for score in scorer.score_batch(part)]
    finally:
        scorer.close()
    return scores, time.perf_counter() - begin


def _batches(inputs: Sequence["TextInput"]) -> Iterator[Sequence["TextInput"]]:
    for at in range(0, len(inputs), BATCH_TEXTS):
        yield inputs[at : at + BATCH_TEXTS]


def _show(comparison: "Comparison", *, as_json: bool) -> None:
    if as_json:
        typer.echo(msgspec.json.encode(comparison))
        return
    from rich.console import Console

    from models.cli.comparing_tables import tables

    Console(soft_wrap=True).print(*tables(comparison), sep="\n")
