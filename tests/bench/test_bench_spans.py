"""The spans' harness judges the bundled model's spans on texts of a file."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_harness_judges_the_spans_of_clear_texts(tmp_path: Path) -> None:
    # Given a few development texts
    data = tmp_path / "dev.jsonl.gz"
    texts = [
        "what a dreadful terrible train today",
        "so happy to be here with you all",
        "今天真的太难过了我想哭",
    ]
    with gzip.open(data, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps({"text": text}) + "\n" for text in texts * 3)

    # When the harness runs on the bundled model
    command = [sys.executable, "tests/bench/bench_spans.py", "--data", str(data)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    # Then some had a span, and the shares lie between 0 and 1
    figures = json.loads(done.stdout)["dev.jsonl.gz"]
    assert figures["texts"] == 9
    assert 0 < figures["judged"] <= figures["with_spans"]
    assert 0 <= figures["moves_more"] <= 1
