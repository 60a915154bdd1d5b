"""The main job on real input: three crises on Twitter, through Kafka, with the books checked from outside.

Run: python tests/bench/crises.py --data PATH/crisislex/T6.ontopic_offtopic.jsonl.gz [--workers 1]

Starts Apache Kafka, makes topics and three watches, replays the file as fast as it goes with `hubbub produce file`,
runs `hubbub up` until it is drained, and then reads the topics with a plain consumer and the standard library's JSON:
the multiset of ids in the file, less repeats, must be that of `scored`; every mention must be of a scored event, once
for each watch, and be what an evaluator without automaton finds. Prints one JSON object; ends with 1 where they differ.
"""

import argparse
import gzip
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, TopicPartition

ROOT = Path(__file__).resolve().parents[2]
WATCHES = {
    "sandy": "(sandy OR hurricane OR frankenstorm) AND (flood* OR power OR damage OR evacuat* OR nyc)",
    "oklahoma": "(tornado* OR moore OR oklahoma) AND (dead OR killed OR damage OR pray* OR help)",
    "queensland": "(flood* OR #bigwet OR #qldfloods) AND (queensland OR qld OR brisbane OR bundaberg)",
}
IDLE_S = 3.0


def hubbub(*words: str, bootstrap: str) -> str:
    environment = os.environ | {"HUBBUB_KAFKA_BOOTSTRAP": bootstrap, "HUBBUB_METRICS_PORT": "0"}
    command = [sys.executable, "-m", "hubbub", *words]
    done = subprocess.run(command, env=environment, capture_output=True, check=False, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    return done.stdout


def committed(bootstrap: str, topic: str) -> list[tuple[dict[str, str], dict[str, Any]]]:
    """Return (headers, value) of every committed record of a topic."""
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap, group_id=None, isolation_level="read_committed",
        auto_offset_reset="earliest", enable_auto_commit=False,
    )  # fmt: skip
    tps = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
    consumer.assign(tps)
    consumer.seek_to_beginning(*tps)
    ends, found = consumer.end_offsets(tps), []
    while any(consumer.position(tp) < end for tp, end in ends.items()):
        for records in consumer.poll(500).values():
            for record in records:
                headers = {name: raw.decode() for name, raw in record.headers}
                found.append((headers, json.loads(record.value)))
    consumer.close()
    return found


def expected_mentions(scored: dict[str, dict[str, Any]]) -> Counter[tuple[str, str]]:
    """Return (watch, event id) as an evaluator without automaton finds them."""
    place = ROOT / "tests/consumers/scoring/naive_oracle.py"
    spec = importlib.util.spec_from_file_location("naive_oracle", place)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{place} cannot be loaded")
    oracle = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(oracle)
    from consumers.scoring.query.parser import parse_query
    from consumers.scoring.views import MatchInput

    trees = {watch: parse_query(query) for watch, query in WATCHES.items()}
    return Counter(
        (watch, event_id)
        for event_id, entry in scored.items()
        for watch, tree in trees.items()
        if oracle.matches(tree, MatchInput(text=entry["event"].get("text", ""), source="twitter"))
    )


def measure(data: Path, workers: int, *, bootstrap: str) -> dict[str, Any]:
    hubbub("topics", "create", bootstrap=bootstrap)
    for name, query in WATCHES.items():
        hubbub("watch", "add", name, "--query", query, bootstrap=bootstrap)
    began = time.perf_counter()
    hubbub(
        "produce",
        "file",
        str(data),
        "--map",
        "time=ts_ms",
        "--set",
        "source=twitter",
        bootstrap=bootstrap,
    )
    produced_s = time.perf_counter() - began
    began = time.perf_counter()
    hubbub("up", "--workers", str(workers), "--until-idle", str(IDLE_S), bootstrap=bootstrap)
    scored_s = time.perf_counter() - began - IDLE_S
    status = json.loads(hubbub("status", "--json", bootstrap=bootstrap))
    with gzip.open(data, "rt", encoding="utf-8") as lines:
        ids = Counter(str(json.loads(line)["id"]) for line in lines)
    scored = committed(bootstrap, "hubbub.scored")
    entries = [value for headers, value in committed(bootstrap, "hubbub.mentions")
               if headers["ce_type"] == "hubbub.mention.v1"]  # fmt: skip
    scored_ids = Counter(headers["ce_id"] for headers, _ in scored)
    mentions = Counter((entry["watch"], entry["event_id"]) for entry in entries)
    books = status["stages"][0]
    return {
        "rows": sum(ids.values()),
        "distinct_ids": len(ids),
        "scored": sum(scored_ids.values()),
        "scored_equals_distinct_ids": scored_ids == Counter(dict.fromkeys(ids, 1)),
        "mentions": dict(Counter(watch for watch, _ in mentions.elements())),
        "mentions_equal_oracle": mentions
        == expected_mentions({value["event"]["id"]: value for _, value in scored}),
        "ledger": {key: books[key] for key in ("in", "result", "dead", "dropped", "balance")},
        "seconds": {"produce": round(produced_s, 1), "score": round(scored_s, 1)},
        "workers": workers,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    from deploy.kafka.node import KafkaNode

    with (
        tempfile.TemporaryDirectory() as folder,
        KafkaNode(Path(folder) / "kafka", port=0) as node,
    ):
        figures = measure(arguments.data, arguments.workers, bootstrap=node.bootstrap)
    print(json.dumps(figures, indent=2))
    is_right = figures["scored_equals_distinct_ids"] and figures["mentions_equal_oracle"]
    sys.exit(0 if is_right and figures["ledger"]["balance"] == 0 else 1)


if __name__ == "__main__":
    main()
