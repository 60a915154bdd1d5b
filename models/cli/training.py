"""Train a model and export it.

In: a config, a data folder, a run's folder. Out: files. Imports training (with torch) only inside the commands.
"""

from pathlib import Path
from typing import Annotated

import typer


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


def export_command(
    run: Annotated[Path, typer.Option(help="The folder of a finished run.")],
    out: Annotated[Path, typer.Option(help="Where the model's folder is written.")],
) -> None:
    """Write a run's network, tokenizer, manifest and card; fail when they disagree with the training framework."""
    from models.training.exporting import export

    manifest = export(run, out)
    size = sum((out / name).stat().st_size for name in manifest.files)
    typer.echo(f"exported: {out}, {size / 1e6:.1f} MB, heads {', '.join(manifest.labels)}")
