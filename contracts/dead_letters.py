"""Dead letters: a record that could not be used, kept as it came.

In: the original key, value and headers. Out: what goes to topic `dead-letter`, and its reading back. The value is the
original's to the byte; the reason lives in headers, so that a letter can be put back by copying it.
Imports msgspec and contracts alone.

A letter that was put back stays where it is. A marker tells: a record of the same topic with the letter's key, an empty
value and `hubbub-dead-retried`, which holds the letter's id, written in the transaction that put the letter back. No
letter carries that header: what an original brings under `hubbub-dead-` is left out of its letter.
"""

from typing import Self

import msgspec

from contracts.envelopes import Headers
from contracts.errors import HubbubError, RecordInvalid

PREFIX = "hubbub-dead-"
RETRIED_HEADER = PREFIX + "retried"
RETRIED_AT_HEADER = PREFIX + "retried-at-ms"
RETRIED_AS_HEADER = PREFIX + "retried-as"
ATTEMPT_HEADER = "hubbub-attempt"
REASON_LIMIT = 2000
MAX_ATTEMPTS = 3
ATTEMPT_DIGITS = 9


class DeadLetter(msgspec.Struct, frozen=True):
    """Say why and where a record died.

    `topic`, `partition`, `offset` (to `last_offset` for a whole corrupt batch) are where it lay; `place` is the path
    inside it; `attempt` counts its tries from 1; `at_ms` is epoch milliseconds.
    """

    stage: str
    code: str
    reason: str
    topic: str
    partition: int
    offset: int
    place: str = "$"
    attempt: int = 1
    at_ms: int = 0
    last_offset: int | None = None

    @property
    def id(self) -> str:
        """Return the letter's name, `stage:topic:partition:offset`: two stages may set one record aside."""
        return f"{self.stage}:{self.topic}:{self.partition}:{self.offset}"

    def to_headers(self) -> list[tuple[str, bytes]]:
        """Return this as Kafka headers, each field under `hubbub-dead-<field>`.

        What UTF-8 cannot hold is written as an escape: a letter can always be written.
        """
        return [
            (PREFIX + name.replace("_", "-"), str(value).encode("utf-8", "backslashreplace"))
            for name, value in msgspec.structs.asdict(self).items()
            if value is not None
        ]

    @classmethod
    def from_headers(cls, headers: Headers) -> Self:
        """Return what `to_headers` wrote; raises RecordInvalid when a field is missing."""
        raw = {
            name.removeprefix(PREFIX).replace("-", "_"): (value or b"").decode("utf-8", "replace")
            for name, value in headers
            if name.startswith(PREFIX)
        }
        try:
            return msgspec.convert(raw, cls, strict=False)
        except msgspec.ValidationError as error:
            raise RecordInvalid(f"not a dead letter: {error}", place="headers") from error


def original_headers(headers: Headers) -> list[tuple[str, bytes]]:
    """Return the headers that the original carried, in their order.

    One without a value has an empty one, which means the same to the codec: kafka-python sends no other.
    """
    return [(name, value or b"") for name, value in headers if not name.startswith(PREFIX)]


def headers_to_put_back(headers: Headers) -> list[tuple[str, bytes]]:
    """Return the headers with which a letter goes back to its topic: the original's, and the next attempt."""
    kept = [header for header in original_headers(headers) if header[0] != ATTEMPT_HEADER]
    return [*kept, (ATTEMPT_HEADER, str(attempt_of(headers) + 1).encode())]


def marker_headers(letter: DeadLetter, *, at_ms: int, repaired: bool) -> list[tuple[str, bytes]]:
    """Return the headers of the marker that says that a letter was put back, when, and `as-it-was` or `repaired`."""
    return [
        (RETRIED_HEADER, letter.id.encode("utf-8", "backslashreplace")),
        (RETRIED_AT_HEADER, str(at_ms).encode()),
        (RETRIED_AS_HEADER, b"repaired" if repaired else b"as-it-was"),
    ]


def retried_id(headers: Headers) -> str | None:
    """Return the id of the letter that a marker tells of, None for a record that is no marker."""
    for name, value in headers:
        if name == RETRIED_HEADER:
            return (value or b"").decode("utf-8", "replace")
    return None


def attempt_of(headers: Headers) -> int:
    """Return which try this record is, from 1; of two headers the last counts.

    A header that is not a number of at most nine digits counts as the first try.
    """
    for name, value in reversed(headers):
        if name == ATTEMPT_HEADER:
            is_number = value is not None and value.isdigit() and len(value) <= ATTEMPT_DIGITS
            return max(1, int(value)) if value and is_number else 1
    return 1


def reason_of(error: HubbubError) -> tuple[str, str, str]:
    """Return (code, reason, place) of an error, the reason cut to 2,000 characters."""
    place = error.place if isinstance(error, RecordInvalid) else "$"
    return error.code, str(error)[:REASON_LIMIT], place
