"""Judge a head on a labelled file.

In: paths and names from the command line. Out: figures for people or as JSON. Imports numpy and the registry only
inside the command.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import msgspec
import typer

from contracts.errors import InvalidInput

if TYPE_CHECKING:
    from contracts.settings import ModelSettings
    from models.evaluation.report import Evaluation
    from models.evaluation.rows import LabelledText, Rows
    from models.evaluation.summary import Figures
    from models.evaluation.tasks import Judgement, Question
    from models.protocols import TextScorer


Task = Annotated[
    str,
    typer.Argument(
        help="emotion, sentiment, topic, harm (or hate, offensive), irony, or a head of your own."
    ),
]
Data = Annotated[
    list[Path],
    typer.Option(help="JSON lines, plain or gzip, with `text` and a label; several are joined."),
]
Head = Annotated[
    str | None,
    typer.Option(
        help="The head that answers, the model's own or one of yours; TASK then only says how labels are read."
    ),
]
Field = Annotated[
    str | None,
    typer.Option(
        help="The field of the label: `label` unless given, or TASK where no row has that."
    ),
]
Renamed = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        help="THEIRS=OURS, or OURS+OURS where any may be meant, or THEIRS= to leave it out; may be repeated.",
    ),
]
Dialogue = Annotated[
    str | None,
    typer.Option(
        help="A field that names a dialogue: the rows of it before a row are its context."
    ),
]
WithContext = Annotated[
    bool, typer.Option("--context/--no-context", help="Let the model read the context.")
]
Baseline = Annotated[
    Path | None,
    typer.Option(help="A file to train TF-IDF with logistic regression on, shown beside."),
]
Errors = Annotated[int, typer.Option(min=0, help="Show so many of the surest mistakes.")]
Model = Annotated[
    str | None,
    typer.Option(
        help="`bundled`, a model's folder, its name under models.home, or hub:NAME; the setting score.model if left"
        " out."
    ),
]
Home = Annotated[
    Path | None,
    typer.Option(help="Where models and heads are kept; the setting models.home if left out."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


class Reading(NamedTuple):
    """Hold how files are read: the task, the label's field if given, the dialogue's field, whether context counts."""

    task: str
    field: str | None
    dialogue: str | None
    has_context: bool


class Yardstick(NamedTuple):
    """Hold the texts to train the classical baseline on, and the class of each of their labels."""

    texts: "list[LabelledText]"
    positions: dict[str, int]


def evaluate_command(
    task: Task,
    data: Data,
    *,
    head: Head = None,
    field: Field = None,
    rename: Renamed = None,
    dialogue: Dialogue = None,
    use_context: WithContext = True,
    baseline: Baseline = None,
    errors: Errors = 0,
    model: Model = None,
    home: Home = None,
    json: AsJson = False,
) -> None:
    """Score a labelled file and print how well a head answers, among the labels that the file has.

    A label of the file is found by its name or by a table of names (models/evaluation/LABELS.md), and may stand for
    several labels of the head: their probabilities are added, and the largest sum is the guess.

    A row needs `text` (or `title`); `title`, `context` and `lang` are used where present. A label is a string, a whole
    number or true or false. Rows with several labels, without a label, without text, or with a label that nothing
    stands for are left out and counted. A file that is damaged, is empty, or has fewer than two known classes is
    refused.
    """
    from models.evaluation.tasks import ask, evaluate, mistakes

    reading = Reading(task, field, dialogue, use_context)
    renamed = label_mapping(rename or [])
    rows = _read(data, reading)
    scorer = _scorer(model, home, head=head)
    question = ask(scorer, task, rows=rows, renamed=renamed, head=head)
    yardstick = _yardstick(baseline, reading, question=question, renamed=renamed)
    scorer.start()
    try:
        evaluation, judgement = evaluate(scorer, question, rows=rows)
    finally:
        scorer.close()
    surest = mistakes(judgement, question.sets, limit=errors)
    figures = _yardstick_figures(yardstick, judgement, question=question) if yardstick else None
    _show(msgspec.structs.replace(evaluation, errors=surest, baseline=figures), as_json=json)


def label_mapping(pairs: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return {theirs: ours} from `THEIRS=OURS[+OURS…]` words. Raises `InvalidInput` on another form.

    >>> label_mapping(["angry=anger", "not-hate=none+offensive", "odd="])
    {'angry': ('anger',), 'not-hate': ('none', 'offensive'), 'odd': ()}
    """
    mapping = {}
    for pair in pairs:
        # A name of theirs may hold a =, none of ours does.
        theirs, equals, ours = pair.rpartition("=")
        parts = tuple(part.strip() for part in ours.split("+")) if ours.strip() else ()
        if not equals or not theirs.strip() or not all(parts):
            raise InvalidInput(
                f"--map {pair!r} is not THEIRS=OURS, such as angry=anger or not-hate=none+offensive"
            )
        mapping[theirs.strip()] = parts
    return mapping


def _read(paths: Sequence[Path], reading: Reading) -> "Rows":
    from models.evaluation.records import read_records
    from models.evaluation.rows import Fields, label_field, read_labelled

    records = [record for path in paths for record in read_records(path)]
    field = reading.field or label_field(records, reading.task)
    fields = Fields(field, dialogue=reading.dialogue, has_context=reading.has_context)
    try:
        return read_labelled(records, fields)
    except InvalidInput as error:
        raise InvalidInput(f"{', '.join(map(str, paths))}: {error}") from error


def _scorer(model: str | None, home: Path | None, *, head: str | None) -> "TextScorer":
    """Return the scorer, with `head` beside its own where it is not one of them."""
    from contracts.settings import load
    from models.registry import build_text_scorer

    settings = load()
    name, kept_in = model or settings.score.model, home or settings.models.home
    plain = build_text_scorer(name, home=kept_in, hub=settings.models)
    if head is None:
        return plain
    if head in plain.labels:
        _check_alone(head, name, home=kept_in, settings=settings.models)
        return plain
    return build_text_scorer(name, home=kept_in, hub=settings.models, heads=(head,))


def _check_alone(head: str, model: str, *, home: Path, settings: "ModelSettings") -> None:
    """Refuse a head of the model's own whose name another head has too."""
    from models.heads.storage import heads_home, known_names
    from models.hub.shelf import PREFIX

    others = []
    if head in settings.hub and model != PREFIX + head:
        others.append(
            f"the table [models.hub.{head}] of the settings (--model {PREFIX}{head} judges it)"
        )
    if head in known_names(home):
        others.append(f"your own in {heads_home(home) / head} (fit it again under another name)")
    if others:
        raise InvalidInput(
            f"--head {head!r}: {model} has a head of that name, as has {' and '.join(others)}; for the model's own,"
            " name it as TASK, without --head"
        )


def _yardstick(
    path: Path | None,
    reading: Reading,
    *,
    question: "Question",
    renamed: dict[str, tuple[str, ...]],
) -> Yardstick | None:
    """Read the file to train the yardstick on before the model runs: what is wrong with it is told at once."""
    from models.evaluation.baseline import check_installed
    from models.evaluation.tasks import positions_for

    if path is None:
        return None
    check_installed()
    rows = _read([path], reading)
    return Yardstick(rows.texts, positions_for(question, rows, renamed=renamed))


def _yardstick_figures(
    yardstick: Yardstick, judgement: "Judgement", *, question: "Question"
) -> "Figures":
    from models.evaluation.baseline import baseline_shares
    from models.evaluation.summary import summarise

    names = [each.name for each in question.sets.classes]
    shares = baseline_shares(
        yardstick.texts, judgement.texts, positions=yardstick.positions, classes=len(names)
    )
    return summarise(judgement.true, shares, names=names)


def _show(evaluation: "Evaluation", *, as_json: bool) -> None:
    if as_json:
        typer.echo(msgspec.json.encode(evaluation))
        return
    from rich.console import Console

    from models.cli.evaluation_tables import tables

    Console().print(*tables(evaluation), sep="\n")
