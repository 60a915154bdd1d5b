"""Every error of Hubbub, in one tree.

In: nothing. Out: exception classes with a stable `code` and a `disposition`. Imports nothing of ours.

    HubbubError
    ├── InvalidInput             a person gave something wrong; says what, where, and the remedy
    │   ├── SettingsInvalid
    │   ├── QueryInvalid         a watch's query does not parse; carries the position
    │   ├── WatchInvalid
    │   ├── RuleInvalid          a rule of a watch that cannot be or could never fire; carries its place
    │   ├── SourceInvalid        a file, mapping or address that a source cannot read
    │   ├── TopicInvalid         a topic is missing or laid out differently from its table
    │   └── MissingExtra         an optional part of the install is needed
    ├── RecordInvalid            a record cannot be what it claims to be: a dead letter
    │   ├── RecordTooLarge
    │   ├── RecordUndecodable
    │   ├── RecordMisfit         JSON, but not of the shape its type promises
    │   ├── UnknownType
    │   └── UnknownMajorVersion  an envelope from a future we do not know
    ├── CorruptBatch             the broker serves bytes whose checksum is wrong
    ├── PoisonRecord             a record that ended its worker three times
    ├── Unavailable              a thing outside that may come back: try again
    │   ├── BrokerUnreachable
    │   ├── ChannelFailed        a channel of delivery did not answer, or did not take what it was sent
    │   └── DownloadFailed
    ├── OwnTopicUnreadable       a record of ours that we cannot read: stop and say so
    ├── StateInvalid             a changelog that this version cannot read
    ├── TransactionLost          the outcome of a transaction is unknown or its owner was replaced
    ├── Stalled                  a watchdog saw no progress
    ├── ModelInvalid             weights or manifest that do not belong together
    ├── EngineFailed             an engine could not start or run a batch: the next engine may
    └── NodeFailed               the embedded Kafka could not run
        ├── PortInUse
        ├── NotLoopback
        ├── DataInUse
        └── DiskFull

`disposition` is what the loop does when tries are used up: `retry` goes on trying, `dead_letter` sets the
record aside, `crash` ends the process so that its supervisor starts a fresh one.
"""

from typing import ClassVar, Literal

Disposition = Literal["retry", "dead_letter", "crash"]


class HubbubError(Exception):
    """Say what was wrong, the value, and what was expected; the root of the tree."""

    code: ClassVar[str] = "error"
    disposition: ClassVar[Disposition] = "crash"


class InvalidInput(HubbubError):
    """Report a person's mistake: the place, the value and the remedy."""

    code = "input_invalid"


class SettingsInvalid(InvalidInput):
    """Report a settings key or value that is unknown or out of range."""

    code = "settings_invalid"


class QueryInvalid(InvalidInput):
    """Report a query that does not parse; `line` and `column` count from 1."""

    code = "query_invalid"

    def __init__(self, message: str, *, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


class WatchInvalid(InvalidInput):
    """Report a watch whose name, owner or rules cannot be."""

    code = "watch_invalid"


class RuleInvalid(InvalidInput):
    """Report a rule that cannot be, with its place in the watch: `rules[1].settings.sensitivity`."""

    code = "rule_invalid"


class SourceInvalid(InvalidInput):
    """Report a source that cannot be read as asked."""

    code = "source_invalid"


class TopicInvalid(InvalidInput):
    """Report a topic that is missing or laid out differently from its table."""

    code = "topic_invalid"


class MissingExtra(InvalidInput):
    """Report an optional dependency and the command that installs it."""

    code = "missing_extra"


class RecordInvalid(HubbubError):
    """Mark a record that will never be readable; `place` is a path such as `$.media[0].url`."""

    code = "record_invalid"
    disposition = "dead_letter"

    def __init__(self, message: str, *, place: str = "$") -> None:
        super().__init__(message)
        self.place = place


class RecordTooLarge(RecordInvalid):
    """Mark a record over the size that its topic allows."""

    code = "record_too_large"


class RecordUndecodable(RecordInvalid):
    """Mark bytes that are not UTF-8 JSON of one value."""

    code = "record_undecodable"


class RecordMisfit(RecordInvalid):
    """Mark JSON that does not fit its schema."""

    code = "record_misfit"


class UnknownType(RecordInvalid):
    """Mark an envelope whose type this topic does not carry."""

    code = "unknown_type"


class UnknownMajorVersion(RecordInvalid):
    """Mark an envelope whose major version is newer than ours."""

    code = "unknown_major_version"


class CorruptBatch(HubbubError):
    """Name the partition and offsets of a batch whose checksum stays wrong."""

    code = "corrupt_batch"
    disposition = "dead_letter"


class PoisonRecord(HubbubError):
    """Name a record at which the worker ended three times."""

    code = "poison_record"
    disposition = "dead_letter"


class Unavailable(HubbubError):
    """Report something outside that may come back."""

    code = "unavailable"
    disposition = "retry"


class BrokerUnreachable(Unavailable):
    """Report a broker that does not answer, and its address."""

    code = "broker_unreachable"


class ChannelFailed(Unavailable):
    """Report a channel that did not answer (`status` is None) or did not take what it was sent."""

    code = "channel_failed"

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class DownloadFailed(Unavailable):
    """Report a download that failed or does not match its hash."""

    code = "download_failed"


class OwnTopicUnreadable(HubbubError):
    """Stop at a record of our own topics that this version cannot read."""

    code = "own_topic_unreadable"


class StateInvalid(HubbubError):
    """Stop at a changelog that this version cannot read."""

    code = "state_invalid"


class TransactionLost(HubbubError):
    """Say that clients must be torn down: the transaction's outcome is not ours to know."""

    code = "transaction_lost"

    def __init__(self, message: str, *, fenced: bool = False) -> None:
        super().__init__(message)
        self.fenced = fenced


class Stalled(HubbubError):
    """Report a partition or a transaction that made no progress in time."""

    code = "stalled"


class ModelInvalid(HubbubError):
    """Report weights, manifest or tokenizer that do not belong together."""

    code = "model_invalid"


class EngineFailed(HubbubError):
    """Report an engine that lacks memory or its device, or broke while it ran; another engine may do the same batch."""

    code = "engine_failed"


class NodeFailed(HubbubError):
    """Report an embedded Kafka that could not start or has ended."""

    code = "node_failed"


class PortInUse(NodeFailed):
    """Report a port that another process holds."""

    code = "port_in_use"


class NotLoopback(NodeFailed):
    """Refuse an address beyond loopback."""

    code = "not_loopback"


class DataInUse(NodeFailed):
    """Report a data folder that another live node holds."""

    code = "data_in_use"


class DiskFull(NodeFailed):
    """Report a disk that cannot take another byte."""

    code = "disk_full"
