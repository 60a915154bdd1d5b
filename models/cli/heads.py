"""Teach the models labels of your own: fit a head, and be asked for the labels that would teach most.

In: files, names and answers from the command line. Out: a head under `<models.home>/heads`, labelled lines in a file.
Imports numpy and the registry only inside the commands.
"""

import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from contracts.errors import InvalidInput

if TYPE_CHECKING:
    from models.heads.answers import AnswerFile
    from models.heads.encoding import EncodedTexts, Encoder
    from models.heads.labelling import Guesses
    from models.heads.manifest import HeadFigures
    from models.heads.teaching import Taught

Name = Annotated[str, typer.Option("--name", help="The head's name, such as support-intents.")]
Model = Annotated[
    str | None, typer.Option(help="The encoder; the setting score.model if left out.")
]
Home = Annotated[
    Path | None, typer.Option(help="Where heads are kept; the setting models.home if left out.")
]
SHOWN_LABELS = 10
SHOWN_CHARACTERS = 80


def fit_head_command(
    data: Annotated[Path, typer.Option(help="A .jsonl or .jsonl.gz file with `text` and a label.")],
    name: Name,
    *,
    field: Annotated[str, typer.Option(help="The field that holds the label.")] = "label",
    out_of_scope_label: Annotated[
        str | None, typer.Option(help="Rows with this label belong to none of the others.")
    ] = None,
    out_of_scope: Annotated[
        Path | None, typer.Option(help="A file of texts that belong to no label (.jsonl, .txt).")
    ] = None,
    keep: Annotated[
        float,
        typer.Option(
            min=0.5, max=1.0, help="Share of right answers that abstaining must not cost."
        ),
    ] = 0.99,
    folds: Annotated[int, typer.Option(min=2, max=20, help="Parts of the cross-validation.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Of the cross-validation's parts.")] = 7,
    model: Model = None,
    home: Home = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Fit a head of your own labels, judge it by cross-validation, and keep it (needs the extra `torch`)."""
    from models.heads.examples import read_examples
    from models.heads.linear import check_installed
    from models.heads.manifest import check_head_name
    from models.heads.storage import check_home
    from models.heads.teaching import FitOptions, teach

    check_head_name(name)
    check_installed()
    examples = read_examples(
        data, field=field, strange_label=out_of_scope_label, strange_file=out_of_scope
    )
    options = FitOptions(name, folds=folds, seed=seed, keep=keep)
    with _encoder(model, home, name=name) as (encoder, kept_in):
        check_home(kept_in)
        taught = teach(examples, encoder, options=options, home=kept_in, tell=_tell)
    typer.echo("", err=True)
    _tell_replaced(taught)
    if json:
        typer.echo(msgspec.json.encode(taught.stored.manifest))
        return
    _show(taught)
    given = {"HUBBUB_MODELS_HOME": home, "HUBBUB_SCORE_MODEL": model, "HUBBUB_SCORE_HEADS": name}
    typer.echo(f"  {' '.join(_given(given, between='='))} hubbub score")


def label_command(
    texts: Annotated[Path, typer.Option(help="The texts to choose from: .jsonl, .jsonl.gz, .txt.")],
    head: Annotated[str, typer.Option(help="The head; it may not be there yet.")],
    *,
    out: Annotated[
        Path | None, typer.Option(help="The file of answers; HEAD.labels.jsonl if left out.")
    ] = None,
    model: Model = None,
    home: Home = None,
) -> None:
    """Ask for the labels that would teach the head most; answers are kept one by one, and a next sitting goes on."""
    from models.heads.answers import AnswerFile
    from models.heads.examples import read_texts
    from models.heads.labelling import Session, Terminal
    from models.heads.manifest import check_head_name

    check_head_name(head)
    file = AnswerFile(out or Path(f"{head}.labels.jsonl"))
    _tell_cut_off(file)
    found = [text for text in read_texts(texts) if text.text.strip() or text.title.strip()]
    if not found:
        raise InvalidInput(f"{texts} has no text to ask about")
    with _encoder(model, home, name=head) as (encoder, kept_in):
        encoded = encoder.encode(found, tell=lambda done: _tell(f"reading texts, {done:,}"))
        before = encoder.encode([answer.input for answer in file.answers]).lines
        guesses = _guesses(head, encoded, encoder=encoder, home=kept_in)
    typer.echo("", err=True)
    session = Session(
        found, encoded, file=file, guesses=guesses, terminal=Terminal(_ask, typer.echo)
    )
    session.answered_before(before)
    added = session.run()
    typer.echo(f"\n{added} answers added to {file.path}, {len(file.answers)} in all; next:")
    given: dict[str, object] = {"--data": file.path, "--name": head, **_strange_option(file)}
    given |= {"--model": model, "--home": home}
    typer.echo(f"  hubbub models fit-head {' '.join(_given(given))}")


def _given(values: Mapping[str, object], *, between: str = " ") -> Iterator[str]:
    """Yield what was given as a shell reads it: a next step must find the same model and folder."""
    for name, value in values.items():
        if value is not None:
            yield f"{name}{between}{shlex.quote(str(value))}"


@contextmanager
def _encoder(
    model: str | None, home: Path | None, *, name: str
) -> Iterator[tuple["Encoder", Path]]:
    """Give a started encoder and the folder of models; what is not given comes from the settings.

    Raises `InvalidInput` where no head beside that encoder can be called `name`.
    """
    from contracts.settings import load
    from models.heads.encoding import Encoder
    from models.heads.manifest import check_head_name

    settings = load()
    kept_in = settings.models.home if home is None else home
    encoder = Encoder(model or settings.score.model, home=kept_in, hub=settings.models)
    check_head_name(name, taken=encoder.heads, tables=settings.models.hub)
    encoder.start()
    try:
        yield encoder, kept_in
    finally:
        encoder.close()


def _guesses(
    head: str, encoded: "EncodedTexts", *, encoder: "Encoder", home: Path
) -> "Guesses | None":
    """Return what the head says of the texts; None where there is no such head yet."""
    from models.heads.head import open_own_head
    from models.heads.labelling import Guesses
    from models.heads.storage import known_names, read_head

    if head not in known_names(home):
        return None
    own = open_own_head(
        read_head(home, head),
        model_name=encoder.model_name,
        model_version=encoder.model_version,
    )
    own.start()
    return Guesses(own.labels, own.shares(encoded.pooled, encoded.lines))


def _strange_option(file: "AnswerFile") -> dict[str, str]:
    from models.heads.labelling import OUT_OF_SCOPE

    has_strange = any(answer.label == OUT_OF_SCOPE for answer in file.answers)
    return {"--out-of-scope-label": OUT_OF_SCOPE} if has_strange else {}


def _ask(prompt: str) -> str | None:
    """Return the line that the person types, None at the end of input."""
    typer.echo(prompt, nl=False)
    try:
        line = sys.stdin.readline()
    except UnicodeDecodeError:
        return ""
    return line.rstrip("\n") if line else None


def _tell(words: str) -> None:
    """Show how far it is, on one line of a terminal; programs that read our output see nothing of it."""
    if sys.stderr.isatty():
        typer.echo(f"\r{words:<60}", nl=False, err=True)


def _tell_cut_off(file: "AnswerFile") -> None:
    from models.evaluation.printable import printable

    if file.cut_off:
        typer.echo(
            f"the last line of {file.path} was cut off and does not count; the next answer takes its place: "
            f"{printable(file.cut_off[:SHOWN_CHARACTERS])}",
            err=True,
        )


def _tell_replaced(taught: "Taught") -> None:
    """Say on stderr that a head of the same name is gone, where it was another: it had other labels."""
    from models.evaluation.printable import printable

    name, labels = taught.stored.manifest.name, taught.replaced
    if labels is None or labels == taught.stored.manifest.labels:
        return
    more = f" and {len(labels) - SHOWN_LABELS} more" if len(labels) > SHOWN_LABELS else ""
    words = f"with labels {', '.join(map(printable, labels[:SHOWN_LABELS]))}{more}"
    typer.echo(f"replaced a head {name} {words if labels else 'that could not be read'}", err=True)


def _show(taught: "Taught") -> None:
    manifest, left_out = taught.stored.manifest, taught.distinct
    figures, console = manifest.figures, Console()
    typer.echo(
        f"head {manifest.name}: {len(manifest.labels)} labels, {len(left_out.positions):,} texts, "
        f"{manifest.settings['grams']:,.0f} n-grams, on {manifest.model_name} {manifest.model_version}"
    )
    typer.echo(
        f"left out: {left_out.repeated} repeated, {left_out.conflicting} with a second label"
        f"{f' ({left_out.first_conflict})' if left_out.conflicting else ''}, {taught.empty} without text"
    )
    if taught.strange:
        typer.echo(f"out of scope: {taught.strange:,} rows belong to no label")
    if figures is None:
        typer.echo("too few examples to judge it: give each label two or more")
    else:
        console.print(_figures_table(figures, taught.strange))
        console.print(_labels_table(figures))
    typer.echo(f"abstains in languages other than {', '.join(manifest.languages)}")
    typer.echo(f"abstains above entropy {manifest.entropy_limit:.4f}: {manifest.limit_rule}")
    size = sum(file.stat().st_size for file in taught.stored.folder.iterdir())
    typer.echo(f"kept in {taught.stored.folder}, {size / 1e6:.1f} MB; serve it with:")


def _figures_table(figures: "HeadFigures", strange: int) -> Table:
    """Return the figures; half of the `strange` texts chose the limit, the recall is of the other half."""
    table = Table("in cross-validation", "value")
    for name, value in msgspec.structs.asdict(figures).items():
        if name not in {"labels", "out_of_scope_recall"}:
            table.add_row(name, f"{value:.4f}" if isinstance(value, float) else f"{value:,}")
    if figures.out_of_scope_recall is not None:
        table.add_row(
            f"out_of_scope_recall ({strange // 2} texts)", f"{figures.out_of_scope_recall:.4f}"
        )
    return table


def _labels_table(figures: "HeadFigures") -> Table:
    """Return the labels' figures, the weakest first; the manifest has them all."""
    weakest = sorted(figures.labels.items(), key=lambda item: (item[1].f1, item[0]))
    shown = weakest[:SHOWN_LABELS]
    title = "labels" if len(shown) == len(weakest) else f"the {len(shown)} weakest labels"
    table = Table(title, "rows", "precision", "recall", "F1")
    for label, each in shown:
        numbers = (f"{value:.3f}" for value in (each.precision, each.recall, each.f1))
        table.add_row(escape(label), str(each.rows), *numbers)
    return table
