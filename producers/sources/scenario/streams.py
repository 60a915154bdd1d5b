"""Streams: one storyline, kind and language, from its plan to its events.

In: a plan, a writer, a cast. Out: times of arrival, and for each the events that it brings: one post, one article,
or a conversation whose turns lie minutes apart. Deterministic; must not import Kafka or read the clock.
"""

import random
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import msgspec

from contracts.events import CONTEXT_LIMIT, Author, Event
from producers.sources.scenario.people import Cast
from producers.sources.scenario.phrases import Writer
from producers.sources.scenario.timeline import Phase, Plan, rhythm

REMEMBERED = 40  # how many recent posts may be reposted
UNTAGGED = 0.3  # share of posts whose source does not say their language
SOURCES = {
    ("social", "en"): "chirp", ("social", "zh"): "weiyu",
    ("news", "en"): "newswire", ("news", "zh"): "xinwen",
    ("support", "en"): "helpdesk", ("support", "zh"): "helpdesk",
}  # fmt: skip
REPOST_FORM = {"en": "RT @{name}: {text}", "zh": "转发微博 //@{name}：{text}"}


class Span(msgspec.Struct, frozen=True):
    """Hold when the scenario starts, turns and ends."""

    start: datetime
    turn: datetime
    end: datetime

    def hour_of(self, moment: datetime) -> float:
        """Return hours since the turn."""
        return (moment - self.turn).total_seconds() / 3600


class Stream:
    """Make the events of one plan in one language."""

    def __init__(self, plan: Plan, lang: str, *, writer: Writer, cast: Cast, name: str) -> None:
        self._plan = plan
        self._lang = lang
        self._writer = writer
        self._cast = cast
        self._rng = random.Random(name)
        self._prefix = name
        self._made = 0
        self._recent: deque[Event] = deque(maxlen=REMEMBERED)

    def arrivals(self, span: Span, *, scale: float) -> Iterator[datetime]:
        """Yield times of arrival in order: a Poisson process, thinned from its peak rate to the plan's.

        Source: Lewis and Shedler (1979), Simulation of nonhomogeneous Poisson processes by thinning. A peak of
        600 an hour and a rate of 60 keep one arrival in ten.
        """
        peak = self._plan.peak() * scale / 2  # each language speaks half
        moment = span.start
        while True:
            moment += timedelta(hours=self._rng.expovariate(peak))
            if moment >= span.end:
                return
            if self._rng.random() * peak <= self._rate(moment, span) * scale / 2:
                yield moment

    def events_at(self, moment: datetime, span: Span) -> Sequence[Event]:
        """Return what one arrival brings, in order of time."""
        phase, _ = self._plan.phase_at(span.hour_of(moment))
        mood = self._rng.choices(list(phase.moods), list(phase.moods.values()))[0]
        if self._plan.kind == "support":
            return self._conversation(moment, mood)
        if self._plan.kind == "news":
            return [self._article(moment, mood)]
        return [self._repost(moment, phase) or self._post(moment, mood)]

    def _rate(self, moment: datetime, span: Span) -> float:
        hour = span.hour_of(moment)
        phase, end = self._plan.phase_at(hour)
        swing = rhythm(moment.hour + moment.minute / 60, self._lang) if phase.is_daily else 1.0
        return phase.rate_at(hour, end=end) * swing

    def _post(self, moment: datetime, mood: str) -> Event:
        text = self._writer.post(mood)
        lang = None if self._rng.random() < UNTAGGED else self._lang
        event = self._event(moment, self._cast.person(), text=text, lang=lang)
        self._recent.append(event)
        return event

    def _repost(self, moment: datetime, phase: Phase) -> Event | None:
        if not self._recent or self._rng.random() >= phase.repeats:
            return None
        reach = [1 + (post.author.followers or 0 if post.author else 0) for post in self._recent]
        original = self._rng.choices(self._recent, reach)[0]
        name = original.author.name if original.author else ""
        text = REPOST_FORM[self._lang].format(name=name, text=original.text)
        return self._event(
            moment, self._cast.person(), text=text, repost_of=original.id, thread=original.id
        )

    def _article(self, moment: datetime, mood: str) -> Event:
        article = self._writer.article(mood)
        event = self._event(
            moment, self._cast.outlet(), text=article.text, title=article.title, lang=self._lang
        )
        url = f"https://{event.source}.example/{event.id}"
        return msgspec.structs.replace(event, url=url)

    def _conversation(self, moment: datetime, mood: str) -> list[Event]:
        turns = self._writer.dialogue(mood).turns
        speakers = (self._cast.customer(), self._cast.agent())
        said: list[Event] = []
        thread = f"{self._prefix}-c{self._made + 1:06d}"
        for number, text in enumerate(turns):
            earlier = "\n".join(event.text for event in said)[-CONTEXT_LIMIT:]
            said.append(
                self._event(
                    moment, speakers[number % 2], text=text, lang=self._lang,
                    thread=thread,
                    context=earlier or None, reply_to=said[-1].id if said else None,
                )
            )  # fmt: skip
            moment += timedelta(seconds=self._rng.uniform(40, 300))
        return said

    def _event(self, moment: datetime, author: Author, **fields: str | None) -> Event:
        self._made += 1
        return msgspec.convert(
            {
                "id": f"{self._prefix}-{self._made:06d}",
                "source": SOURCES[self._plan.kind, self._lang],
                "kind": self._plan.kind,
                "observed_at": moment.replace(microsecond=moment.microsecond // 1000 * 1000),
                "author": author,
                **fields,
            },
            Event,
        )
