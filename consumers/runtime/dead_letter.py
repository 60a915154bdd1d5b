"""Dead letters as the runtime makes them: the original bytes and headers, the reason in headers.

In: a record and an error. Out: headers for topic `dead-letter`. Imports contracts alone.
"""

from consumers.protocols import Record
from consumers.runtime.skipped import CorruptRange
from contracts.dead_letters import DeadLetter, attempt_of, original_headers, reason_of
from contracts.errors import HubbubError


def letter_headers(
    record: Record, error: HubbubError, *, stage: str, now_ms: int
) -> list[tuple[str, bytes]]:
    """Return the original headers, then why and where the record died; `now_ms` is epoch milliseconds."""
    code, reason, place = reason_of(error)
    corrupt = record if isinstance(record, CorruptRange) else None
    letter = DeadLetter(
        stage=stage,
        code=code,
        reason=reason,
        topic=record.topic,
        partition=record.partition,
        offset=corrupt.first_offset if corrupt else record.offset,
        last_offset=corrupt.last_offset if corrupt else None,
        place=place,
        attempt=attempt_of(record.headers),
        at_ms=now_ms,
    )
    return [*original_headers(record.headers), *letter.to_headers()]
