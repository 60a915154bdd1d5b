"""The whole measurement: the gate, the arms in turn, latency at shares of saturation, one report.

In: texts, a broker. Out: `Report`. First every arm must say what the service says, or nothing is timed.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence

import msgspec

from deploy.bench.arms import settings_of
from deploy.bench.gate import Passed, gate
from deploy.bench.latency import latencies_ms
from deploy.bench.machine import machine
from deploy.bench.plan import Plan, arms_of, ratios_of
from deploy.bench.raw import RawForward, raw_forwards
from deploy.bench.running import Arm, Turn, take_turn
from deploy.bench.texts import with_repeats
from deploy.bench.turns import held_within, order, percentile

QUANTILES = (0.5, 0.9, 0.99, 0.999)
LIMIT_MS = 250.0
REPEATED = 0.3
GATE_TEXTS = 200
Tell = Callable[[str], None]
# Quantiles in milliseconds by share of saturation.
Pass = Mapping[float, Mapping[str, float]]


class Report(msgspec.Struct, frozen=True):
    """Hold everything that was measured: medians of the rounds, of latency those of the passes.

    Rates are records a second. The range of a ratio is that of its rounds, of `p99_250ms` that of the passes, each
    taken by itself.
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


def measure(texts: Sequence[str], *, plan: Plan, bootstrap: str, tell: Tell) -> Report:
    """Run everything; raises ModelInvalid where an arm does not say what the service says."""
    settings = settings_of(bootstrap, "bench.", model="bundled")
    passed = gate(texts[:GATE_TEXTS], settings, has_pipelines=plan.has_pipelines)
    tell(f"gate: {passed.agreement}; the service runs on {passed.engine}")
    raws = raw_forwards(texts[: plan.records], settings, engine=passed.engine)
    turns = _turns(texts, raws, plan=plan, bootstrap=bootstrap, tell=tell)
    passes = [
        _pass(number, texts, plan=plan, bootstrap=bootstrap, tell=tell)
        for number in range(plan.passes)
    ]
    return _report(turns, passes, passed=passed, rounds=plan.rounds, texts=len(texts))


def _turns(
    texts: Sequence[str],
    raws: Mapping[str, RawForward],
    *,
    plan: Plan,
    bootstrap: str,
    tell: Tell,
) -> dict[str, list[Turn]]:
    """Let the arms take their turns; returns those of each."""
    arms = arms_of(plan, raws=raws)
    repeated = with_repeats(texts[: plan.records], REPEATED)
    turns: dict[str, list[Turn]] = {name: [] for name in arms}
    for number, name in order(tuple(arms), plan.rounds):
        given = repeated if name == "repeats" else texts
        turn = (
            raws[name].turn()
            if name in raws
            else take_turn(arms[name], given, bootstrap=bootstrap, prefix=f"bench.{name}.{number}.")
        )
        turns[name].append(turn)
        tell(
            f"round {number + 1}: {name} {turn.rate:,.1f} a second, {1000 * turn.cpu_s:.2f} ms CPU"
        )
    return turns


def _pass(
    number: int, texts: Sequence[str], *, plan: Plan, bootstrap: str, tell: Tell
) -> dict[float, dict[str, float]]:
    """Return quantiles of latency by share of one process's saturation, which is measured just before."""
    arm = Arm("service", 1, plan.records)
    full = take_turn(arm, texts, bootstrap=bootstrap, prefix=f"bench.full.{number}.").rate
    found = {}
    for share in plan.shares:
        measured = latencies_ms(
            texts, share * full, seconds=plan.seconds, bootstrap=bootstrap, prefix=f"bench.at.{number}.{share}."
        )  # fmt: skip
        found[share] = {
            f"p{100 * quantile:g}".replace(".", "_"): round(percentile(measured, quantile), 1)
            for quantile in QUANTILES
        }
        tell(f"{share:.0%} of {full:,.0f} a second: {found[share]} ms")
    return found


def _report(
    turns: Mapping[str, Sequence[Turn]],
    passes: Sequence[Pass],
    *,
    passed: Passed,
    rounds: int,
    texts: int,
) -> Report:
    rates = {name: [turn.rate for turn in found] for name, found in turns.items()}
    p99s = [{share: found["p99"] for share, found in each.items()} for each in passes]
    ratios = ratios_of(rates, engine=passed.engine) | {"p99_250ms": held_within(p99s, LIMIT_MS)}
    return Report(
        ratios={name: found.median for name, found in ratios.items()},
        ranges={name: (found.least, found.most) for name, found in ratios.items()},
        rates={name: round(statistics.median(found), 1) for name, found in rates.items()},
        cpu_ms={
            name: round(1000 * statistics.median(turn.cpu_s for turn in found), 3)
            for name, found in turns.items()
        },
        latency_ms={
            str(share): {
                name: round(statistics.median(each[share][name] for each in passes), 1)
                for name in quantiles
            }
            for share, quantiles in passes[0].items()
        },
        agreement=passed.agreement,
        rounds=rounds,
        texts=texts,
        environment=machine() | {"model": passed.model, "engine": passed.engine},
    )
