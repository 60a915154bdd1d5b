"""Timeline: how much is said, about what and in which mood, hour by hour.

In: hours since the turn (negative before it). Out: events an hour and the moods that they are in. Pure tables and
arithmetic; imports msgspec alone.

    quiet days │ 0 h complaints │ 2.5 h surge │ 4.5 h news wave │ 8 h apology │ 10 h relief │ 16 h end
"""

import math
from typing import Literal

import msgspec

StreamKind = Literal["social", "news", "support"]
CRISIS_H = 16.0
LOCAL_HOURS = {"en": -4, "zh": 8}
RHYTHM = 0.6


class Phase(msgspec.Struct, frozen=True):
    """Hold one stretch of a stream: it starts at `from_h` and its rate moves from `rates[0]` to `rates[1]` an hour.

    `moods` are weights. `repeats` is the share of reposts. With `is_daily` the rate also swings with the hour of day.
    """

    from_h: float
    rates: tuple[float, float]
    moods: dict[str, float]
    repeats: float = 0.05
    is_daily: bool = False

    def rate_at(self, hour: float, *, end: float) -> float:
        """Return events an hour, between the two ends of the phase in a straight line."""
        share = (hour - self.from_h) / (end - self.from_h) if math.isfinite(self.from_h) else 0.0
        return self.rates[0] + (self.rates[1] - self.rates[0]) * min(1.0, max(0.0, share))


class Plan(msgspec.Struct, frozen=True):
    """Hold the phases of one stream in both languages together; the first is the quiet one and has no start."""

    storyline: str
    kind: StreamKind
    phases: tuple[Phase, ...]

    def phase_at(self, hour: float) -> tuple[Phase, float]:
        """Return the phase of an hour since the turn, and when it ends."""
        begun = [i for i, phase in enumerate(self.phases) if phase.from_h <= hour]
        last = begun[-1]
        end = self.phases[last + 1].from_h if last + 1 < len(self.phases) else CRISIS_H
        return self.phases[last], end

    def peak(self) -> float:
        """Return the highest rate of any hour, the daily swing included."""
        return max(max(p.rates) * (1 + RHYTHM if p.is_daily else 1) for p in self.phases)

    def quiet(self) -> "Plan":
        """Return this plan with nothing but its quiet phase."""
        return Plan(self.storyline, self.kind, self.phases[:1])


def rhythm(hour_utc: float, lang: str) -> float:
    """Return the swing of a day, mean 1: highest at 15 h local time, lowest at 3 h."""
    local = hour_utc + LOCAL_HOURS[lang]
    return 1 + RHYTHM * math.sin(2 * math.pi * (local - 9) / 24)


def _quiet(rate: float, moods: dict[str, float]) -> Phase:
    return Phase(-math.inf, (rate, rate), moods, is_daily=True)


_NORVIA_QUIET = {"praise": 0.35, "chat": 0.4, "gripe": 0.25}
_LARKPOST_QUIET = {"praise": 0.25, "chat": 0.3, "gripe": 0.45}
_HEATED = {"anger": 0.45, "fear": 0.25, "complaint": 0.2, "mockery": 0.06, "sadness": 0.04}
_WAVE = {"anger": 0.42, "fear": 0.3, "mockery": 0.12, "sadness": 0.08, "complaint": 0.08}
_ANSWER = {"sceptic": 0.4, "anger": 0.2, "relief": 0.3, "fear": 0.05, "sadness": 0.05}
_CALM = {"relief": 0.65, "sceptic": 0.15, "chat": 0.1, "sadness": 0.05, "praise": 0.05}

NORVIA_TURNS = {"complaints": 0.0, "surge": 2.5, "news_wave": 4.5, "apology": 8.0, "relief": 10.0}
LARKPOST_TURNS = {"backlog": 5.0, "recovery": 12.0}
TURNS_H = {"norvia": NORVIA_TURNS, "larkpost": LARKPOST_TURNS}

PLANS = (
    Plan("norvia", "social", (
        _quiet(12, _NORVIA_QUIET),
        Phase(0, (20, 80), {"complaint": 0.6, "gripe": 0.15, "chat": 0.15, "praise": 0.1}, 0.08),
        Phase(2.5, (110, 600), _HEATED, 0.16),
        Phase(4.5, (600, 420), _WAVE, 0.2),
        Phase(8, (350, 300), _ANSWER, 0.16),
        Phase(10, (280, 40), _CALM, 0.1),
    )),
    Plan("norvia", "news", (
        _quiet(0.5, {"quiet": 1}),
        Phase(3.5, (4, 10), {"crisis": 1}),
        Phase(4.5, (28, 20), {"crisis": 1}),
        Phase(8, (25, 12), {"apology": 0.85, "crisis": 0.15}),
        Phase(10, (8, 1), {"apology": 1}),
    )),
    Plan("norvia", "support", (
        _quiet(1.2, {"quiet": 1}),
        Phase(0, (2, 6), {"crisis": 0.6, "quiet": 0.4}),
        Phase(2.5, (12, 30), {"crisis": 1}),
        Phase(8, (24, 18), {"crisis": 0.5, "relief": 0.5}),
        Phase(10, (16, 3), {"relief": 0.85, "quiet": 0.15}),
    )),
    Plan("larkpost", "social", (
        _quiet(7, _LARKPOST_QUIET),
        Phase(5, (25, 45), {"backlog": 0.75, "gripe": 0.2, "chat": 0.05}, 0.1),
        Phase(12, (25, 10), {"recovery": 0.6, "backlog": 0.2, "chat": 0.2}, 0.08),
    )),
    Plan("larkpost", "news", (
        _quiet(0.15, {"quiet": 1}),
        Phase(6, (1.5, 1), {"backlog": 1}),
        Phase(12, (0.2, 0.2), {"quiet": 1}),
    )),
    Plan("larkpost", "support", (
        _quiet(1.5, {"quiet": 1}),
        Phase(5, (5, 8), {"backlog": 1}),
        Phase(12, (3, 1.5), {"backlog": 0.3, "quiet": 0.7}),
    )),
    Plan("everyday", "social", (_quiet(12, {"chat": 1}),)),
    Plan("everyday", "news", (_quiet(1, {"quiet": 1}),)),
)  # fmt: skip
