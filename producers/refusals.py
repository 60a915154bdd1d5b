"""Refusals: what kafka-python's errors mean, in our words.

In: errors of the client, bare or wrapped. Out: whether another owner has taken over, whether a record will never be
taken, and one of our errors for a client that could not connect. Imports contracts and kafka-python's errors.
"""

import traceback

from kafka.errors import (
    FencedInstanceIdError,
    InvalidProducerEpochError,
    InvalidRecordError,
    InvalidTxnStateError,
    KafkaError,
    MessageSizeTooLargeError,
    ProducerFencedError,
    RecordListTooLargeError,
    SaslAuthenticationFailedError,
    UnsupportedSaslMechanismError,
)

from contracts.errors import BrokerUnreachable, SettingsInvalid, TransactionLost
from contracts.settings import KafkaSettings

# What the broker says to an owner that was replaced. kafka-python raises it bare, wraps it in another error, or only
# writes its name into another error's text, whichever step met it.
FENCED = (
    ProducerFencedError,
    InvalidProducerEpochError,
    InvalidTxnStateError,
    FencedInstanceIdError,
)
# What the broker says of a record that it will never take.
REFUSED = (MessageSizeTooLargeError, RecordListTooLargeError, InvalidRecordError)


def is_fenced(error: BaseException) -> bool:
    """Say whether an error, or one that it wraps, means that another owner has taken over."""
    return _speaks_of(error, FENCED)


def is_refused(error: BaseException) -> bool:
    """Say whether an error, or one that it wraps, means that a record will never be accepted."""
    return _speaks_of(error, REFUSED)


def _speaks_of(error: BaseException, kinds: tuple[type[KafkaError], ...]) -> bool:
    if isinstance(error, kinds) or any(kind.__name__ in str(error) for kind in kinds):
        return True
    inner = [item for item in (*error.args, error.__cause__) if isinstance(item, BaseException)]
    return any(_speaks_of(item, kinds) for item in inner)


def unreachable(
    kafka: KafkaSettings, error: KafkaError
) -> BrokerUnreachable | SettingsInvalid | TransactionLost:
    """Return in our words why no client could be connected."""
    reason = _last_reason(error) or error
    if _speaks_of(reason, (SaslAuthenticationFailedError, UnsupportedSaslMechanismError)):
        return SettingsInvalid(
            f"Kafka at {kafka.bootstrap} refuses user {kafka.username!r} with {kafka.sasl_mechanism}: check "
            "kafka.username, kafka.password and kafka.sasl_mechanism"
        )
    if is_fenced(error):
        return TransactionLost(f"replaced while connecting: {error!r}", fenced=True)
    words = f"no Kafka at {kafka.bootstrap}: {reason or type(reason).__name__}"
    if "SASL" in kafka.security_protocol and ("disconnected" in words or "timed out" in words):
        # A broker that refuses a password closes the connection, mostly before its answer has been read; and the last
        # try may have been given no time for one.
        words += (
            f" while signing in as {kafka.username!r} with {kafka.sasl_mechanism}; if this stays, check "
            "kafka.username, kafka.password and kafka.sasl_mechanism"
        )
    return BrokerUnreachable(words)


def _last_reason(error: KafkaError) -> BaseException | None:
    """Return why the last connection failed.

    kafka-python says no more than that its time was over; the connection that it tried last still knows.
    """
    for frame, _ in traceback.walk_tb(error.__traceback__):
        tried = getattr(frame.f_locals.get("conn"), "init_future", None)
        reason = getattr(tried, "exception", None)
        if isinstance(reason, BaseException):
            return reason
    return None
