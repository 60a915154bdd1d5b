"""The matcher's harness runs on texts that it makes, and finds no difference to the oracle."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_harness_reports_ratios_and_no_difference() -> None:
    # When the harness runs on few watches and texts
    command = [
        sys.executable,
        "tests/bench/bench_matching.py",
        "--watches",
        "200",
        "--texts",
        "200",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    # Then every answer was the oracle's, some matched, and all texts were searched by every arm
    report = json.loads(done.stdout)
    assert report["oracle"]["pairs"] == 200 * 200
    assert report["oracle"]["differing_pairs"] == 0
    assert report["oracle"]["matching_pairs"] == report["matcher"]["matches"] > 0
    assert report["regex"]["sampled"] is report["oracle"]["sampled"] is False
    assert report["times_faster"]["cpu"] > 0
