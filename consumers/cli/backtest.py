"""`hubbub alerts backtest`: what watches would have told of recorded events, before anyone subscribes to them.

In: watches in files, events in files or of the written scenario. Out: firings and near misses, a picture. Wires and
prints; decides nothing. No Kafka.
"""

import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from consumers.cli.options import AsJson, SettingsFile, settings_from
from consumers.cli.printing import print_json, safe, watched
from contracts.errors import InvalidInput, SourceInvalid
from contracts.settings import Settings

if TYPE_CHECKING:
    from consumers.alerting.deciding import Judged
    from consumers.alerting.watched import Watched
    from consumers.operations.backtesting import Backtest, Span, Trial
    from consumers.operations.curves import Curves
    from consumers.operations.recorded import Reading, Recording
    from contracts.events import Event
    from contracts.watches import Watch
    from models.protocols import TextScorer

# What one core scores of short texts, so that a person knows how long it may take.
TEXTS_A_SECOND = 350
# The scenario begins on a fixed day, so that it is the same each time.
SCENARIO_START = datetime(2026, 1, 5, tzinfo=UTC)


Watches = Annotated[
    list[Path],
    typer.Option(help="A file of watches as `hubbub watch apply` takes; may be repeated."),
]
Events = Annotated[
    list[Path] | None,
    typer.Option(help="JSON lines, plain or .gz; - is standard input; may be repeated."),
]
Written = Annotated[
    str | None, typer.Option(metavar="SEED[:SCALE]", help="In place of files: the written crisis.")
]
Map = Annotated[
    list[str] | None, typer.Option("--map", help="FIELD=path.in.row, such as text=tweet.")
]
Set = Annotated[
    list[str] | None, typer.Option("--set", help="FIELD=value for every row, such as lang=en.")
]
Only = Annotated[list[str] | None, typer.Option(help="Take rows with FIELD=value alone.")]
Model = Annotated[
    str | None,
    typer.Option(
        help="bundled, identity, a folder, the name of one under models.home, or hub:NAME."
    ),
]
Plot = Annotated[
    Path | None, typer.Option(metavar="PNG", help="Draw curves, what is usual, and what fired.")
]


def backtest(
    *,
    watch: Watches,
    events: Events = None,
    scenario: Written = None,
    map_: Map = None,
    set_: Set = None,
    only: Only = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Take so many events in all.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first bad row.")] = False,
    model: Model = None,
    plot: Plot = None,
    lang: Annotated[Literal["en", "zh"], typer.Option(help="Language of the sentences.")] = "en",
    settings_file: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """Run recorded events through the real stages: how often watches would have fired, when, how late."""
    from consumers.operations.backtesting import backtest_of, span_of
    from consumers.operations.curves import Bins, Curves
    from consumers.operations.recorded import Reading
    from models.registry import build_text_scorer, running_of

    if plot is not None:
        from consumers.operations.plotting import check_drawable

        check_drawable(plot)
    given = {"only_matching": True, **({} if model is None else {"model": model})}
    settings = settings_from(None, settings_file, score=given)
    scorer = build_text_scorer(
        settings.score.model, running=running_of(settings.score), home=settings.models.home,
        hub=settings.models, heads=settings.score.heads,
    )  # fmt: skip
    watches = _watches(watch, scorer, settings=settings)
    reading = Reading(map_ or (), set_ or (), only or (), limit, strict)
    recording = _recording(events or [], scenario, reading=reading)
    span = span_of(recording.events, pane_ms=settings.runtime.pane_s * 1000)
    curves = None if plot is None else Curves(Bins(*span), watches)
    trial = _tried(settings, watches, scorer=scorer, recording=recording, curves=curves)
    done = backtest_of(watches, trial, recording=recording, scorer=scorer, settings=settings)
    if as_json:
        print_json(done)
    else:
        _show(done, lang=lang)
    if plot is not None and curves is not None:
        _draw(done, curves, path=plot, span=span)


def _watches(paths: list[Path], scorer: "TextScorer", *, settings: Settings) -> "list[Watch]":
    from consumers.operations.rehearsing import watches_to_try

    return watches_to_try(paths, heads=scorer.labels, pane_s=settings.runtime.pane_s)


def _recording(paths: Sequence[Path], scenario: str | None, *, reading: "Reading") -> "Recording":
    from consumers.operations.recorded import Recording, read_recording

    if bool(paths) == (scenario is not None):
        raise InvalidInput(
            "name files with --events, or a scenario with --scenario; one of the two"
        )
    if scenario is None:
        return read_recording(paths, reading)
    return Recording(_written(scenario)[: reading.limit])


def _written(text: str) -> "list[Event]":
    from producers.sources.scenario.scenario import Scenario

    seed, colon, scale = text.partition(":")
    try:
        return list(
            Scenario(int(seed), start=SCENARIO_START, scale=float(scale) if colon else 1.0).events()
        )
    except ValueError as error:
        raise SourceInvalid(
            f"--scenario {text!r}: expected SEED or SEED:SCALE, such as 7 or 7:0.5"
        ) from error


def _tried(
    settings: Settings,
    watches: "list[Watch]",
    *,
    scorer: "TextScorer",
    recording: "Recording",
    curves: "Curves | None",
) -> "Trial":
    from consumers.operations.backtesting import Trial, span_of
    from consumers.operations.near_misses import NearMisses
    from consumers.operations.rehearsing import Listening, rehearse

    _say_how_long(len(recording.events))
    misses = NearMisses()

    def note(watched: "Watched", judged: "Judged") -> None:
        misses.take(watched, judged)
        if curves is not None:
            curves.take(watched, judged)

    rehearsed = rehearse(
        settings, watches, events=watched(recording.events, len(recording.events), "events"),
        scorer=scorer, listening=Listening(note, curves.hear if curves else None),
    )  # fmt: skip
    span = span_of(recording.events, pane_ms=settings.runtime.pane_s * 1000)
    return Trial(rehearsed, misses, span)


def _say_how_long(count: int) -> None:
    print(
        f"{count:,} events; scoring takes at most {count / TEXTS_A_SECOND:,.0f} s on one core"
        f" (about {TEXTS_A_SECOND} texts a second), less where no watch may want them; judging"
        " comes on top",
        file=sys.stderr,
    )


def _show(backtest: "Backtest", *, lang: Literal["en", "zh"]) -> None:
    from consumers.operations.backtest_pages import firing_lines, head_lines, near_lines, watch_line

    _tell(head_lines(backtest))
    for trial in backtest.watches:
        _tell(["", watch_line(trial)])
        for firing in trial.firings:
            _tell(f"  {line}" for line in firing_lines(firing, lang=lang))
        if trial.rules:
            _tell(f"  {line}" for line in ("nearly fired:", *near_lines(trial)))


def _tell(lines: Iterable[str]) -> None:
    for line in lines:
        typer.echo(safe(line))


def _draw(backtest: "Backtest", curves: "Curves", *, path: Path, span: "Span") -> None:
    from consumers.operations.panels import panels_of
    from consumers.operations.plotting import write_plot

    write_plot(panels_of(backtest, curves), path, span=span)
    print(f"{path}: drawn", file=sys.stderr)
