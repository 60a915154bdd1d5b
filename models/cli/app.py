"""The command `hubbub models`: train a model, export it, judge it, and teach it labels of your own.

Out: the typer application that `hubbub.py` mounts. A file here holds the commands of one step; nothing heavy is
imported before a command runs, so that `--help` comes at once.
"""

import typer

from models.cli import lexicon
from models.cli.adapting import adapt_command
from models.cli.building import build_command
from models.cli.comparing import compare_command
from models.cli.evaluating import evaluate_command
from models.cli.heads import fit_head_command, label_command
from models.cli.likeness import likeness_command
from models.cli.training import (
    ablate_command,
    export_command,
    search_command,
    train_command,
)

app = typer.Typer(name="models", help="Train, export and judge the models.", no_args_is_help=True)
app.command("adapt")(adapt_command)
app.command("train")(train_command)
app.command("ablate")(ablate_command)
app.command("search")(search_command)
app.command("export")(export_command)
app.command("build")(build_command)
app.command("compare")(compare_command)
app.command("evaluate")(evaluate_command)
app.command("likeness")(likeness_command)
app.command("fit-head")(fit_head_command)
app.command("label")(label_command)
app.add_typer(lexicon.app)
