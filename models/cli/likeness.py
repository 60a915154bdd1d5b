"""Judge a model's vectors on a stream of texts with known clusters, and across languages.

In: paths and names from the command line. Out: figures for people or as JSON. Imports numpy and the registry only
inside the command.
"""

import math
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from contracts.errors import InvalidInput
from models.cli.evaluating import Home, Model


def likeness_command(
    *,
    news: Annotated[
        Path, typer.Option(help="A .jsonl or .jsonl.gz stream with `text` and its true cluster.")
    ],
    field: Annotated[str, typer.Option(help="The field that holds the cluster.")] = "cluster",
    join_at: Annotated[
        float, typer.Option(help="The score from which a text joins a cluster.")
    ] = 0.58,
    model: Model = None,
    home: Home = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say how well a model's vectors tell what is alike: stories of a stream, and translations."""
    from contracts.settings import load
    from models.evaluation.likeness import judge_likeness
    from models.evaluation.records import read_records
    from models.registry import build_text_scorer

    if not math.isfinite(join_at):
        raise InvalidInput(f"--join-at {join_at}: expected a number, such as 0.58")
    settings = load()
    scorer = build_text_scorer(
        model or settings.score.model, home=home or settings.models.home, hub=settings.models
    )
    scorer.start()
    try:
        figures = judge_likeness(scorer, read_records(news), field=field, join_at=join_at)
    finally:
        scorer.close()
    if json:
        typer.echo(msgspec.json.encode(figures))
        return
    table = Table("figure", "value")
    for name, value in msgspec.structs.asdict(figures).items():
        parts = value.items() if isinstance(value, dict) else [("", value)]
        for part, figure in parts:
            table.add_row(f"{name} {part}".strip(), str(figure))
    Console().print(table)
