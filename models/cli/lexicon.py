"""Build the emotion lexicon, and judge it.

In: the folder of the data sets. Out: a lexicon file, or figures. Imports numpy and the data's readers inside the
commands.
"""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(name="lexicon", help="Build and judge the emotion lexicon.", no_args_is_help=True)


@app.command("build")
def build_command(
    data: Annotated[
        Path, typer.Option(help="The folder of the data sets that sources.toml names.")
    ],
    out: Annotated[Path, typer.Option(help="The file to write, tab-separated.")],
) -> None:
    """Count the labelled texts and write what each word says (a minute, one core)."""
    from models.lexicon.building import build, remarks
    from models.lexicon.counting import read_table
    from models.lexicon.entries import check_place, write_entries

    check_place(out)
    table = read_table()
    entries = build(table, data)
    write_entries(entries, out, remarks=remarks(table))
    words = len({(entry.word, entry.lang) for entry in entries})
    typer.echo(f"written: {out}, {words} words, {out.stat().st_size / 1e3:.0f} kB")


@app.command("judge")
def judge_command(
    data: Annotated[
        Path, typer.Option(help="The folder of the data sets that sources.toml names.")
    ],
    *,
    file: Annotated[
        Path | None, typer.Option(help="Another lexicon than the one that ships.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Guess the labels of development texts by the lexicon alone, with and without negation and degree."""
    import msgspec

    from models.lexicon.judging import judge
    from models.lexicon.matching import Lexicon

    verdicts = judge(Lexicon.load(file), data)
    if json:
        typer.echo(msgspec.json.encode({"verdicts": verdicts}))
        return
    table = Table("file", "texts", "speaks", "majority", "words alone", "with negation, degree")
    for verdict in verdicts:
        pairs = (verdict.majority, verdict.words_alone, verdict.whole)
        cells = [f"{pair.accuracy:.3f} / {pair.macro_f1:.3f}" for pair in pairs]
        table.add_row(verdict.file, str(verdict.texts), f"{verdict.speaks:.2f}", *cells)
    Console().print(table)
    typer.echo("accuracy / macro-F1")
