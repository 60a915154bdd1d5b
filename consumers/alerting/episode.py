"""What is kept of one rule and group while an alert lives, and how one step of that life is written down.

In: an alert, what changes of it, who said so. Out: the next episode and numbered transitions. Pure; imports contracts.
"""

from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec
from msgspec.structs import replace

from contracts.alerts import Alert, AlertTransition

# Why feedback changed nothing: there is no such alert (any more), it says what is so already, the alert does not fire,
# it means another alert or silence, or a silence ends before it begins.
Noop = Literal["no_alert", "already", "not_firing", "other", "no_until"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_MS = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)
_LAST_MS = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)
_SPOKEN = frozenset({"pending", "fired", "updated", "raised", "reopened"})


class Episode(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hold the alert as it stands and where its rule is: times in milliseconds of event time.

    `seen_ms` is the end of the newest window observed, `told_ms` that of the newest broken one that people were told
    of. `held_ms` is for how long windows broke the rule since one was clear, None where none did; `clear_ms` for how
    long they were clear since one broke it. The time from one window's end to the next counts as what the later one is.
    `updates` is how often people were told anew since they were told of something new, `points` the most points (see
    severity) of a window that they were told of.
    """

    alert: Alert
    seen_ms: int
    told_ms: int
    held_ms: int | None = None
    clear_ms: int = 0
    updates: int = 0
    points: int = 0


class Step(msgspec.Struct, frozen=True):
    """Hold what came of one observation or one word of feedback.

    `episode` is what to keep, None for nothing. Where there are `transitions`, `alert` is how the alert stands after
    them, numbered as the last; where that one is `gone`, nothing of the alert is to stay. `noop` says why feedback
    changed nothing.
    """

    episode: Episode | None
    transitions: tuple[AlertTransition, ...] = ()
    alert: Alert | None = None
    noop: Noop | None = None

    @property
    def is_gone(self) -> bool:
        """Say whether an alert that was pending came to nothing."""
        return bool(self.transitions) and self.transitions[-1].change == "gone"


class Word(msgspec.Struct, frozen=True):
    """Hold who is behind a transition, why, and until when it holds."""

    by: str | None = None
    why: str | None = None
    until: datetime | None = None


NOBODY = Word()


def moment(ms: int) -> datetime:
    """Return epoch milliseconds as a time, exactly; what lies off the calendar as its first or last moment.

    >>> moment(1_767_323_045_678).isoformat()
    '2026-01-02T03:04:05.678000+00:00'
    """
    return _EPOCH + timedelta(milliseconds=min(max(ms, _FIRST_MS), _LAST_MS))


def milliseconds(at: datetime) -> int:
    """Return a time as epoch milliseconds, rounded down."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def turned(step: Step, change: str, *, alert: Alert, at_ms: int, word: Word = NOBODY) -> Step:
    """Return the step with one more transition, after which the alert stands as `alert`, numbered anew."""
    at = moment(at_ms)
    alert = replace(alert, number=alert.number + 1, updated_at=at)
    transition = AlertTransition(
        alert=alert.id, tenant=alert.tenant, watch=alert.watch, rule=alert.rule, kind=alert.kind,
        number=alert.number, change=change, state="gone" if change == "gone" else alert.state,
        severity=alert.severity, at=at, group=alert.group, by=word.by, why=word.why, until=word.until,
        says=alert.evidence.says if change in _SPOKEN else {},
    )  # fmt: skip
    return with_alert(replace(step, transitions=(*step.transitions, transition)), alert)


def with_alert(step: Step, alert: Alert) -> Step:
    """Return the step with another alert in it, in its episode too."""
    episode = replace(step.episode, alert=alert) if step.episode else None
    return replace(step, episode=episode, alert=alert)


def forgotten(step: Step) -> Step:
    """Return the step with nothing kept."""
    return replace(step, episode=None)
