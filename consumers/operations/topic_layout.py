"""How the topics lie on the broker, beside the table of contracts/topics.

In: settings. Out: one row for each topic: what it is, what it should be, and every difference in words.
"""

from collections.abc import Mapping

import msgspec
from kafka.admin import ConfigResource, ConfigResourceType

from consumers.operations.asking import ask, described_topics
from consumers.runtime.topics import topics_of
from contracts.settings import Settings
from contracts.topics import Topic

REMEDY = "hubbub topics create"


class TopicRow(msgspec.Struct, frozen=True):
    """Hold one topic as it lies: `partitions` is 0 where it is missing, `retention_ms` None where records stay."""

    topic: str
    partitions: int
    retention_ms: int | None
    cleanup: str
    differences: tuple[str, ...] = ()

    @property
    def in_sync(self) -> bool:
        """Say that the topic lies as the table has it."""
        return not self.differences


def layout(settings: Settings) -> list[TopicRow]:
    """Return every topic of this deployment as it lies, in the table's order; raises BrokerUnreachable."""
    topics = {settings.topics.names.of(topic): topic for topic in topics_of(settings)}
    partitions = described_topics(settings, list(topics))
    found = _broker_settings(settings, [name for name in topics if name in partitions])
    return [
        topic_row(
            name,
            topic,
            partitions=partitions.get(name, 0),
            wanted=topic.partitions(settings.topics.partitions),
            found=found.get(name, {}),
        )
        for name, topic in topics.items()
    ]


def topic_row(
    name: str, topic: Topic, *, partitions: int, wanted: int, found: Mapping[str, str]
) -> TopicRow:
    """Return one row from what the broker says of a topic: its partitions and its settings."""
    if not partitions:
        return TopicRow(
            name, 0, topic.retention_ms, topic.cleanup, (f"missing: `{REMEDY}` makes it",)
        )
    differences = [f"{partitions} partitions; expected {wanted}"] if partitions != wanted else []
    differences += [
        f"{key} {found.get(key)}; expected {value}"
        for key, value in topic.broker_settings().items()
        if found.get(key) != value
    ]
    cleanup = found.get("cleanup.policy", "")
    kept_ms = int(found.get("retention.ms", -1)) if "delete" in cleanup else -1
    return TopicRow(
        name, partitions, kept_ms if kept_ms >= 0 else None, cleanup, tuple(differences)
    )


def _broker_settings(settings: Settings, names: list[str]) -> dict[str, dict[str, str]]:
    if not names:
        return {}
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    answer = ask(settings, lambda admin: admin.describe_configs(asked, config_filter="all"))
    return {
        name: {key: str(entry["value"]) for key, entry in entries.items()}
        for name, entries in answer["topic"].items()
    }
