"""What a client that could not connect is told, in our words."""

import pytest
from kafka.errors import KafkaConnectionError, KafkaError, RequestTimedOutError

from contracts.settings import load
from producers.refusals import unreachable


@pytest.mark.parametrize(
    "error",
    [
        KafkaConnectionError("socket disconnected"),
        RequestTimedOutError("Request timed out after 234 ms"),
    ],
)
def test_whoever_signs_in_is_told_that_it_may_be_the_password(error: KafkaError) -> None:
    signing = load(
        flags={"kafka": {"security_protocol": "SASL_PLAINTEXT", "username": "alice", "password": "secret-1"}}
    ).kafka  # fmt: skip
    told = str(unreachable(signing, error))
    assert "check kafka.username, kafka.password" in told
    assert "secret-1" not in told
    # Where nobody signs in, it says nothing of passwords
    assert "password" not in str(unreachable(load().kafka, error))
