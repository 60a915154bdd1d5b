"""The intake: as many records as asked for, and how many wait behind them."""

from collections.abc import Iterator

import pytest

from consumers.runtime.intake import Intake
from contracts.settings import Settings
from contracts.topics import EVENTS_TEXT
from tests.streams import event_of, eventually, publish_events, quiet_clients, stream_settings


@pytest.fixture
def settings(bootstrap: str) -> Settings:
    settings = stream_settings(bootstrap, partitions=2)
    publish_events(settings, [event_of(f"t{number % 7}", number) for number in range(200)])
    return settings


@pytest.fixture
def intake(settings: Settings) -> Iterator[Intake]:
    intake = Intake(
        settings, group=f"{settings.topics.prefix}g", topics=[settings.topics.names.of(EVENTS_TEXT)],
        client_id="slot-0", before_leaving=lambda: None,
    )  # fmt: skip
    with quiet_clients():
        intake.start()
        yield intake
        intake.close()


def test_a_poll_brings_no_more_than_asked_for_and_tells_what_waits(intake: Intake) -> None:
    # Given a member that has just come and taken nothing
    assert intake.waiting == 0
    # When it asks for few records until there are none left
    taken: list[tuple[int, int]] = []
    seen = 0

    def is_done() -> bool:
        nonlocal seen
        if intake.is_settled and intake.generation != seen:
            # It has just come, or was put out for being slow and is there again: it begins anew.
            seen = intake.generation
            taken.clear()
            intake.resume(intake.held)
        count = sum(map(len, intake.poll(200, most=30).values()))
        taken.append((count, intake.waiting))
        return sum(count for count, _ in taken) == 200

    assert eventually(is_done)
    # Then no poll brought more, and what is said to wait is never more than what does
    left = 200
    for count, waiting in taken:
        left -= count
        assert count <= 30
        assert waiting <= left
    # One of the two partitions holds a hundred at least.
    assert max(waiting for _, waiting in taken) >= 70
    assert intake.waiting == 0
