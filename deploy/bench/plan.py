"""What one run measures: which arms, how much of each, and which of them are compared.

In: flags, rates. Out: arms, ratios. Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from deploy.bench.running import Arm
from deploy.bench.turns import Ratio, ratio

SHARES = (0.3, 0.5, 0.6, 0.7, 0.8)
# One pause of the machine decides the p99 of one pass; the median of three it does not.
LATENCY_PASSES = 3
RAW, RAW_PYTORCH = "raw_forward", "raw_pytorch"
TENSORRT = "tensorrt"


class Plan(NamedTuple):
    """Say how much is measured; `seconds` are those of each of `passes` at each of `shares` of saturation."""

    rounds: int = 5
    records: int = 3000
    seconds: int = 12
    has_pipelines: bool = True
    passes: int = LATENCY_PASSES
    shares: tuple[float, ...] = SHARES


def arms_of(plan: Plan, *, raws: Iterable[str]) -> dict[str, Arm]:
    """Return the arms in their order; `raws` name those without Kafka, which run in the measuring process."""
    arms = {
        "identity": Arm("identity", 1, 4 * plan.records),
        "service": Arm("service", 1, plan.records),
        **{name: Arm("raw", 1, plan.records) for name in raws},
        "two_processes": Arm("service", 2, 2 * plan.records),
        "smart_loop": Arm("smart", 1, plan.records),
        "repeats": Arm("service", 1, plan.records),
    }
    if plan.has_pipelines:
        arms["pipeline"] = Arm("pipeline", 1, max(50, plan.records // 6))
        arms["pipeline_all_heads"] = Arm("pipelines", 1, max(20, plan.records // 25))
    return arms


def ratios_of(rates: Mapping[str, Sequence[float]], *, engine: str) -> dict[str, Ratio]:
    """Return the ratios of a service on `engine`; those of TensorRT are told only where it runs.

    Beside a loop of two threads stand two processes of one thread each.
    """
    found = {
        RAW: ratio(rates, "service", below=RAW),
        "smart_loop": ratio(rates, "two_processes", below="smart_loop"),
        "two_processes": ratio(rates, "two_processes", below="service"),
        "repeats": ratio(rates, "repeats", below="service"),
    }
    for name in ("pipeline", "pipeline_all_heads"):
        if name in rates:
            found[name] = ratio(rates, "two_processes", below=name)
    if engine == TENSORRT:
        found["tensorrt_service"] = found[RAW]
    if RAW_PYTORCH in rates:
        found["tensorrt_forward"] = ratio(rates, RAW, below=RAW_PYTORCH)
    return found
