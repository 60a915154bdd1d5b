"""The whole measurement: the gate, the arms in turn, latency at shares of saturation, one report.

In: texts, a broker. Out: `Report`. First every arm must say what the service says, or nothing is timed.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from contracts.errors import ModelInvalid
from deploy.bench.latency import latencies_ms
from deploy.bench.machine import machine
from deploy.bench.raw import RawForward
from deploy.bench.running import Arm, Turn, take_turn
from deploy.bench.turns import Ratio, longest_within, order, percentile, ratio
from models.protocols import TextInput
from models.registry import build_text_scorer, locate_model, open_model

SHARES = (0.3, 0.5, 0.6, 0.7, 0.8)
QUANTILES = (0.5, 0.9, 0.99, 0.999)
LIMIT_MS = 250.0
# One pause of the machine decides the p99 of one pass; the median of three it does not.
LATENCY_PASSES = 3
REPEATED = 0.3
GATE_TEXTS = 200
# A few labels in a hundred lie so near a boundary that float32 and int8 differ.
LEAST_AGREEMENT = 0.95
RAW = "raw_forward"
Tell = Callable[[str], None]


class Plan(NamedTuple):
    """Say how much is measured."""

    rounds: int = 5
    records: int = 3000
    seconds: float = 12.0
    has_pipelines: bool = True


class Report(msgspec.Struct, frozen=True):
    """Hold everything that was measured: medians of the rounds, of latency those of the passes.

    Rates are records a second; the range of a ratio is that of its rounds.
    """

    ratios: dict[str, float]
    ranges: dict[str, tuple[float, float]]
    rates: dict[str, float]
    cpu_ms: dict[str, float]
    latency_ms: dict[str, dict[str, float]]
    agreement: dict[str, float]
    rounds: int
    texts: int
    environment: dict[str, str]


def measure(
    texts: Sequence[str], repeated: Sequence[str], *, plan: Plan, bootstrap: str, tell: Tell
) -> Report:
    """Run everything; raises ModelInvalid where an arm does not say what the service says."""
    agreement = gate(texts[:GATE_TEXTS], has_pipelines=plan.has_pipelines)
    tell(f"gate: {agreement}")
    arms = _arms(plan)
    turns: dict[str, list[Turn]] = {name: [] for name in arms}
    raw = RawForward(texts[: plan.records])
    for number, name in order(tuple(arms), plan.rounds):
        arm = arms[name]
        given = repeated if name == "repeats" else texts
        turn = (
            raw.turn()
            if name == RAW
            else take_turn(arm, given, bootstrap=bootstrap, prefix=f"bench.{name}.{number}.")
        )
        turns[name].append(turn)
        tell(
            f"round {number + 1}: {name} {turn.rate:,.1f} a second, {1000 * turn.cpu_s:.2f} ms CPU"
        )
    rates = {name: [turn.rate for turn in found] for name, found in turns.items()}
    passes = [
        _latency(number, texts, plan=plan, bootstrap=bootstrap, tell=tell)
        for number in range(LATENCY_PASSES)
    ]
    latency = {
        share: {
            name: round(statistics.median(found[share][name] for found in passes), 1)
            for name in passes[0][share]
        }
        for share in passes[0]
    }
    ratios = _ratios(rates)
    p99 = {float(share): found["p99"] for share, found in latency.items()}
    return Report(
        ratios={name: found.median for name, found in ratios.items()}
        | {"p99_250ms": longest_within(p99, LIMIT_MS)},
        ranges={name: (found.least, found.most) for name, found in ratios.items()},
        rates={name: round(statistics.median(found), 1) for name, found in rates.items()},
        cpu_ms={
            name: round(1000 * statistics.median(turn.cpu_s for turn in found), 3)
            for name, found in turns.items()
        },
        latency_ms=latency,
        agreement=agreement,
        rounds=plan.rounds,
        texts=len(texts),
        environment=machine(),
    )


def _arms(plan: Plan) -> dict[str, Arm]:
    arms = {
        "identity": Arm("identity", 1, 4 * plan.records),
        "service": Arm("service", 1, plan.records),
        RAW: Arm(RAW, 1, plan.records),
        "two_processes": Arm("service", 2, 2 * plan.records),
        "smart_loop": Arm("smart", 1, plan.records),
        "repeats": Arm("service", 1, plan.records),
    }
    if plan.has_pipelines:
        arms["pipeline"] = Arm("pipeline", 1, max(50, plan.records // 6))
        arms["pipeline_all_heads"] = Arm("pipelines", 1, max(20, plan.records // 25))
    return arms


def _ratios(rates: Mapping[str, Sequence[float]]) -> dict[str, Ratio]:
    """Return the ratios; those beside a loop of two threads are of two processes of one thread each."""
    found = {
        RAW: ratio(rates, "service", below=RAW),
        "smart_loop": ratio(rates, "two_processes", below="smart_loop"),
        "two_processes": ratio(rates, "two_processes", below="service"),
        "repeats": ratio(rates, "repeats", below="service"),
    }
    for name in ("pipeline", "pipeline_all_heads"):
        if name in rates:
            found[name] = ratio(rates, "two_processes", below=name)
    return found


def gate(texts: Sequence[str], *, has_pipelines: bool) -> dict[str, float]:
    """Return in how many labels each arm by hand agrees with the service. Raises ModelInvalid where in too few."""
    from models.engines.peers import one_by_one, pipelines

    installed = open_model(locate_model("bundled"))
    heads = list(installed.manifest.labels)
    scorer = build_text_scorer()
    scorer.start()
    told = [
        {head: score.label for head, score in scores.heads.items()}
        for scores in scorer.score_batch([TextInput(text=text) for text in texts])
    ]
    scorer.close()
    peers = {"smart_loop": one_by_one(installed, threads=2)}
    if has_pipelines:
        peers["pipeline"] = pipelines(installed, heads, threads=2)
    agreement = {}
    for name, answer in peers.items():
        same = [
            answer(text)[head] == ours[head]
            for text, ours in zip(texts, told, strict=True)
            for head in heads
        ]
        agreement[name] = round(sum(same) / len(same), 4)
        if agreement[name] < LEAST_AGREEMENT:
            raise ModelInvalid(
                f"{name} says what the service says in {agreement[name]:.1%} of labels, expected"
                f" {LEAST_AGREEMENT:.0%}: they do not run the same model, so their speed is not compared"
            )
    return agreement


def _latency(
    number: int, texts: Sequence[str], *, plan: Plan, bootstrap: str, tell: Tell
) -> dict[str, dict[str, float]]:
    """Return quantiles of latency by share of one process's saturation, which is measured just before."""
    arm = Arm("service", 1, plan.records)
    full = take_turn(arm, texts, bootstrap=bootstrap, prefix=f"bench.full.{number}.")
    saturation = full.rate
    found = {}
    for share in SHARES:
        measured = latencies_ms(
            texts, share * saturation, seconds=plan.seconds, bootstrap=bootstrap, prefix=f"bench.at.{number}.{share}."
        )  # fmt: skip
        found[str(share)] = {
            f"p{100 * quantile:g}".replace(".", "_"): round(percentile(measured, quantile), 1)
            for quantile in QUANTILES
        }
        tell(f"{share:.0%} of {saturation:,.0f} a second: {found[str(share)]} ms")
    return found
