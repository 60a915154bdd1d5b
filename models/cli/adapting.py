"""Let the base encoder read texts of your own before its heads are fitted.

In: files of texts, a run's folder. Out: an adapted base encoder in that folder. Imports training (with torch) only
inside the command.
"""

from pathlib import Path
from typing import Annotated

import typer

from models.cli.training import Device, Threads


def adapt_command(
    texts: Annotated[
        list[Path], typer.Option(help="A .jsonl, .jsonl.gz or .txt file; may be given again.")
    ],
    out: Annotated[
        Path, typer.Option(help="The folder of a run whose stage `prepare` is done, and no fit.")
    ],
    *,
    samples: Annotated[int, typer.Option(min=1, help="Texts to see, repeats counted.")] = 200_000,
    rate: Annotated[float, typer.Option(help="The layers' highest learning rate.")] = 1e-4,
    device: Device = "cpu",
    threads: Threads = 2,
) -> None:
    """Let the base encoder guess masked words of your texts; `models train` in that folder begins from it."""
    from models.features.text import clean_text
    from models.heads.examples import read_texts
    from models.training.pipeline import open_run, require_torch

    require_torch().set_num_threads(threads)
    from models.training.adapting import AdaptOptions, adapt

    run = open_run(out, device=device)
    limit = run.config.vocabulary.token_limit
    lines = dict.fromkeys(
        clean_text(text, token_limit=limit).text for path in texts for text in read_texts(path)
    )
    lines.pop("", None)
    found = adapt(run, list(lines), options=AdaptOptions(samples, rate=rate))
    typer.echo(
        f"adapted: {out}, {found.texts:,} texts; loss of a masked word of {found.held_out:,} texts held out: "
        f"{found.frequency:.3f} by frequency, {found.before:.3f} before, {found.after:.3f} after"
    )
