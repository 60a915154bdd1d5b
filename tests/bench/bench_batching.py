"""Measure how far a score depends on the texts scored beside it.

    python tests/bench/bench_batching.py [--texts 10000] [--batchings 5] [--alone] [--model bundled]
                                         [--data FILE.jsonl.gz] [--seed 5]

Texts of 1 to 200 words or characters in English and Chinese, every third with a context, or those of a file, are scored
in shuffled orders and batches of several sizes, and compared with the first batching, each text alone (`--alone`), or
by 7. Prints one JSON object: `within` is the share of probabilities that agree within 1e-5 and `largest` the largest
difference, over all batchings; `labels` counts answers of another label, `vectors` vectors of another byte, `spans`
texts of other spans. What is promised: models/protocols.py.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))
from models.evaluation.records import read_records
from models.protocols import TextInput, TextScorer, TextScores
from models.registry import build_text_scorer

ENGLISH = "the a staff service queue delay phone battery match goal vote flood love hate great awful".split()
CHINESE = list("今天服务很好非常生气手机电池比赛进球选举洪水医院喜欢讨厌难过开心价格便宜物流慢")
SIZES = (64, 400, 5, 1000, 31)
LONGEST = 200
# Probabilities are rounded to 1e-6, so that two of them may be a step further apart.
NEAR, FAR = 1e-5 + 1e-6, 5e-3


class Gaps(NamedTuple):
    """Hold how far batchings differ: `within` and `largest` of probabilities, the rest counts."""

    within: float
    largest: float
    labels: int
    vectors: int
    spans: int


def made_texts(count: int, *, seed: int) -> list[TextInput]:
    """Return texts of two languages, short ones more often; every third has a context."""
    chooser = random.Random(seed)
    texts = []
    for number in range(count):
        words, joint = (ENGLISH, " ") if number % 2 else (CHINESE, "")
        size = int(chooser.paretovariate(0.7)) % LONGEST + 1
        context = joint.join(chooser.choices(words, k=12)) if number % 3 == 0 else ""
        texts.append(TextInput(text=joint.join(chooser.choices(words, k=size)), context=context))
    return texts


def batched(
    scorer: TextScorer, texts: Sequence[TextInput], *, order: Sequence[int], size: int
) -> list[TextScores]:
    """Return the answers in the order of `texts`, scored in `order` in batches of `size`."""
    answers: dict[int, TextScores] = {}
    for first in range(0, len(texts), size):
        part = order[first : first + size]
        answers.update(zip(part, scorer.score_batch([texts[at] for at in part]), strict=True))
    return [answers[at] for at in range(len(texts))]


def gaps(
    scorer: TextScorer, texts: Sequence[TextInput], *, sizes: Sequence[int], seed: int
) -> Gaps:
    """Score `texts` in batches of each size, in a shuffled order each, and compare all with the first."""
    chooser = random.Random(seed)
    first, *others = (
        batched(scorer, texts, order=chooser.sample(range(len(texts)), len(texts)), size=size)
        for size in sizes
    )
    apart = np.abs(np.stack([_flat(each) - _flat(first) for each in others]))
    pairs = [pair for each in others for pair in zip(first, each, strict=True)]
    return Gaps(
        within=float((apart <= NEAR).mean()),
        largest=float(apart.max()),
        labels=sum(
            one.heads[h].label != two.heads[h].label for one, two in pairs for h in one.heads
        ),
        vectors=sum(one.vector != two.vector for one, two in pairs),
        spans=sum(one.emotion_spans != two.emotion_spans for one, two in pairs),
    )


def _flat(scores: Sequence[TextScores]) -> np.ndarray:
    return np.array(
        [
            [p for head in each.heads.values() for p in (head.probabilities or {}).values()]
            for each in scores
        ]
    )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--texts", type=int, default=10_000)
    parser.add_argument("--batchings", type=int, choices=range(2, 7), default=5)
    parser.add_argument("--alone", action="store_true")
    parser.add_argument("--model", default="bundled")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seed", type=int, default=5)
    return parser.parse_args()


def main() -> None:
    """Compare batchings and print what differs."""
    options = arguments()
    texts = made_texts(options.texts, seed=options.seed)
    if options.data:
        texts = [TextInput(text=str(each["text"])) for each in read_records(options.data)]
        texts = random.Random(options.seed).sample(texts, min(options.texts, len(texts)))
    sizes = [1 if options.alone else 7, *SIZES][: options.batchings]
    scorer = build_text_scorer(options.model)
    scorer.start()
    began = time.perf_counter()
    found = gaps(scorer, texts, sizes=sizes, seed=options.seed)
    seconds = round(time.perf_counter() - began, 1)
    scorer.close()
    report = {"model": scorer.model_name, "version": scorer.model_version, "texts": len(texts)}
    print(json.dumps(report | {"sizes": sizes} | found._asdict() | {"seconds": seconds}))


if __name__ == "__main__":
    main()
