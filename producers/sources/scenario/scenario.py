"""The scenario: a written crisis, seeded and repeatable.

In: a seed, a start, a volume. Out: events in order of event time, and the turns that were planted in them. A phone
maker (Norvia) whose phone overheats goes from quiet days through complaints, anger and fear, a wave of news and an
apology to relief; a parcel carrier (Larkpost) has a quieter bad day; the rest is everyday talk. Half is English,
half Chinese. Must not import Kafka.
"""

import hashlib
import heapq
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from contracts.errors import SourceInvalid
from contracts.events import Event
from producers.sources.scenario.people import Cast
from producers.sources.scenario.phrases import Writer, load_book, load_crowd
from producers.sources.scenario.streams import Span, Stream
from producers.sources.scenario.timeline import CRISIS_H, PLANS, TURNS_H

LANGS = ("en", "zh")
Heap = list[tuple[datetime, int, Event | int]]  # an event, or the number of a stream to ask


class Turn(msgspec.Struct, frozen=True):
    """Hold one planted turn: from `at` on, `storyline` is in the phase `kind`."""

    at: datetime
    storyline: str
    kind: str


class Scenario:
    """Write the same events for the same seed, start, quiet days, scale and choice of turn.

    `start` defaults to such a time that the last event lies a moment ago. `scale` multiplies the volume; 1 with three
    quiet days gives about 8,000 events. `without_turn` leaves every day quiet. Raises SourceInvalid for a scale or a
    number of days that cannot be.
    """

    def __init__(
        self,
        seed: int = 7,
        *,
        start: datetime | None = None,
        quiet_days: float = 3,
        scale: float = 1,
        without_turn: bool = False,
    ) -> None:
        _check("quiet_days", quiet_days, least=0, most=365)
        _check("scale", scale, least=0.001, most=1000)
        length = timedelta(days=quiet_days, hours=CRISIS_H)
        begin = (start or datetime.now(UTC) - length).astimezone(UTC).replace(microsecond=0)
        self.seed = seed
        self.scale = scale
        self.without_turn = without_turn
        self.span = Span(begin, begin + timedelta(days=quiet_days), begin + length)
        # 3 and 3.0 are the same number, and must be the same story.
        parts = f"{seed}|{begin.isoformat()}|{quiet_days:g}|{float(scale)}|{without_turn}"
        self._run = hashlib.blake2b(parts.encode(), digest_size=4).hexdigest()

    def turns(self) -> list[Turn]:
        """Return the planted turns in order of time; none `without_turn`."""
        if self.without_turn:
            return []
        planted = [
            Turn(self.span.turn + timedelta(hours=hour), storyline, kind)
            for storyline, hours in TURNS_H.items()
            for kind, hour in hours.items()
        ]
        return sorted(planted, key=lambda turn: turn.at)

    def events(self) -> Iterator[Event]:
        """Yield every event in order of event time; each call begins anew and yields the same."""
        streams = self._streams()
        arrivals = [stream.arrivals(self.span, scale=self.scale) for stream in streams]
        heap: Heap = []
        for number, times in enumerate(arrivals):
            _push_next(heap, number, times=times)
        order = len(streams)
        while heap:
            moment, number, item = heapq.heappop(heap)
            if isinstance(item, Event):
                yield item
                continue
            for event in streams[item].events_at(moment, self.span):
                if event.observed_at < self.span.end:
                    heapq.heappush(heap, (event.observed_at, order, event))
                    order += 1
            _push_next(heap, number, times=arrivals[item])

    def _streams(self) -> list[Stream]:
        casts = {lang: self._cast(lang) for lang in LANGS}
        streams = []
        for plan in PLANS:
            for lang in LANGS:
                name = f"{plan.storyline}-{plan.kind}-{lang}-{self._run}"
                rng = random.Random(f"{self.seed}/{name}")
                writer = Writer(load_book(plan.storyline, lang), rng)
                plan_now = plan.quiet() if self.without_turn else plan
                streams.append(Stream(plan_now, lang, writer=writer, cast=casts[lang], name=name))
        return streams

    def _cast(self, lang: str) -> Cast:
        rng = random.Random(f"{self.seed}/{lang}")
        return Cast(lang, load_crowd(lang), rng=rng)


def _push_next(heap: Heap, number: int, *, times: Iterator[datetime]) -> None:
    moment = next(times, None)
    if moment is not None:
        heapq.heappush(heap, (moment, number, number))


def _check(name: str, value: float, *, least: float, most: float) -> None:
    if not least <= value <= most:
        raise SourceInvalid(f"{name} is {value}; expected {least} to {most}")
