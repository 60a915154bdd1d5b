"""Where sudden crises begin in their volume, and how late a detector is.

In: CrisisLex T26 volumes by ten minutes, and what kind of event each was. Out: buckets from onset to firing, and alarms
before. The onset is the first bucket from which the hourly sum (it and the five before) stays above four times the
median hour before it, for three hours; the steepest single step is often not the onset.
"""

import gzip
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from models.bursts.bank import THRESHOLD, Bank

STEP_S = 600
HOUR, HOURS = 6, 3
TIMES = 4.0
Floats = npt.NDArray[np.float64]


class Crisis(NamedTuple):
    name: str
    began_s: int
    volume: Floats


class Delay(NamedTuple):
    name: str
    onset: int
    buckets: int | None
    before: int


def read_crises(folder: Path, *, development: str = "Instantaneous") -> list[Crisis]:
    told: dict[str, Any] = json.loads((folder / "T26.event_descriptions.json").read_text())
    counts: dict[str, dict[int, int]] = {}
    with gzip.open(folder / "T26.volume_10min.jsonl.gz", "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            counts.setdefault(row["event"], {})[row["t"]] = row["n"]
    return [
        _dense(name, found)
        for name, found in sorted(counts.items())
        if told[name]["time"]["development"] == development
    ]


def onset_of(volume: Floats) -> int | None:
    hourly = np.convolve(volume, np.ones(HOUR))[: len(volume)]
    for bucket in range(HOUR, len(volume) - HOUR * HOURS):
        usual = float(np.median(hourly[HOUR - 1 : bucket]))
        stays = hourly[bucket : bucket + HOUR * HOURS] > TIMES * usual
        if volume[bucket] > 0 and stays.all():
            return bucket
    return None


def delay_of(crisis: Crisis, *, threshold: float = THRESHOLD) -> Delay | None:
    """Return how late the bank is; None where the volume has no onset, since it begins with the crisis."""
    onset = onset_of(crisis.volume)
    if onset is None:
        return None
    bank = Bank(1, step_s=STEP_S)
    scores = [
        bank.update(crisis.began_s + STEP_S * step, np.array([count])).score[0]
        for step, count in enumerate(crisis.volume)
    ]
    fired = np.flatnonzero(np.array(scores) >= threshold)
    after = fired[fired >= onset]
    return Delay(
        name=crisis.name,
        onset=onset,
        buckets=int(after[0] - onset) if len(after) else None,
        before=int((fired < onset).sum()),
    )


def _dense(name: str, counts: dict[int, int]) -> Crisis:
    began_s = min(counts)
    volume = np.zeros((max(counts) - began_s) // STEP_S + 1)
    for at_s, count in counts.items():
        volume[(at_s - began_s) // STEP_S] += count
    return Crisis(name, began_s, volume)
