"""Transactions that the broker left open: found and aborted before their owner's next one.

In: a transactional id that has just been taken over. Out: abort markers where one is missing. Apache Kafka 4.0 to 4.3
(KAFKA-20734) drops the markers of a transaction where a partition has no leader at that moment, as after a crash, and
calls the transaction complete all the same. What it wrote then blocks every reader of committed records and every
reader of those offsets for ever, or until the next marker of the same producer ends it, be that a commit: an aborted
batch would come to light again. No one but the owner may mend it, for only the owner knows that nothing of its own is
still open. Imports contracts and kafka-python.
"""

from collections.abc import Iterable, Iterator

import structlog
from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import AbortTransactionSpec
from kafka.errors import KafkaError

from contracts.errors import BrokerUnreachable
from contracts.settings import KafkaSettings
from producers.connecting import connect_admin

OFFSETS_TOPIC = "__consumer_offsets"
_LOG = structlog.get_logger()


def abort_left_open(kafka: KafkaSettings, transactional_id: str, *, prefix: str) -> int:
    """Abort what is open under an id in the topics that begin with `prefix`; returns in how many partitions.

    Call it after `init_transactions` and before the first transaction: then nothing of this id can rightly be open.
    Raises BrokerUnreachable. A cluster that does not allow it is left as it is, with a word in the log.
    """
    admin = connect_admin(kafka)
    try:
        specs = list(_left_open(admin, prefix, transactional_id=transactional_id))
        for spec in specs:
            admin.abort_transaction(spec)
            _LOG.warning(
                "open_transaction_aborted",
                transactional_id=transactional_id,
                topic=spec.topic_partition.topic,
                partition=spec.topic_partition.partition,
            )
        return len(specs)
    except KafkaError as error:
        if error.retriable:
            raise BrokerUnreachable(f"open transactions were not looked for: {error!r}") from error
        _LOG.warning("open_transactions_not_looked_for", error=repr(error))
        return 0
    finally:
        admin.close()


def _left_open(
    admin: KafkaAdminClient, prefix: str, *, transactional_id: str
) -> Iterator[AbortTransactionSpec]:
    owner = admin.describe_transactions([transactional_id])[transactional_id].producer_id
    for tp, state in admin.describe_producers(_partitions(admin, prefix)).items():
        for producer in state.active_producers:
            if producer.producer_id == owner and producer.current_transaction_start_offset >= 0:
                yield AbortTransactionSpec(
                    topic_partition=tp,
                    producer_id=owner,
                    producer_epoch=producer.producer_epoch,
                    coordinator_epoch=producer.coordinator_epoch,
                )


def _partitions(admin: KafkaAdminClient, prefix: str) -> Iterable[TopicPartition]:
    names = [
        name for name in admin.list_topics() if name.startswith(prefix) or name == OFFSETS_TOPIC
    ]
    return [
        TopicPartition(topic["name"], partition["partition_index"])
        for topic in admin.describe_topics(names)
        for partition in topic["partitions"]
    ]
