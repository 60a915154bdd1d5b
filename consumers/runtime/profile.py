"""Where a worker's time went, as a table that a person can read.

In: seconds by step, records, the whole time. Out: lines. Pure.

`poll` is what it takes to get records, `idle` the wait for some, `wait` that for the transaction before; `other` is
everything between the steps: repeats, ledgers, state, metrics. Loading and joining the group are left out. `send` and
`commit` run in a thread of their own, beside the steps of the next batch.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

STEPS = (
    "poll", "decode", "match", "tokenise", "forward", "calibrate", "encode", "wait", "idle",
)  # fmt: skip
BESIDE = ("send", "commit")


class Spent(NamedTuple):
    """Hold the seconds of each step, and beside; how many records were ended in how many batches; the whole time."""

    seconds: Mapping[str, float]
    beside: Mapping[str, float]
    records: int
    batches: int
    whole_s: float


def profile_lines(spent: Spent) -> Iterator[str]:
    """Yield the table: seconds, share of the time that was not idle, microseconds a record.

    >>> lines = profile_lines(Spent({"forward": 3.0, "idle": 6.0}, {"send": 1.0}, 1000, 10, 10.0))
    >>> [line.split() for line in lines][1]
    ['forward', '3.000', '75.0', '%', '3000.0']
    """
    seconds = {step: spent.seconds.get(step, 0.0) for step in STEPS}
    seconds |= {step: value for step, value in spent.seconds.items() if step not in seconds}
    seconds["other"] = max(0.0, spent.whole_s - sum(seconds.values()))
    busy_s = max(spent.whole_s - seconds["idle"], 1e-9)
    yield f"{'step':<12}{'seconds':>10}{'share':>9}{'us a record':>14}"
    named = {f"({step})": spent.beside.get(step, 0.0) for step in BESIDE}
    for step, value in (seconds | named).items():
        if value and step != "idle":
            micros = 1e6 * value / max(spent.records, 1)
            yield f"{step:<12}{value:>10.3f}{100 * value / busy_s:>7.1f} %{micros:>14.1f}"
    rate = spent.records / busy_s
    yield (
        f"{spent.records:,} records in {spent.batches:,} transactions, {busy_s:.1f} s busy and "
        f"{seconds['idle']:.1f} s idle: {rate:,.0f} a second of work; "
        "(what stands in brackets) ran beside the rest"
    )
