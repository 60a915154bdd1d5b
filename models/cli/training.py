"""Train a model in stages and export it; see what each part of the recipe is worth, and search for a better one.

In: a config, a data folder, a run's folder. Out: files. Imports training (with torch) only inside the commands.
"""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from contracts.errors import SettingsInvalid

if TYPE_CHECKING:
    from models.training.pipeline import Run

Device = Annotated[Literal["cpu", "cuda"], typer.Option(help="Where it computes.")]
Threads = Annotated[int, typer.Option(min=1, help="CPU threads.")]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", help="Set a key of the config, such as student.fit.samples=100000."),
]
Config = Annotated[Path, typer.Option(help="A TOML file such as models/training/encoder.toml.")]
Data = Annotated[Path, typer.Option(help="The folder of the data sets that the config names.")]
Out = Annotated[Path, typer.Option(help="The run's folder; an interrupted run goes on there.")]
OfRun = Annotated[Path, typer.Option("--run", help="The folder of a run.")]


def train_command(
    config: Config,
    data: Data,
    *,
    out: Out,
    device: Device = "cpu",
    stage: Annotated[
        list[str] | None, typer.Option(help="Run this stage alone; may be given again.")
    ] = None,
    changes: Changes = None,
    threads: Threads = 2,
) -> None:
    """Train a text model, stage by stage; finished stages are passed over (needs the extra `torch`)."""
    from models.training.config import read_config
    from models.training.measuring import SCORES_FILE, read_scores, scores_table
    from models.training.pipeline import STUDENT, Run, train

    run = Run(out, read_config(config, changes_of(changes or ())), device)
    train(run, data, stages=stage or (), threads=threads)
    if not stage or STUDENT in stage:
        typer.echo(scores_table(read_scores(out / STUDENT / SCORES_FILE)))
    done = ", ".join(stage) if stage else "all stages"
    typer.echo(f"trained: {out} ({done}); next: hubbub models export --run {out} --out FOLDER")


def changes_of(texts: Sequence[str]) -> dict[str, str]:
    """Return {key: TOML value} of texts such as `a.b=1`. Raises `SettingsInvalid`."""
    changes = {}
    for text in texts:
        key, sign, value = text.partition("=")
        if not sign:
            raise SettingsInvalid(f"--set {text!r} has no `=`; expected KEY=VALUE")
        changes[key.strip()] = value.strip()
    return changes


def ablate_command(
    run: OfRun,
    *,
    variants: Annotated[
        Path | None,
        typer.Option(
            help="A TOML file of what is changed, one variant after another; the one that ships unless given."
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Fits of each variant.")] = 3,
    device: Device = "cpu",
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", help="Set a key that all variants share, such as samples=24000."),
    ] = None,
    report: Annotated[
        bool, typer.Option("--report", help="Fit nothing: print what was found, as Markdown.")
    ] = False,
    against: Annotated[
        str,
        typer.Option(
            help="The variant that the others are compared with; `full`, or else the first, unless given."
        ),
    ] = "",
    threads: Threads = 2,
) -> None:
    """Fit the student again with one thing changed, over seeds, and say what each change does."""
    from models.training.ablation import (
        LEDGER,
        ablate,
        read_variants,
        shipped_variants,
        unfinished,
    )
    from models.training.ablation_report import ablation_report, read_ledger
    from models.training.pipeline import open_run, require_torch

    if not report:
        require_torch().set_num_threads(threads)
        wanted = read_variants(variants or shipped_variants(), changes_of(changes or ()))
        ablate(open_run(run, device=device), wanted, seeds=seeds)
        typer.echo(f"ledger: {run / LEDGER}", err=True)
    found = ablation_report(read_ledger(run), against=against, begun=unfinished(run))
    typer.echo(found, nl=False)


def search_command(
    config: Config,
    data: Data,
    *,
    out: Out,
    trials: Annotated[int, typer.Option(min=1, help="Trials in all, those done counted.")],
    samples: Annotated[
        int, typer.Option(min=0, help="Texts of each trial; 0 takes the config's.")
    ] = 0,
    heads: Annotated[
        list[str] | None,
        typer.Option(help="Train and judge this head alone; may be given again."),
    ] = None,
    device: Device = "cpu",
    changes: Changes = None,
    winner: Annotated[
        Path | None,
        typer.Option(
            help="Begin a run of the best settings in this folder, with all that needs no new training."
        ),
    ] = None,
    threads: Threads = 2,
) -> None:
    """Search settings of the student's last stage by development macro-F1; goes on where it was."""
    from models.training.branching import branch
    from models.training.config import read_config
    from models.training.pipeline import STUDENT, Run, train
    from models.training.searching import SEARCH_LEDGER, Search, require_optuna, search

    require_optuna()
    run = Run(out, read_config(config, changes_of(changes or ())), device)
    train(run, data, stages=[one for one in run.stages() if one != STUDENT], threads=threads)
    best = search(run, Search(trials, samples, tuple(heads or ())))
    settings = [f"student.fit.{key}={value:.4g}" for key, value in best.settings.items()]
    flags = " ".join(f"--set {setting}" for setting in settings)
    typer.echo(f"best: trial {best.number}, macro-F1 {best.macro_f1:.4f}; {flags}")
    typer.echo(f"ledger: {out / SEARCH_LEDGER}", err=True)
    if winner is None:
        typer.echo("next: give this command again with --winner FOLDER, to train it there")
        return
    settings = [*(changes or ()), *settings]
    begun = Run(winner, read_config(config, changes_of(settings)), device)
    typer.echo(f"begun: {winner} ({', '.join(branch(begun, out))})")
    typer.echo(f"next: {_train_line(begun, config=config, data=data, settings=settings)}")


def _train_line(run: "Run", *, config: Path, data: Path, settings: Sequence[str]) -> str:
    changes = [word for setting in settings for word in ("--set", setting)]
    places = ["--config", str(config), "--data", str(data), "--out", str(run.folder)]
    return shlex.join(["hubbub", "models", "train", *places, "--device", run.device, *changes])


def export_command(
    run: OfRun,
    out: Annotated[Path, typer.Option(help="Where the model's folder is written.")],
) -> None:
    """Write a run's network, tokenizer, manifest and card; fail when they disagree with the training framework."""
    from models.training.exporting import export

    manifest = export(run, out)
    size = sum((out / name).stat().st_size for name in manifest.files)
    typer.echo(f"exported: {out}, {size / 1e6:.1f} MB, heads {', '.join(manifest.labels)}")
