"""Judge a head on a labelled file.

In: paths and names from the command line. Out: figures for people or as JSON. Imports numpy and the registry only
inside the command.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from contracts.errors import InvalidInput

if TYPE_CHECKING:
    from models.evaluation.tasks import Evaluation


def evaluate_command(
    task: Annotated[str, typer.Argument(help="The head to judge: emotion, sentiment or topic.")],
    data: Annotated[Path, typer.Option(help="A .jsonl or .jsonl.gz file with `text` and a label.")],
    *,
    field: Annotated[str, typer.Option(help="The field that holds the label.")] = "label",
    rename: Annotated[
        list[str] | None, typer.Option("--map", help="THEIRS=OURS, once a label.")
    ] = None,
    model: Annotated[str, typer.Option(help="`bundled`, or a model's folder.")] = "bundled",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Score a labelled file and print the figures of one head."""
    from models.evaluation.records import read_records
    from models.evaluation.tasks import evaluate
    from models.registry import build_text_scorer

    scorer = build_text_scorer(model)
    scorer.start()
    records = read_records(data)
    figures = evaluate(
        scorer, task, records=records, field=field, mapping=label_mapping(rename or [])
    )
    scorer.close()
    if json:
        typer.echo(msgspec.json.encode(figures))
    else:
        Console().print(_table(figures))


def label_mapping(pairs: list[str]) -> dict[str, str]:
    """Return {theirs: ours} from `THEIRS=OURS` words. Raises `InvalidInput` on another form."""
    mapping = {}
    for pair in pairs:
        theirs, equals, ours = pair.partition("=")
        if not equals or not theirs or not ours:
            raise InvalidInput(f"--map {pair!r} is not THEIRS=OURS, such as angry=anger")
        mapping[theirs] = ours
    return mapping


def _table(figures: "Evaluation") -> Table:
    table = Table("figure", "value")
    for name, value in msgspec.structs.asdict(figures).items():
        table.add_row(name, f"{value:.4f}" if isinstance(value, float) else str(value))
    return table
