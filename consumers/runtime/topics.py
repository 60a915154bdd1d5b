"""Topics made and checked: the table of contracts/topics against what the broker has.

In: settings. Out: topics created; their differences from the table, in words. Growth in place is never done: a key
would change its partition.
"""

from collections.abc import Iterable

from kafka import KafkaAdminClient
from kafka.errors import KafkaError, TopicAlreadyExistsError

from contracts.errors import BrokerUnreachable, TopicInvalid
from contracts.settings import Settings
from contracts.topics import SOURCES_GROUP, TABLE, Topic, changelog_of
from producers.connecting import connect_admin


def topics_of(settings: Settings) -> tuple[Topic, ...]:
    """Return every topic that this deployment needs, the changelogs of its groups and its sources included."""
    groups = (settings.score.group, settings.alert.group, SOURCES_GROUP)
    return (*TABLE, *(changelog_of(group) for group in groups))


def create_topics(settings: Settings, topics: Iterable[Topic]) -> list[str]:
    """Create what is missing; returns the full names of what was made."""
    admin = connect_admin(settings.kafka)
    try:
        made = [topic for topic in topics if _create(admin, settings, topic=topic)]
        return [settings.topics.names.of(topic) for topic in made]
    except KafkaError as error:
        raise TopicInvalid(f"topics were not created: {error!r}") from error
    finally:
        admin.close()


def partition_counts(settings: Settings, topics: Iterable[Topic]) -> dict[str, int]:
    """Return how many partitions each topic has, 0 where it is missing, by full name."""
    admin = connect_admin(settings.kafka)
    try:
        names = [settings.topics.names.of(topic) for topic in topics]
        found = {item["name"]: len(item["partitions"]) for item in admin.describe_topics(names)}
        return {name: found.get(name, 0) for name in names}
    except KafkaError as error:
        raise BrokerUnreachable(f"topics were not described: {error!r}") from error
    finally:
        admin.close()


def check_topics(settings: Settings, topics: Iterable[Topic]) -> int:
    """Return the partition count that all partitioned topics share.

    Raises TopicInvalid for a topic that is missing, or whose partitions differ from the others'.
    """
    wanted = tuple(topics)
    counts = partition_counts(settings, wanted)
    missing = [name for name, count in counts.items() if count == 0]
    if missing:
        raise TopicInvalid(f"missing: {', '.join(missing)}; `hubbub topics create` makes them")
    names = settings.topics.names
    spread = {names.of(t): counts[names.of(t)] for t in wanted if t.spread == "partitioned"}
    if len(set(spread.values())) > 1:
        told = ", ".join(f"{name} has {count}" for name, count in spread.items())
        raise TopicInvalid(
            f"partition counts differ: {told}; make new topics under another prefix and replay"
        )
    return next(iter(spread.values()))


def _create(admin: KafkaAdminClient, settings: Settings, *, topic: Topic) -> bool:
    count = settings.topics.partitions if topic.spread == "partitioned" else 1
    layout = {
        "num_partitions": count,
        "replication_factor": settings.topics.replication,
        "configs": topic.broker_settings(),
    }
    try:
        admin.create_topics({settings.topics.names.of(topic): layout}, wait_for_metadata=True)
    except TopicAlreadyExistsError:
        return False
    return True
