"""What is counted of the mentions of one group in one stretch of time.

In: mentions. Out: whole numbers that do not depend on their order, which add up over panes. Of a bounded size, however
many mentions there are. Imports contracts and consumers.alerting.voices.

A mention that a head abstained from leaves that head's shares. Valence is kept in thousandths, so that sums are exact.
"""

from collections.abc import Collection, Iterable
from typing import Any

import msgspec

from consumers.alerting.rule import TOTAL
from consumers.alerting.voices import Independent
from contracts.mentions import Mention

COUNTED_HEADS = ("sentiment", "emotion", "harm", "topic")
SOURCES_LIMIT = 32
MILLI = 1000


class Tally(msgspec.Struct, array_like=True):
    """Count mentions: `labels` by head and label, `valence_milli` over the `valued`, the greatest reach of one."""

    mentions: int = 0
    labels: dict[str, dict[str, int]] = {}
    valence_milli: int = 0
    valued: int = 0
    reach: int = 0
    furthest: int = 0
    furthest_negative: int = 0
    sources: dict[str, int] = {}
    voices: Independent = msgspec.field(default_factory=Independent)

    def take(self, mention: Mention) -> None:
        """Count one mention."""
        self.mentions += 1
        for head in COUNTED_HEADS:
            score = mention.heads.get(head)
            if score is not None and not score.abstained:
                counts = self.labels.setdefault(head, {})
                counts[score.label] = counts.get(score.label, 0) + 1
        if mention.valence is not None:
            self.valence_milli += round(mention.valence * MILLI)
            self.valued += 1
        reach = mention.reach or 0
        self.reach += reach
        self.furthest = max(self.furthest, reach)
        if label_of(mention, "sentiment") == "negative":
            self.furthest_negative = max(self.furthest_negative, reach)
        self.sources[mention.source] = self.sources.get(mention.source, 0) + 1
        bound(self.sources, SOURCES_LIMIT)
        self.voices.add(mention)

    def add(self, other: "Tally") -> None:
        """Count all that another tally counted."""
        self.mentions += other.mentions
        for head, counts in other.labels.items():
            mine = self.labels.setdefault(head, {})
            for label, count in counts.items():
                mine[label] = mine.get(label, 0) + count
        self.valence_milli += other.valence_milli
        self.valued += other.valued
        self.reach += other.reach
        self.furthest = max(self.furthest, other.furthest)
        self.furthest_negative = max(self.furthest_negative, other.furthest_negative)
        for source, count in other.sources.items():
            self.sources[source] = self.sources.get(source, 0) + count
        bound(self.sources, SOURCES_LIMIT)
        self.voices.merge(other.voices)

    def heard(self) -> int:
        """Return about how many independent voices there were; an estimate says no more than there are mentions."""
        return min(self.mentions, self.voices.estimate())

    def judged(self, head: str) -> int:
        """Return how many mentions a head answered."""
        return sum(self.labels.get(head, {}).values())

    def count(self, head: str, *labels: str) -> int:
        """Return how many mentions a head gave one of these labels."""
        return sum(self.labels.get(head, {}).get(label, 0) for label in labels)


def label_of(mention: Mention, head: str) -> str | None:
    """Return the label that a head gave a mention, None where it abstained or is not there."""
    score = mention.heads.get(head)
    return None if score is None or score.abstained else score.label


def groups_of(mention: Mention, heads: Iterable[str]) -> list[str]:
    """Return the groups that a mention counts in: the total, and `head=label` for each head that answered."""
    groups = [TOTAL]
    for head in heads:
        label = label_of(mention, head)
        if label is not None:
            groups.append(group_name(head, label))
    return groups


def group_name(head: str, label: str) -> str:
    """Return the name of a group.

    >>> group_name("topic", "health")
    'topic=health'
    """
    return f"{head}={label}"


def head_of(group: str) -> str:
    """Return the head of a group's name.

    >>> head_of("topic=health")
    'topic'
    """
    return group.partition("=")[0]


def summed(tallies: Iterable[dict[str, Tally]]) -> dict[str, Tally]:
    """Return new tallies, by group, of several stretches together."""
    whole: dict[str, Tally] = {}
    for groups in tallies:
        for name, tally in groups.items():
            whole.setdefault(name, Tally()).add(tally)
    return whole


def bound(by_name: dict[str, Any], limit: int, *, first: Collection[str] = ()) -> None:
    """Let go of names beyond `limit`, in whatever order they came: those in `first` stay, then the first by name."""
    if len(by_name) > limit:
        for name in sorted(by_name, key=lambda name: (name not in first, name))[limit:]:
            del by_name[name]
