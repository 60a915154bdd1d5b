"""The written crisis through the real stages: which planted turns are found, how late, and what is alarmed in peace.

    python -m tests.bench.bench_alerts --seeds 101-120 --quiet 201-205 --scale 10

Each seed is a crisis of its own, after a quiet day and a half; each quiet seed is three days without any turn. A turn
for the worse is found where an alert of its storyline's watches fires already, or fires or comes back before the next
turn of the same storyline. Its delay is told in minutes, from the turn to the end of the window that fired; 0 where one
fires already. Alarms before the first turn, and any on quiet days, are false. Watches and rules are the scenario's own.
"""

import argparse
import statistics
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import msgspec

from consumers.operations.rehearsing import rehearse
from contracts.alerts import AlertTransition
from contracts.settings import load
from models.protocols import TextInput, TextScorer, TextScores
from models.registry import build_text_scorer
from producers.sources.scenario.scenario import Scenario, Turn
from producers.sources.scenario.watches import scenario_watches

START = datetime(2026, 3, 2, tzinfo=UTC)
QUIET_DAYS = 1.5
WORSE = frozenset({"complaints", "surge", "news_wave", "backlog"})
TELLING = frozenset({"fired", "reopened"})
WATCHES = {
    "norvia": {"norvia", "norvia-danger", "norvia-support"},
    "larkpost": {"larkpost"},
}


class Found(msgspec.Struct, frozen=True):
    """Hold one planted turn and after how many minutes it was told; None where it never was."""

    storyline: str
    kind: str
    delay_min: float | None


class Told(msgspec.Struct, frozen=True):
    """Hold what came of one seed."""

    seed: int
    events: int
    quiet_days: float
    false_alarms: tuple[str, ...]
    found: tuple[Found, ...] = ()


class Remembering:
    """Answer a text that came before from memory: crowds repeat themselves, and scores depend on the text alone."""

    def __init__(self, scorer: TextScorer) -> None:
        self._scorer = scorer
        self._known: dict[TextInput, TextScores] = {}

    def __getattr__(self, name: str) -> object:
        return getattr(self._scorer, name)

    def score_batch(self, texts: Sequence[TextInput]) -> list[TextScores]:
        new = list(dict.fromkeys(text for text in texts if text not in self._known))
        self._known |= zip(new, self._scorer.score_batch(new), strict=True)
        return [self._known[text] for text in texts]


def main() -> None:
    given = _arguments()
    with ProcessPoolExecutor(given.processes) as pool:
        jobs = [
            pool.submit(told, seed, given.scale, given.hours, quiet)
            for quiet, seeds in ((False, given.seeds), (True, given.quiet))
            for seed in seeds
        ]
        results = []
        for job in jobs:
            results.append(job.result())
            print(msgspec.json.encode(results[-1]).decode(), file=sys.stderr, flush=True)
    for line in summary(results):
        print(line)


def told(seed: int, scale: float, hours: float, quiet: bool) -> Told:
    """Run one seed."""
    days = 3 if quiet else QUIET_DAYS
    scenario = Scenario(seed, start=START, quiet_days=days, scale=scale, without_turn=quiet)
    end = scenario.span.turn if quiet else scenario.span.turn + timedelta(hours=hours)
    events = (event for event in scenario.events() if event.observed_at < end)
    scorer = Remembering(build_text_scorer("bundled"))
    result = rehearse(load(), scenario_watches(), events=events, scorer=scorer)  # type: ignore[arg-type]
    turns = [turn for turn in scenario.turns() if turn.at < end]
    begins = turns[0].at if turns else end
    steps = result.transitions
    false = [step for step in steps if step.change == "fired" and step.at < begins]
    return Told(
        seed,
        result.events,
        days,
        tuple(f"{step.at:%d %H:%M} {step.rule}: {step.says.get('en', '')}" for step in false),
        tuple(_found(turns, steps)),
    )


def _found(turns: Sequence[Turn], steps: Sequence[AlertTransition]) -> Iterator[Found]:
    for storyline, watches in WATCHES.items():
        own = [turn for turn in turns if turn.storyline == storyline]
        if not own:
            continue
        ends = [later.at for _, later in pairwise(own)] + [datetime.max.replace(tzinfo=UTC)]
        for turn, end in zip(own, ends, strict=True):
            if turn.kind in WORSE:
                mine = [step for step in steps if step.watch in watches and step.at <= end]
                yield Found(storyline, turn.kind, _delay_min(turn, mine))


def _delay_min(turn: Turn, steps: Sequence[AlertTransition]) -> float | None:
    """Return after how many minutes a turn was told, None where it never was."""
    firing: set[str] = set()
    for step in steps:
        if step.change in TELLING and step.at > turn.at:
            return (step.at - turn.at).total_seconds() / 60
        if step.change in TELLING:
            firing.add(step.alert)
        elif step.state == "resolved":
            firing.discard(step.alert)
        if step.at > turn.at and firing:
            return 0.0
    return None


def summary(results: Sequence[Told]) -> Iterator[str]:
    """Yield the table."""
    every = [found for result in results for found in result.found]
    yield "| turn | found | delay in minutes, median | 90 % within |"
    yield "|---|---|---|---|"
    for kind in dict.fromkeys(found.kind for found in every):
        yield _row(kind, [found for found in every if found.kind == kind])
    yield _row("all", every)
    days = sum(result.quiet_days for result in results)
    alarms = [alarm for result in results for alarm in result.false_alarms]
    yield f"false alarms: {len(alarms)} in {days:.0f} quiet days, {len(alarms) / days:.3f} a day {alarms[:8]}"
    yield f"events: {sum(result.events for result in results):,}"


def _row(kind: str, found: Sequence[Found]) -> str:
    delays = sorted(item.delay_min for item in found if item.delay_min is not None)
    if not delays:
        return f"| {kind} | 0 of {len(found)} | | |"
    ninth = delays[min(len(delays) - 1, int(0.9 * len(delays)))]
    return f"| {kind} | {len(delays)} of {len(found)} | {statistics.median(delays):.1f} | {ninth:.1f} |"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=_range, default="101-120")
    parser.add_argument("--quiet", type=_range, default="201-205")
    parser.add_argument("--scale", type=float, default=10)
    parser.add_argument("--hours", type=float, default=6, help="after the first turn")
    parser.add_argument("--processes", type=int, default=2)
    return parser.parse_args()


def _range(text: str) -> list[int]:
    first, _, last = text.partition("-")
    return list(range(int(first), int(last or first) + 1)) if first else []


if __name__ == "__main__":
    main()
