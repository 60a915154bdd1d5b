"""Measure the burst detector: NAB, sudden crises, quiet noise, speed and size, all at its one threshold.

    python -m tests.bench.bench_bursts --data PATH [--scores FOLDER] [--series 1000] [--noise-seeds 20]

Prints one JSON object. `--data` holds the data sets `nab` and `crisislex`; what is missing is left out. `--scores`
keeps the scores of every NAB series as CSV, laid out like the data, for another scorer. `standard` and `low_fp` are
NAB's two profiles at the best single threshold of the group, `at_threshold` the same at the product's; `loss` is how
much the best single threshold for all series costs each group against its own best, weighted by windows. A crisis is
found where it fires within a day of its onset.
"""

import argparse
import gzip
import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from models.bursts.bank import THRESHOLD, Bank
from models.bursts.series import read_rows, score_rows
from models.bursts.shares import ShareBank
from tests.bench.crisis_onsets import delay_of, read_crises
from tests.bench.nab_scoring import (
    LOW_FP,
    STANDARD,
    Alarms,
    alarms_of,
    at_threshold,
    best,
    label,
    read_windows,
)

DAY = 144


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--scores", type=Path)
    parser.add_argument("--series", type=int, default=1_000)
    parser.add_argument("--noise-seeds", type=int, default=20)
    return parser.parse_args()


def nab_alarms(folder: Path, *, scores: Path | None) -> Iterator[tuple[str, Alarms]]:
    for name, windows in sorted(read_windows(folder / "labels" / "combined_windows.json").items()):
        path = folder / "data" / f"{name}.gz"
        if not path.exists():
            continue
        with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
            rows = read_rows(lines, name=name)
        # As `hubbub alerts detect` writes them.
        found = np.round(np.fromiter(score_rows(rows), float), 6)
        timestamps = [row.timestamp for row in rows]
        if scores:
            _keep(scores / name, timestamps=timestamps, found=found)
        yield name, alarms_of(found, label(timestamps, windows))


def judge_nab(folder: Path, *, scores: Path | None) -> dict[str, object]:
    series = dict(nab_alarms(folder, scores=scores))
    groups: dict[str, list[Alarms]] = {}
    for name, alarms in series.items():
        groups.setdefault(name.partition("/")[0], []).append(alarms)
    everything = list(series.values())
    common = best(everything).threshold
    costs = {
        name: (best(group).score - at_threshold(group, common), sum(one.windows for one in group))
        for name, group in groups.items()
    }
    windows = sum(one.windows for one in everything)
    return {
        "all": _figures(everything),
        **{name: _figures(group) for name, group in groups.items() if costs[name][1]},
        "loss": round(sum(cost * weight for cost, weight in costs.values()) / windows, 1),
    }


def judge_crises(folder: Path) -> dict[str, object]:
    delays = [delay for delay in map(delay_of, read_crises(folder)) if delay]
    found = [one.buckets for one in delays if one.buckets is not None and one.buckets <= DAY]
    return {
        "crises": {one.name: one.buckets for one in delays},
        "median_buckets": statistics.median(found),
        "found": round(len(found) / len(delays), 2),
        "alarms_before": sum(one.before for one in delays),
    }


def judge_noise(seeds: int, *, days: int = 14) -> dict[str, float]:
    """Return alarms a day in counts by five minutes that swing over the day and mean nothing."""
    step_s, steps = 300, days * 288
    told = {}
    for mean in (0.02, 0.3, 3.0, 50.0):
        swing = mean * (1 + 0.8 * np.sin(2 * np.pi * np.arange(steps) / 288))
        counts = np.stack([np.random.default_rng(seed).poisson(swing) for seed in range(seeds)])
        bank = Bank(seeds, step_s=step_s)
        alarms = [
            (bank.update(step * step_s, counts[:, step].astype(float)).score >= THRESHOLD).sum()
            for step in range(steps)
        ]
        told[f"mean {mean}"] = round(sum(map(int, alarms)) / seeds / days, 3)
    return told


def speed(series: int, *, steps: int = 300) -> dict[str, float]:
    counts = np.random.default_rng(7).poisson(5.0, (steps, series)).astype(float)
    bank, shares = Bank(series, step_s=60.0), ShareBank(series, step_s=60.0)
    began = time.process_time()
    for step in range(steps):
        bank.update(60.0 * step, counts[step])
    middle = time.process_time()
    for step in range(steps):
        shares.update(60.0 * step, np.minimum(counts[step], 2.0), totals=counts[step])
    ended = time.process_time()
    return {
        "series": series,
        "updates_per_second": round(steps * series / (middle - began)),
        "bytes_per_series": round(len(bank.state()) / series),
        "share_updates_per_second": round(steps * series / (ended - middle)),
        "share_bytes_per_series": round(len(shares.state()) / series),
    }


def main() -> None:
    options = arguments()
    report: dict[str, object] = {"threshold": THRESHOLD}
    if (options.data / "nab").exists():
        report["nab"] = judge_nab(options.data / "nab", scores=options.scores)
    if (options.data / "crisislex").exists():
        report["crises"] = judge_crises(options.data / "crisislex")
    report["noise_alarms_a_day"] = judge_noise(options.noise_seeds)
    report["speed"] = [speed(12), speed(options.series)]
    print(json.dumps(report, indent=2))


def _figures(series: list[Alarms]) -> dict[str, object]:
    standard, low_fp = best(series), best(series, weight=LOW_FP)
    return {
        "series": len(series),
        "standard": round(standard.score, 1),
        "low_fp": round(low_fp.score, 1),
        "thresholds": [round(standard.threshold, 3), round(low_fp.threshold, 3)],
        "at_threshold": [
            round(at_threshold(series, THRESHOLD, weight=weight), 1)
            for weight in (STANDARD, LOW_FP)
        ],
    }


def _keep(path: Path, *, timestamps: list[str], found: "np.typing.NDArray[np.float64]") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"{at},{score:.6f}\n" for at, score in zip(timestamps, found, strict=True)]
    path.write_text("timestamp,anomaly_score\n" + "".join(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
