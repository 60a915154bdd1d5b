"""Recordings for tests: a day of talk about one maker, and an hour in which it is much more."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from contracts.events import Author, Event
from contracts.watches import Rule, Watch

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
TURN = BEGIN + timedelta(hours=6)
WATCH = Watch(
    id="acme", query="acme", rules=(Rule("volume_spike"), Rule("silence", {"for": "30m"}))
)
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def event_of(number: int, at: datetime, *, text: str = "acme") -> Event:
    """Return one event; each has words and an author of its own, in one of two sources."""
    word = "".join(LETTERS[int(digit)] for digit in str(number))
    return Event(
        id=str(number), source=("chirp", "weiyu")[number % 2], observed_at=at, text=f"{text} {word}",
        author=Author(key=f"author-{number}"),
    )  # fmt: skip


def quiet(hours: float, *, every_s: int = 300) -> Iterator[Event]:
    """Yield a mention every so many seconds from the beginning on."""
    for number in range(int(hours * 3600 / every_s)):
        yield event_of(number, BEGIN + timedelta(seconds=number * every_s))


def surge(count: int = 60, *, every_s: int = 5) -> Iterator[Event]:
    """Yield many mentions from the turn on."""
    for number in range(count):
        yield event_of(10_000 + number, TURN + timedelta(seconds=number * every_s))


def recording() -> list[Event]:
    """Return six quiet hours, a surge of five minutes, and two more quiet hours."""
    after = (event_of(20_000 + n, TURN + timedelta(minutes=10, seconds=300 * n)) for n in range(24))
    return [*quiet(6), *surge(), *after]
