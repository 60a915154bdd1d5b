"""What the alert stage keeps of one watch, in its changelog and in memory: quiet, busy, and parted by topic.

    python -m tests.bench.bench_alert_memory

Mentions of distinct authors and wordings in five sources, for two hours and ten minutes, the busiest for a quarter of
an hour; told is the most kept at once. Voices of a pane, step or block take as much for a hundred as for a million.
"""

import random
from collections import Counter
from collections.abc import Sequence

from contracts.mentions import Mention
from contracts.watches import Rule
from tests.consumers.alerting.desk import Desk, mention, tick, watch_of

PANE_S = 10
THREE = (
    Rule("negative_surge"),
    Rule("volume_spike"),
    Rule("emotion_shift", {"emotion": "anger"}),
)
BY_TOPIC = (Rule("negative_surge", {"by": "topic"}), Rule("volume_spike"))


def main() -> None:
    print("| watch | mentions a minute | kB | of which |")
    print("|---|---|---|---|")
    for name, rules, rate, topics, minutes in (
        ("three rules", THREE, 12, 3, 130),
        ("three rules", THREE, 600, 17, 130),
        ("three rules", THREE, 18_000, 17, 15),
        ("by topic, 17 topics", BY_TOPIC, 600, 17, 130),
    ):
        kept = most_kept(rules, rate=rate, topics=topics, minutes=minutes)
        parts = ", ".join(f"{part} {size / 1000:.0f}" for part, size in kept.most_common(4))
        print(f"| {name} | {rate:,} | {kept.total() / 1000:.0f} | {parts} |", flush=True)


def most_kept(rules: Sequence[Rule], *, rate: int, topics: int, minutes: int) -> Counter[str]:
    """Return the bytes of keys and values by kind of key, when they were most."""
    desk, rng, number = Desk(watch_of(*rules)), random.Random(7), 0
    most: Counter[str] = Counter()
    for pane in range(minutes * 60 // PANE_S):
        items = []
        for _ in range(max(1, rate * PANE_S // 60)):
            number += 1
            items.append(said(number, pane * PANE_S + rng.random() * 9.9, rng=rng, topics=topics))
        desk.give(*items)
        kept: Counter[str] = Counter()
        for key, value in desk.kept().items():
            kept[key.partition("/")[0]] += len(key) + len(value)
        most = max(most, kept, key=Counter.total)
        desk.give(tick((pane + 1) * PANE_S))
    return most


def said(number: int, at_s: float, *, rng: random.Random, topics: int) -> Mention:
    words = " ".join(rng.choice(WORDS) for _ in range(20))
    return mention(
        number, at_s, topic=f"t{rng.randrange(topics)}", source=f"s{rng.randrange(5)}",
        sentiment=rng.choice(["negative", "neutral", "positive"]), author=f"a{number}",
        emotion=rng.choice(["anger", "joy"]), reach=rng.randrange(10_000), text=words,
        vector=rng.randbytes(384),
    )  # fmt: skip


WORDS = [f"word{n}" for n in range(3000)]

if __name__ == "__main__":
    main()
