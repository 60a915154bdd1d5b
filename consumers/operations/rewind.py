"""Rewind: let a new group begin at a moment of the past.

In: a group that has read nothing yet, and a time. Out: its committed offsets. Run before the group's first worker.
"""

from datetime import datetime

import structlog
from kafka import OffsetAndMetadata, TopicPartition
from kafka.errors import KafkaError

from consumers.runtime.connection import group_consumer
from contracts.codec import epoch_ms
from contracts.errors import BrokerUnreachable
from contracts.settings import Settings
from contracts.topics import LANES

_LOG = structlog.get_logger()


def begin_at(settings: Settings, moment: datetime) -> dict[str, int]:
    """Commit, for the score group, the first offset at or after `moment` of each input partition.

    Returns offsets by `topic:partition`; none, with a word in the log, for a group that has read before.
    """
    names = settings.topics.names
    group = names.prefix + settings.score.group
    topics = [names.of(LANES[lane]) for lane in settings.score.lanes]
    consumer = group_consumer(settings, group=group, client_id="hubbub-rewind")
    try:
        tps = [
            TopicPartition(topic, partition)
            for topic in topics
            for partition in sorted(consumer.partitions_for_topic(topic) or ())
        ]
        if any(consumer.committed(tp) is not None for tp in tps):
            # A worker that is started again, or a second one, goes on where its group is.
            _LOG.info("group_has_read_before", group=group)
            return {}
        found = consumer.offsets_for_times(dict.fromkeys(tps, max(0, epoch_ms(moment))))
        ends = consumer.end_offsets(tps)
        offsets = {tp: found[tp].offset if found.get(tp) else ends[tp] for tp in tps}
        consumer.assign(tps)
        consumer.commit({tp: OffsetAndMetadata(at, "", -1) for tp, at in offsets.items()})
        return {f"{tp.topic}:{tp.partition}": at for tp, at in offsets.items()}
    except KafkaError as error:
        raise BrokerUnreachable(f"offsets of {group} were not set: {error!r}") from error
    finally:
        consumer.close(autocommit=False)
