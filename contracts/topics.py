"""Topics: the one table of what lies where in Kafka.

In: a prefix. Out: names, keys, records and retention of every topic. Imports msgspec alone.
"""

from typing import Literal

import msgspec

DAY_MS = 86_400_000
INPUT_LIMIT_BYTES = 16 * 1024 * 1024
LETTER_LIMIT_BYTES = INPUT_LIMIT_BYTES + 1024 * 1024

# All partitioned topics have as many partitions as one another; a single one is read whole by every worker.
Spread = Literal["partitioned", "single"]


class Topic(msgspec.Struct, frozen=True):
    """Describe one topic; `name` is without prefix, `limit_bytes` bounds one batch of records."""

    name: str
    key: str
    records: tuple[str, ...]
    written_by: str
    retention_ms: int | None
    cleanup: Literal["delete", "compact", "compact,delete"] = "delete"
    spread: Spread = "partitioned"
    limit_bytes: int = INPUT_LIMIT_BYTES

    def kept(self) -> str:
        """Return in words how long records stay."""
        if self.cleanup == "compact":
            return "the latest of each key"
        if self.cleanup == "compact,delete":
            return f"the latest of each key, {(self.retention_ms or 0) // DAY_MS} days"
        return f"{(self.retention_ms or 0) // DAY_MS} days"

    def partitions(self, partitioned: int) -> int:
        """Return how many partitions the topic has where a partitioned one has `partitioned`."""
        return 1 if self.spread == "single" else partitioned

    def broker_settings(self) -> dict[str, str]:
        """Return the topic's settings in Kafka's own words."""
        settings = {"cleanup.policy": self.cleanup, "max.message.bytes": str(self.limit_bytes)}
        if self.retention_ms is not None:
            settings["retention.ms"] = str(self.retention_ms)
        return settings


EVENTS_TEXT = Topic("events.text", "tenant/thread", ("Event",), "producers", 7 * DAY_MS)
EVENTS_MEDIA = Topic("events.media", "tenant/thread", ("Event",), "producers", 7 * DAY_MS)
SCORED = Topic("scored", "tenant/thread", ("ScoredEvent",), "score", 7 * DAY_MS)
MENTIONS = Topic("mentions", "tenant/watch", ("Mention", "Tick"), "score", 7 * DAY_MS)
WATCHES = Topic("watches", "tenant/watch", ("Watch",), "command", None, "compact", "single")
ALERTS = Topic("alerts", "tenant/watch/alert", ("Alert",), "alert", 90 * DAY_MS, "compact,delete")
ALERT_TRANSITIONS = Topic(
    "alert-transitions", "tenant/watch", ("AlertTransition",), "alert", 90 * DAY_MS
)
FEEDBACK = Topic("feedback", "tenant/watch", ("Feedback",), "command", 90 * DAY_MS)
DEAD_LETTER = Topic(
    "dead-letter", "the original key", ("DeadLetter",), "every stage", 30 * DAY_MS,
    limit_bytes=LETTER_LIMIT_BYTES,
)  # fmt: skip

# Sources keep how far they have read in the changelog of this name.
SOURCES_GROUP = "sources"
TABLE = (
    EVENTS_TEXT, EVENTS_MEDIA, SCORED, MENTIONS, WATCHES, ALERTS, ALERT_TRANSITIONS, FEEDBACK, DEAD_LETTER,
)  # fmt: skip
LANES = {"text": EVENTS_TEXT, "media": EVENTS_MEDIA}


def changelog_of(group: str) -> Topic:
    """Return the topic in which the workers of one consumer group keep their state."""
    return Topic(f"{group}.changelog", "input topic, state key", ("State",), group, None, "compact")


class TopicNames(msgspec.Struct, frozen=True):
    """Give topics their full names, `<prefix><name>`."""

    prefix: str = "hubbub."

    def of(self, topic: Topic) -> str:
        """Return the full name of a topic."""
        return self.prefix + topic.name

    def lane_of(self, name: str) -> str:
        """Return the lane (`text`, `media`) of an events topic's full name; raises KeyError for another."""
        return {self.of(topic): lane for lane, topic in LANES.items()}[name]
