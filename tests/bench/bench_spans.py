"""Measure spans: how often deleting the strongest one moves the emotion more than deleting another run of words.

    python tests/bench/bench_spans.py --data FILE.jsonl.gz [--task emotion] [--model bundled] [--texts 500]
                                      [--others 8] [--seed 7]

Prints one JSON object. What is counted, ties too, stands in models/evaluation/spans.py. `--data` is a development file
with a `text` a row; its labels are not read.
"""

import argparse
import json
import random
import sys
import time
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).parents[2]))
from models.evaluation.records import read_records
from models.evaluation.spans import EMOTION, judge_spans
from models.registry import build_text_scorer


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--task", choices=[EMOTION], default=EMOTION)
    parser.add_argument("--model", default="bundled")
    parser.add_argument("--texts", type=int, default=500)
    parser.add_argument("--others", type=int, default=8)
    parser.add_argument("--seed", type=int, default=7)
    return parser.parse_args()


def main() -> None:
    """Judge each file by itself."""
    options = arguments()
    scorer = build_text_scorer(options.model)
    scorer.start()
    report: dict[str, object] = {"model": scorer.model_name, "version": scorer.model_version}
    for path in options.data:
        texts = [str(record["text"]) for record in read_records(path)]
        random.Random(options.seed).shuffle(texts)
        began = time.perf_counter()
        verdict = judge_spans(
            scorer, texts[: options.texts], others=options.others, seed=options.seed
        )
        seconds = round(time.perf_counter() - began, 1)
        report[path.name] = msgspec.to_builtins(verdict) | {"seconds": seconds}
    scorer.close()
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
