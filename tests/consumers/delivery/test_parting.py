"""What is refused is found among what is taken, with few requests; what is no fault of it is raised."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.delivery.parting import REFUSALS, Part, post_apart
from consumers.delivery.posts import firing_post, identity_of
from consumers.delivery.sending import Known, Sending
from contracts.errors import ChannelFailed
from tests.given_alerts import NOON, alert_of

BATCH = 200


def sending_of(number: int) -> Sending:
    alert = alert_of(rule=f"rule-{number}")
    post = firing_post(alert, NOON + timedelta(minutes=9), resend_s=60, page=None)
    return Sending(identity_of(alert), Known(alert.key, alert.number, post))


SENDINGS = [sending_of(number) for number in range(BATCH)]


class Channel:
    """Take all but the bad ones, as one request or not at all; it may fail for good after some requests."""

    def __init__(self, *bad: int, status: int | None = 422, fails_after: int = 10**9) -> None:
        self.bad = {SENDINGS[number].labels for number in bad}
        self.status, self.fails_after = status, fails_after
        self.requests = 0
        self.taken: list[Sending] = []

    def post(self, sendings: Sequence[Sending]) -> None:
        self.requests += 1
        if self.requests > self.fails_after:
            raise ChannelFailed("http://a:1 answered 503", status=503)
        if any(one.labels in self.bad for one in sendings):
            raise ChannelFailed(f"http://a:1 answered {self.status}", status=self.status)
        self.taken += sendings


def parts_of(channel: Channel, sendings: Sequence[Sending]) -> list[Part]:
    return list(post_apart(sendings, channel.post))


def test_one_bad_alert_of_a_batch_is_found_and_the_others_are_taken() -> None:
    channel = Channel(77)
    refused = [part for part in parts_of(channel, SENDINGS) if part.refusal]
    assert [(list(part.sendings), part.refusal and part.refusal.status) for part in refused] == [
        ([SENDINGS[77]], 422)
    ]
    assert channel.taken == [*SENDINGS[:77], *SENDINGS[78:]]
    assert channel.requests <= 17


@given(st.integers(0, 40), st.sets(st.integers(0, 39)))
def test_whichever_are_bad_each_is_answered_once_in_its_order(count: int, bad: set[int]) -> None:
    channel = Channel(*bad)
    parts = parts_of(channel, SENDINGS[:count])
    assert [one for part in parts for one in part.sendings] == SENDINGS[:count]
    refused = [one for part in parts if part.refusal for one in part.sendings]
    assert refused == [SENDINGS[number] for number in sorted(bad) if number < count]
    assert channel.requests <= max(1, 2 * count)


@pytest.mark.parametrize("status", [None, 301, 401, 403, 404, 408, 429, 500, 503])
def test_what_is_no_fault_of_an_alert_is_raised_and_nothing_is_parted(status: int | None) -> None:
    channel = Channel(0, status=status)
    with pytest.raises(ChannelFailed):
        parts_of(channel, SENDINGS)
    assert (channel.requests, status in REFUSALS) == (1, False)


def test_a_failure_in_between_is_raised_after_what_was_answered() -> None:
    channel = Channel(0, fails_after=9)
    answered: list[Sending] = []

    def answer() -> None:
        for part in post_apart(SENDINGS, channel.post):
            answered.extend(part.sendings)

    with pytest.raises(ChannelFailed, match="503"):
        answer()
    assert answered == SENDINGS[: len(answered)]
    assert answered[1:] == channel.taken
    assert 0 < len(answered) < BATCH
