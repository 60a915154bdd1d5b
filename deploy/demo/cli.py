"""`hubbub demo`: everything at once, on this machine, from an empty folder to a balance of zero.

In: a seed and a speed. Out: a live table of watches, and a summary; exit code 0 only where the balance is zero. Runs
the same commands a user would, against an embedded Kafka that is gone afterwards.
"""

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table

from contracts.settings import load
from contracts.watches import Watch

if TYPE_CHECKING:
    from deploy.demo.steps import Steps

IDLE_S = 3
FRAMES = 8
_OUT = Console()


def demo(
    *,
    seed: Annotated[int, typer.Option(help="Which crisis; one seed always tells the same.")] = 7,
    speed: Annotated[str, typer.Option(help="x20000, or max: as fast as it goes.")] = "x16000",
    quiet_days: Annotated[int, typer.Option(min=0, help="Days before the turn.")] = 3,
    workers: Annotated[int, typer.Option(min=1, help="Score workers.")] = 1,
) -> None:
    """Start Kafka and every stage, replay a written crisis, and watch it unfold."""
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="hubbub-demo-") as name,
        _broker(Path(name)) as bootstrap,
    ):
        _say(began, f"Apache Kafka is up on {bootstrap}")
        with _steps(Path(name), bootstrap) as steps:
            watches = _prepare(steps, Path(name))
            _say(began, f"topics made, {len(watches)} watches stored; the crisis begins")
            steps.start("up", "up", "--workers", str(workers), "--until-idle", str(IDLE_S))
            steps.start(
                "scenario", "produce", "scenario", "--seed", str(seed), "--speed", speed,
                "--quiet-days", str(quiet_days),
            )  # fmt: skip
            mentions = _watch_it(steps, bootstrap, watches=watches)
            status = json.loads(steps.run("status", "--json"))
    _summarise(status, mentions=mentions, seconds=time.monotonic() - began)
    raise typer.Exit(0 if is_balanced(status) else 1)


def is_balanced(status: dict[str, Any]) -> bool:
    """Say whether something came in and every stage accounts for all of it."""
    return all(
        stage["in"] > 0 and stage["balance"] == 0 and stage["lag"]["records"] == 0
        for stage in status["stages"]
    )


@contextmanager
def _broker(folder: Path) -> Iterator[str]:
    from deploy.kafka.node import KafkaNode

    with KafkaNode(folder / "kafka", port=0) as node:
        yield node.bootstrap


@contextmanager
def _steps(folder: Path, bootstrap: str) -> Iterator["Steps"]:
    from deploy.demo.steps import Steps

    steps = Steps(folder, bootstrap)
    try:
        yield steps
    finally:
        steps.close()


def _prepare(steps: "Steps", folder: Path) -> list[Watch]:
    import msgspec

    steps.run("topics", "create")
    file = folder / "watches.json"
    file.write_text(steps.run("produce", "scenario", "--watches"), encoding="utf-8")
    steps.run("watch", "apply", str(file))
    return msgspec.json.decode(file.read_bytes(), type=list[Watch])


def _watch_it(steps: "Steps", bootstrap: str, *, watches: list[Watch]) -> int:
    """Draw mentions and alerts as they come until every stage has drained its input."""
    from deploy.demo.board import Board
    from deploy.demo.reading import Reader

    board = Board(watches)
    reader = Reader(load(flags={"kafka": {"bootstrap": bootstrap}}))
    try:
        with Live(board.render(_OUT.width), console=_OUT, refresh_per_second=FRAMES) as live:
            while steps.is_running("up") or steps.is_running("scenario"):
                for record in reader.read(200):
                    board.take(record)
                live.update(board.render(_OUT.width))
            for record in reader.read(1000):
                board.take(record)
            live.update(board.render(_OUT.width))
    finally:
        reader.close()
    return sum(counts.total for counts in board.counts.values())


def _summarise(status: dict[str, Any], *, mentions: int, seconds: float) -> None:
    table = Table(title=f"{mentions:,} mentions · {seconds:.0f} s in all")
    names = ("in", "result", "dead", "dropped", "balance", "lag")
    for name in ("stage", *names):
        table.add_column(name, justify="right")
    for stage in status["stages"]:
        dropped, lag = sum(stage["dropped"].values()), stage["lag"]["records"]
        figures = stage | {"dropped": dropped, "lag": lag}
        table.add_row(stage["stage"], *(f"{figures[name]:,}" for name in names))
    _OUT.print("", table)
    _OUT.print(
        "Every record that came in is accounted for."
        if is_balanced(status)
        else "Records are unaccounted for: the logs of `up` tell more."
    )


def _say(began: float, words: str) -> None:
    _OUT.print(f"[{time.monotonic() - began:5.1f} s] {words}", markup=False)
