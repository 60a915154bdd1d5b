"""Retries: five tries, growing waits, and then what the error's disposition says."""

import pytest

from consumers.protocols import Batch
from consumers.runtime.outcome import BatchOutcome
from consumers.runtime.retries import GoSingly, Retries, StageFailed
from contracts.errors import (
    BrokerUnreachable,
    HubbubError,
    OwnTopicUnreadable,
    RecordMisfit,
)
from contracts.settings import RuntimeSettings
from tests.consumers.runtime.given import LEFT, batch_of, outcome_on

DEAD = outcome_on(LEFT)
DONE = outcome_on(LEFT)


class Trying:
    """Try a batch whose first `failures` tries raise `error`."""

    def __init__(self, error: Exception, failures: int = 10**9) -> None:
        self._error = error
        self._failures = failures
        self.tries = 0
        self.waits: list[int] = []
        self.told: list[HubbubError] = []

    def attempt(self) -> BatchOutcome:
        self.tries += 1
        if self.tries <= self._failures:
            raise self._error
        return DONE

    def dead(self, error: HubbubError) -> BatchOutcome:
        self.told.append(error)
        return DEAD

    def run(self, batch: Batch) -> BatchOutcome:
        retries = Retries("test", RuntimeSettings(backoff_ms=200), wait=self.waits.append)
        return retries.run(batch, self.attempt, dead=self.dead)


def test_a_batch_that_works_is_tried_once() -> None:
    trying = Trying(ValueError(), failures=0)
    assert trying.run(batch_of(left=3)) is DONE
    assert (trying.tries, trying.waits) == (1, [])


@pytest.mark.parametrize("error", [RecordMisfit("bad"), OwnTopicUnreadable("bad"), ValueError("x")])
def test_one_that_works_at_the_fifth_try_is_done(error: Exception) -> None:
    trying = Trying(error, failures=4)
    assert trying.run(batch_of(left=3)) is DONE
    assert trying.waits == [200, 400, 800, 1600]


def test_what_may_come_back_is_waited_for_without_end_and_with_a_longest_wait() -> None:
    trying = Trying(BrokerUnreachable("away"), failures=30)
    assert trying.run(batch_of(left=3)) is DONE
    assert trying.waits[-1] == 10_000
    assert len(trying.waits) == 30


def test_a_single_record_that_cannot_be_used_is_set_aside_after_five_tries() -> None:
    error = RecordMisfit("bad")
    trying = Trying(error)
    assert trying.run(batch_of(left=1)) is DEAD
    assert (trying.tries, trying.told) == (5, [error])


def test_several_records_go_singly_since_nobody_knows_which_it_is() -> None:
    trying = Trying(RecordMisfit("bad"))
    with pytest.raises(GoSingly):
        trying.run(batch_of(left=2))
    assert (trying.tries, trying.told) == (5, [])


def test_what_must_not_go_on_is_raised_after_five_tries() -> None:
    trying = Trying(OwnTopicUnreadable("bad"))
    with pytest.raises(OwnTopicUnreadable):
        trying.run(batch_of(left=1))
    assert trying.tries == 5


def test_a_stage_that_raises_what_is_not_ours_stops_with_its_words() -> None:
    trying = Trying(ZeroDivisionError("division by zero"))
    with pytest.raises(StageFailed, match="ZeroDivisionError: division by zero") as caught:
        trying.run(batch_of(left=1))
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
