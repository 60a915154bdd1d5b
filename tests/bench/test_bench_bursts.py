"""The bursts' harness: NAB's score by its rules, onsets of crises, and one run over a small folder."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.bench.crisis_onsets import onset_of
from tests.bench.nab_scoring import LOW_FP, Labelled, alarms_of, at_threshold, best

ROOT = Path(__file__).parents[2]
WINDOW = Labelled(spans=[(400, 499)], probation=150)


def scores(**at: float) -> np.ndarray:
    """Return the scores of a thousand rows, 0 but at the rows named `row_N`."""
    found = np.zeros(1_000)
    for row, score in at.items():
        found[int(row.removeprefix("row_"))] = score
    return found


def test_an_alarm_at_the_start_of_a_window_is_perfect_and_none_is_nothing() -> None:
    assert best([alarms_of(scores(row_400=0.9), WINDOW)]).score == pytest.approx(100, abs=0.01)
    assert best([alarms_of(scores(), WINDOW)]).score == 0


def test_a_late_alarm_earns_less_and_one_outside_costs_its_weight() -> None:
    # Given an alarm in the middle of the window, and one before it
    late = alarms_of(scores(row_450=0.9), WINDOW)
    two = alarms_of(scores(row_200=0.8, row_450=0.9), WINDOW)
    # Then half the window is worth tanh(5·0.5/2)/tanh(5/2) of it, and the false alarm 0.11 or 0.22 windows
    worth = np.tanh(1.25) / np.tanh(2.5)
    assert at_threshold([late], 0.5) == pytest.approx(50 * (1 + worth), abs=0.5)
    assert at_threshold([late], 0.5) - at_threshold([two], 0.5) == pytest.approx(5.5)
    lost = at_threshold([late], 0.5, weight=LOW_FP) - at_threshold([two], 0.5, weight=LOW_FP)
    assert lost == pytest.approx(11)
    # And the best threshold leaves the false alarm out
    assert best([two]).threshold == 0.9


def test_the_best_threshold_is_that_of_trying_each() -> None:
    # Given random scores of several series
    random = np.random.default_rng(4)
    labelled = Labelled(spans=[(200, 260), (500, 600)], probation=150)
    series = [alarms_of(random.random(1_000).round(2), labelled) for _ in range(5)]
    # Then the best of all thresholds is the best one
    tried = {cut: at_threshold(series, cut) for cut in np.arange(0.01, 1.01, 0.01).round(2)}
    found = best(series)
    assert found.score == pytest.approx(max(0.0, *tried.values()))


def test_an_onset_is_where_the_hourly_sum_begins_to_stay_high() -> None:
    # Given a quiet day, one loud step, an hour of rest, and then a crisis
    volume = np.ones(300)
    volume[100], volume[150:] = 60, 30
    assert onset_of(volume) == 150
    assert onset_of(np.ones(300)) is None


def test_the_harness_prints_one_object(tmp_path: Path) -> None:
    # Given a benchmark of one series, and no crises
    labels, data = tmp_path / "nab" / "labels", tmp_path / "nab" / "data" / "realTweets"
    labels.mkdir(parents=True)
    data.mkdir(parents=True)
    rows = [
        f"2026-11-{1 + step // 288:02} {step // 12 % 24:02}:{step % 12 * 5:02}:00"
        for step in range(900)
    ]
    values = np.random.default_rng(1).poisson(5, 900)
    values[600] = 90
    lines = [f"{at},{value}" for at, value in zip(rows, values, strict=True)]
    (data / "one.csv.gz").write_bytes(
        gzip.compress("\n".join(["timestamp,value", *lines]).encode())
    )
    windows = {"realTweets/one.csv": [[rows[590], rows[650]]], "realTweets/missing.csv": []}
    (labels / "combined_windows.json").write_text(json.dumps(windows))
    # When the harness runs
    command = [
        sys.executable,
        "-m",
        "tests.bench.bench_bursts",
        "--data",
        str(tmp_path),
        "--series",
        "20",
    ]
    command += ["--noise-seeds", "1", "--scores", str(tmp_path / "scores")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    # Then the window was caught, and the scores were kept
    report = json.loads(done.stdout)
    assert report["nab"]["all"]["standard"] > 80
    assert report["nab"]["loss"] == 0
    assert (tmp_path / "scores" / "realTweets" / "one.csv").read_text().count("\n") == 901
