r"""Header names that are not UTF-8, read all the same.

In: record batches as kafka-python parses them. Out: such names with their bytes escaped (`\xff`), so that the record
goes its way like any other. Kafka's protocol says that a name is UTF-8, its brokers do not check, and some clients
write any bytes: kafka-python 3.0.12 then calls the whole batch corrupt and never gets past it.
"""

from kafka.record import memory_records
from kafka.record.default_records import DefaultRecord, DefaultRecordBatch
from kafka.record.util import decode_varint


class EscapingBatch(DefaultRecordBatch):  # type: ignore[misc]
    """A batch whose header names may hold any bytes."""

    _pos: int

    def _read_msg(self) -> DefaultRecord:
        try:
            return super()._read_msg()
        except UnicodeDecodeError:
            return self._read_escaped()

    def _read_escaped(self) -> DefaultRecord:
        """Read the record at hand as kafka-python does, names apart; the layout is Kafka's record format 2."""
        buffer = self._buffer
        length, start = decode_varint(buffer, int(self._pos))
        _, pos = decode_varint(buffer, start)
        ts_delta, pos = decode_varint(buffer, pos)
        offset_delta, pos = decode_varint(buffer, pos)
        key, pos = _nullable(buffer, pos)
        value, pos = _nullable(buffer, pos)
        count, pos = decode_varint(buffer, pos)
        headers = []
        for _ in range(count):
            name, pos = _nullable(buffer, pos)
            content, pos = _nullable(buffer, pos)
            headers.append(((name or b"").decode("utf-8", "backslashreplace"), content))
        self._pos = start + length
        is_append_time = self.timestamp_type == self.LOG_APPEND_TIME
        timestamp = self.max_timestamp if is_append_time else self.first_timestamp + ts_delta
        return DefaultRecord(
            length,
            self.base_offset + offset_delta,
            timestamp,
            self.timestamp_type,
            key,
            value,
            headers,
        )


def _nullable(buffer: bytearray, pos: int) -> tuple[bytes | None, int]:
    size, pos = decode_varint(buffer, pos)
    if size < 0:
        return None, pos
    return bytes(buffer[pos : pos + size]), pos + size


def install() -> None:
    """Let every consumer of this process read so; a second call changes nothing."""
    memory_records.DefaultRecordBatch = EscapingBatch
