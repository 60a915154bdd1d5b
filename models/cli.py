"""The command `hubbub models`: train a model, export it, judge it.

In: paths and names from the command line. Out: files, and figures for people or as JSON. Creates the collaborators and
passes them on; imports numpy, the registry and training (with torch) only inside the command that needs them, so that
`--help` comes at once.
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

app = typer.Typer(name="models", help="Train, export and judge the models.", no_args_is_help=True)


@app.command("train")
def train_command(
    config: Annotated[
        Path, typer.Option(help="A TOML file such as models/training/piece_table.toml.")
    ],
    data: Annotated[Path, typer.Option(help="The folder of the data sets that the config names.")],
    *,
    out: Annotated[Path, typer.Option(help="The run's folder; an interrupted run goes on there.")],
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 2,
) -> None:
    """Train a text model on one machine's CPU (needs the extra `torch`)."""
    from models.training.config import read_config
    from models.training.pipeline import train

    train(read_config(config), data, run=out, threads=threads)
    typer.echo(f"trained: {out}; next: hubbub models export --run {out} --out FOLDER")


@app.command("export")
def export_command(
    run: Annotated[Path, typer.Option(help="The folder of a finished run.")],
    out: Annotated[Path, typer.Option(help="Where the model's folder is written.")],
) -> None:
    """Write a run's network, tokenizer, manifest and card; fail when they disagree with the training framework."""
    from models.training.exporting import export

    manifest = export(run, out)
    size = sum((out / name).stat().st_size for name in manifest.files)
    typer.echo(f"exported: {out}, {size / 1e6:.1f} MB, heads {', '.join(manifest.labels)}")


@app.command("evaluate")
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
