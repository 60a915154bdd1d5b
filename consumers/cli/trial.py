"""`hubbub watch test`: why a text matches a query, or why it does not.

In: a stored watch or a query, and a text. Out: the query's tree with the truth of each part; exit code 0 where it
matches, 1 where it does not.
"""

from typing import Annotated

import msgspec
import typer

from consumers.cli.options import Bootstrap, SettingsFile, settings_from
from contracts.errors import WatchInvalid
from contracts.settings import Settings
from contracts.watches import Watch
from models.protocols import TextInput, TextScores


def try_text(
    name: Annotated[str | None, typer.Argument(help="A stored watch; or give --query.")] = None,
    *,
    text: Annotated[str, typer.Option("--text", "-t", help="The text to try.")],
    query: Annotated[str | None, typer.Option("--query", "-q", help="A query to try.")] = None,
    event: Annotated[
        str, typer.Option(help='More of the event as JSON, e.g. \'{"kind":"news","lang":"en"}\'.')
    ] = "{}",
    with_scores: Annotated[
        bool, typer.Option("--scores/--no-scores", help="Ask the model for emotion and the like.")
    ] = True,
    tenant: Annotated[str, typer.Option(help="Whose watch it is.")] = "default",
    as_json: Annotated[bool, typer.Option("--json", help="Write the tree as JSON.")] = False,
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
) -> None:
    """Show why a text does or does not match, part by part."""
    from consumers.operations.labels import known_heads
    from consumers.scoring.chinese import Lexicon
    from consumers.scoring.explaining import explain, lines
    from consumers.scoring.matching import compile_watch
    from consumers.scoring.views import MatchInput

    settings = settings_from(bootstrap, settings_file)
    asked = query or _stored(settings, f"{tenant}/{_named(name)}").query
    watch = compile_watch("test", asked, heads=known_heads(settings))
    try:
        given = msgspec.convert(msgspec.json.decode(event) | {"text": text}, MatchInput)
    except (msgspec.DecodeError, TypeError) as error:
        raise WatchInvalid(f"--event {event!r}: {error}; expected a JSON object") from error
    answer = _scored(settings, text) if with_scores else None
    clause = explain(
        watch,
        given,
        lexicon=Lexicon.load(),
        scores=answer.heads if answer else None,
        lang=answer.lang if answer else None,
    )
    if as_json:
        typer.echo(msgspec.json.encode(clause).decode())
    else:
        for line in lines(clause):
            typer.echo(line)
    raise typer.Exit(0 if clause.truth else 1)


def _named(name: str | None) -> str:
    if name is None:
        raise WatchInvalid("name a stored watch, or give a query with --query")
    return name


def _stored(settings: Settings, key: str) -> Watch:
    from consumers.operations.watch_store import WatchStore

    store = WatchStore(settings)
    store.start()
    try:
        return store.get(key)
    finally:
        store.close()


def _scored(settings: Settings, text: str) -> TextScores:
    from models.registry import build_text_scorer

    scorer = build_text_scorer(
        settings.score.model,
        home=settings.models.home,
        hub=settings.models,
        heads=settings.score.heads,
    )
    scorer.start()
    try:
        return scorer.score_batch([TextInput(text=text)])[0]
    finally:
        scorer.close()
