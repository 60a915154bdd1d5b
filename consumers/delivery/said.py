"""What was said on topic `feedback` so far, so that a restart says nothing twice.

In: settings. Out: every record of feedback, in order within a watch. One that cannot be read is left out and told.
"""

from collections.abc import Iterator

import structlog

from consumers.operations.reading import Reader
from contracts.alerts import Feedback
from contracts.codec import Codec
from contracts.errors import RecordInvalid
from contracts.settings import Settings
from contracts.topics import FEEDBACK

_LOG = structlog.get_logger()


def feedback_so_far(settings: Settings, *, client_id: str) -> Iterator[Feedback]:
    """Yield all there is; raises BrokerUnreachable, TopicInvalid."""
    codec = Codec(Feedback, limit_bytes=FEEDBACK.limit_bytes)
    with Reader(settings.kafka, client_id=client_id) as reader:
        for record in reader.read(reader.spans([settings.topics.names.of(FEEDBACK)])):
            try:
                yield codec.decode(record.value, record.headers)
            except RecordInvalid as error:
                _LOG.error("feedback_unreadable", offset=record.offset, code=error.code)
