"""`hubbub bench text`: how fast the service is beside what one would write by hand, on this machine.

In: flags. Out: a table, or JSON. Wires; decides nothing.
"""

import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

# Of more records a loop by hand does not end in the time that a turn may take.
MOST_ROUNDS, MOST_RECORDS, MOST_SECONDS = 100, 20_000, 600

app = typer.Typer(
    no_args_is_help=True, help="Measure on this machine, always beside something else."
)


@app.callback()
def shared() -> None:
    """Measure on this machine, always beside something else."""


@app.command()
def text(
    *,
    data: Annotated[
        list[Path] | None,
        typer.Option(
            help="JSON lines with `text` or `title`, rows without passed over; else the written crisis's texts."
        ),
    ] = None,
    rounds: Annotated[
        int, typer.Option(min=1, max=MOST_ROUNDS, help="Turns of each arm; 5 for a figure.")
    ] = 5,
    records: Annotated[
        int, typer.Option(min=50, max=MOST_RECORDS, help="Records of a turn of one process.")
    ] = 3000,
    seconds: Annotated[
        int, typer.Option(min=1, max=MOST_SECONDS, help="Time at each rate of a latency run.")
    ] = 12,
    pipelines: Annotated[
        bool, typer.Option(help="Measure transformers' pipelines too; needs the extra `torch`.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")] = False,
) -> None:
    """Measure the score stage beside loops by hand, the bare network and itself, on one broker in one run.

    Nothing else should run: 25 minutes.
    """
    from consumers.cli.printing import print_json
    from deploy.bench.measuring import measure
    from deploy.bench.plan import Plan
    from deploy.bench.report import lines_of
    from deploy.bench.texts import distinct_texts
    from deploy.kafka.node import KafkaNode

    plan = Plan(rounds, records, seconds, pipelines)
    # No turn goes through more; a latency run that does repeats them.
    texts = distinct_texts(4 * records, files=data or ())

    def tell(words: str) -> None:
        print(words, file=sys.stderr, flush=True)

    with (
        tempfile.TemporaryDirectory() as folder,
        KafkaNode(Path(folder) / "kafka", port=0) as node,
    ):
        report = measure(texts, plan=plan, bootstrap=node.bootstrap, tell=tell)
    if as_json:
        print_json(report)
        return
    print("\n".join(lines_of(report)))


@app.command()
def start(
    *,
    rounds: Annotated[int, typer.Option(min=1, max=MOST_ROUNDS, help="Starts of each kind.")] = 3,
    records: Annotated[
        int,
        typer.Option(
            min=50, max=MOST_RECORDS, help="Texts scored before memory is looked at again."
        ),
    ] = 1000,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")] = False,
) -> None:
    """Measure how long a score worker takes to be ready, and how much memory it holds."""
    from consumers.cli.printing import print_json
    from deploy.bench.starting import measure_starts
    from deploy.bench.texts import distinct_texts
    from deploy.kafka.node import KafkaNode

    with (
        tempfile.TemporaryDirectory() as folder,
        KafkaNode(Path(folder) / "kafka", port=0) as node,
    ):
        found = measure_starts(distinct_texts(records), rounds=rounds, bootstrap=node.bootstrap)
    if as_json:
        print_json(found)
        return
    print(f"ready after {found.cold_s} s cold, {found.warm_s} s warm")
    print(f"{found.ready_mb} MB when ready, {found.working_mb} MB after {records:,} texts")
