"""Silences that stand over a watch, a rule of it or a group: also for alerts to come.

In: what people asked for, and how far event time has come. Out: which silence covers an alert at a moment. One record a
watch, bounded. Pure.

Whether a silence has ended is a matter of event time, as all of an alert's life is: one that is over by the clock still
covers the windows before its end where input lags or is replayed.

>>> from datetime import UTC, datetime
>>> asked = Feedback(
...     "default",
...     "acme",
...     "silence",
...     "ana",
...     datetime(2026, 1, 2, tzinfo=UTC),
...     rule="volume_spike",
...     until=datetime(2026, 1, 3, tzinfo=UTC),
... )
>>> standing = Silences().after(asked, judged_ms=0)
>>> noon_ms = milliseconds(datetime(2026, 1, 2, 12, tzinfo=UTC))
>>> standing.silence_for("volume_spike", "sport", at_ms=noon_ms).by
'ana'
>>> standing.silence_for("negative_surge", "", at_ms=noon_ms) is None
True
"""

import msgspec
from msgspec.structs import replace

from consumers.alerting.episode import Step, Word, milliseconds, turned
from contracts.alerts import Feedback, Silence

# The oldest beyond this is let go.
MOST_SILENCES = 100


class Standing(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hold one silence and what it covers: all rules or one, all groups or one."""

    silence: Silence
    rule: str | None = None
    group: str | None = None


class Silences(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hold the silences of one watch in the order in which they came."""

    standing: tuple[Standing, ...] = ()

    def silence_for(self, rule: str, group: str, *, at_ms: int) -> Silence | None:
        """Return the silence that covers a rule and group ("" for the total) longest from `at_ms` on, if any."""
        covering = [
            one.silence
            for one in self.standing
            if one.rule in {None, rule}
            and one.group in {None, group}
            and milliseconds(one.silence.until) > at_ms
        ]
        return max(covering, key=lambda silence: silence.until, default=None)

    def outlasts(self, silence: Silence | None, feedback: Feedback) -> bool:
        """Say whether an alert's own silence, which none of these is, is longer than one that is asked for all."""
        if silence is None or feedback.alert is not None or feedback.until is None:
            return False
        is_own = all(one.silence != silence for one in self.standing)
        return is_own and silence.until >= feedback.until

    def after(self, feedback: Feedback, *, judged_ms: int) -> "Silences":
        """Return the silences after one word of feedback.

        A silence takes the place of the one with its id, or else with its scope, and of those that ended at or before
        `judged_ms`: no window that ends so early is judged any more. Taking back names an id, or lets go of all that
        lie within its scope. What is said of one alert changes nothing here.
        """
        if feedback.alert is None and feedback.action == "unsilence":
            return Silences(
                tuple(one for one in self.standing if not _is_taken_back(one, feedback))
            )
        if feedback.alert is None and feedback.action == "silence":
            kept = [one for one in self.standing if milliseconds(one.silence.until) > judged_ms]
            left = (one for one in kept if not _is_replaced(one, feedback))
            return Silences((*left, *_asked(feedback))[-MOST_SILENCES:])
        return self


def silence_of(feedback: Feedback) -> Silence | None:
    """Return the silence that a word of feedback asks for; None where it says not until when, or is over at once."""
    if feedback.until is None or feedback.until <= feedback.at:
        return None
    return Silence(feedback.by, feedback.until, why=feedback.why, id=feedback.id)


def hushed(step: Step, silences: Silences, *, at_ms: int) -> Step:
    """Return the step with its alert silent where that has just begun, come back or lost a silence that ended.

    A person may let one alert speak under a silence that stands: it stays so until it comes back.
    """
    alert = step.alert
    if alert is None or alert.silenced is not None or step.is_gone or not _is_anew(step):
        return step
    silence = silences.silence_for(alert.rule, alert.group or "", at_ms=at_ms)
    if silence is None:
        return step
    word = Word(silence.by, silence.why, silence.until)
    alert = replace(alert, silenced=silence)
    return turned(step, "silenced", alert=alert, at_ms=at_ms, word=word)


def _is_anew(step: Step) -> bool:
    return any(
        one.number == 1 or one.change in {"reopened", "unsilenced"} for one in step.transitions
    )


def _asked(feedback: Feedback) -> tuple[Standing, ...]:
    silence = silence_of(feedback)
    return () if silence is None else (Standing(silence, feedback.rule, feedback.group),)


def _is_replaced(one: Standing, feedback: Feedback) -> bool:
    if feedback.id is not None:
        return one.silence.id == feedback.id
    return one.silence.id is None and (one.rule, one.group) == (feedback.rule, feedback.group)


def _is_taken_back(one: Standing, feedback: Feedback) -> bool:
    if feedback.id is not None:
        return one.silence.id == feedback.id
    return feedback.rule in {None, one.rule} and feedback.group in {None, one.group}
