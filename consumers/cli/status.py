"""`hubbub status`: do the books balance, how far behind are we, who is working.

In: flags and settings. Out: tables or one JSON document, and an exit code: 0 where every balance is zero, else 1.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from consumers.cli.options import AsJson, Bootstrap, SettingsFile, settings_from
from consumers.cli.printing import print_json, print_table, watched

if TYPE_CHECKING:
    from consumers.operations.status import LetterStatus, StageStatus, Status, TopicStatus

Deep = Annotated[
    bool, typer.Option("--deep", help="Count dead letters and outputs by reading all of them.")
]


def status(
    *,
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
    as_json: AsJson = False,
    deep: Deep = False,
) -> None:
    """Show how things stand: books, lag, workers, dead letters; ends with 1 where a balance is not zero."""
    from consumers.operations.status import read_status

    found = read_status(settings_from(bootstrap, settings_file), deep=deep, watch=watched)
    if as_json:
        print_json(found)
    else:
        _print(found)
    if any(item.balance for stage in found.stages for item in stage.inputs):
        raise typer.Exit(1)


def _print(found: "Status") -> None:
    print_table(
        ("stage", "in", "result", "dead", "dropped", "balance", "lag", "workers", "state"),
        [_stage_cells(stage) for stage in found.stages],
        right="in result dead balance lag workers",
    )
    typer.echo()
    for stage in found.stages:
        for line in _remarks(stage):
            typer.echo(line)
    typer.echo(_letters_line(found.dead_letters))
    for topic in found.topics:
        typer.echo(_topic_line(topic))


def _stage_cells(stage: "StageStatus") -> list[str]:
    dropped = sum(stage.dropped.values())
    policies = ", ".join(f"{name} {count:,}" for name, count in stage.dropped.items())
    return [
        stage.stage,
        f"{stage.taken:,}",
        f"{stage.result:,}",
        f"{stage.dead:,}",
        f"{dropped:,}" + (f" ({policies})" if policies else ""),
        f"{stage.balance:,}",
        str(stage.lag),
        str(len(stage.workers)),
        f"{stage.state}, {'ready' if stage.ready else 'not ready'}",
    ]


def _remarks(stage: "StageStatus") -> Iterable[str]:
    read = sum(item.taken > 0 for item in stage.inputs)
    yield f"{stage.group}: {len(stage.inputs)} partitions, {read} of them have given records"
    for worker in stage.workers:
        yield f"worker {worker.client} at {worker.host}: {worker.partitions} partitions"
    for item in stage.inputs:
        place = f"{item.topic}:{item.partition}"
        if item.balance:
            yield f"NOT BALANCED {place}: {item.balance:+,} records unaccounted for"
        if item.expired:
            yield f"LOST {place}: retention removed up to {item.expired:,} records before they were read"


def _letters_line(letters: "LetterStatus") -> str:
    codes = ", ".join(f"{code} {count:,}" for code, count in letters.by_code.items())
    told = f"dead letters: {letters.waiting} waiting" + (f" ({codes})" if codes else "")
    if not letters.waiting.exact:
        return f"{told}; --deep reads and counts them"
    return f"{told}, {letters.retried:,} put back"


def _topic_line(topic: "TopicStatus") -> str:
    if topic.by_type is None:
        return f"{topic.topic}: {topic.records} records"
    kinds = ", ".join(f"{kind or 'untyped'} {count:,}" for kind, count in topic.by_type.items())
    return f"{topic.topic}: {topic.records} records" + (f" ({kinds})" if kinds else "")
