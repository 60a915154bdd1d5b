"""What people say of alerts, applied to one of them; and the end of an alert whose watch or rule is no more.

In: an episode and a word of feedback, in the order in which they arrive. Out: a `Step`; what cannot apply is no error
but says so in `noop`, to be counted. Pure.

    acknowledge   firing ─► acknowledged; of any other it changes nothing
    silence       told to nobody until a time; also of a pending or resolved one, should it come (back)
    unsilence     told again
    useful, not_useful   noted as a transition
"""

from msgspec.structs import replace

from consumers.alerting.episode import (
    Episode,
    Noop,
    Step,
    Word,
    forgotten,
    milliseconds,
    moment,
    turned,
)
from consumers.alerting.silences import silence_of
from contracts.alerts import Alert, Feedback


def concerns(feedback: Feedback, alert: Alert) -> bool:
    """Say whether feedback means this alert: by its id, or by what it names of watch, rule and group."""
    if (feedback.tenant, feedback.watch) != (alert.tenant, alert.watch):
        return False
    if feedback.alert is not None:
        return feedback.alert == alert.id
    return feedback.rule in {None, alert.rule} and feedback.group in {None, alert.group or ""}


def apply_feedback(episode: Episode | None, feedback: Feedback) -> Step:
    """Return what one word of feedback makes of one alert; `noop` says why where that is nothing."""
    if episode is None:
        return Step(None, noop="no_alert")
    if not concerns(feedback, episode.alert):
        return Step(episode, noop="other")
    match feedback.action:
        case "acknowledge":
            return _acknowledged(episode, feedback)
        case "silence":
            return _silenced(episode, feedback)
        case "unsilence":
            return _unsilenced(episode, feedback)
        case judged:
            return _turned(episode, judged, alert=episode.alert, feedback=feedback)


def close(episode: Episode, why: str, *, at_ms: int) -> Step:
    """Return the end of an alert for a reason of ours: its watch or rule is no more, or another.

    What fires is resolved, what was pending is gone, what had ended is forgotten without a word.
    """
    alert, word = episode.alert, Word(why=why)
    if alert.state == "resolved":
        return Step(None)
    if alert.state == "pending":
        return forgotten(turned(Step(episode), "gone", alert=alert, at_ms=at_ms, word=word))
    alert = replace(alert, state="resolved", resolved_at=moment(at_ms))
    return forgotten(turned(Step(episode), "closed", alert=alert, at_ms=at_ms, word=word))


def _acknowledged(episode: Episode, feedback: Feedback) -> Step:
    state = episode.alert.state
    if state != "firing":
        return _unchanged(episode, "already" if state == "acknowledged" else "not_firing")
    alert = replace(episode.alert, state="acknowledged", acknowledged_by=feedback.by)
    return _turned(episode, "acknowledged", alert=alert, feedback=feedback)


def _silenced(episode: Episode, feedback: Feedback) -> Step:
    silence = silence_of(feedback)
    if silence is None:
        return _unchanged(episode, "no_until")
    if silence == episode.alert.silenced:
        return _unchanged(episode, "already")
    alert = replace(episode.alert, silenced=silence)
    return _turned(episode, "silenced", alert=alert, feedback=feedback)


def _unsilenced(episode: Episode, feedback: Feedback) -> Step:
    silence = episode.alert.silenced
    if silence is None:
        return _unchanged(episode, "already")
    if feedback.id is not None and feedback.id != silence.id:
        return _unchanged(episode, "other")
    alert = replace(episode.alert, silenced=None)
    return _turned(episode, "unsilenced", alert=alert, feedback=feedback)


def _turned(episode: Episode, change: str, *, alert: Alert, feedback: Feedback) -> Step:
    word = Word(feedback.by, feedback.why, feedback.until)
    at_ms = milliseconds(feedback.at)
    return turned(Step(episode), change, alert=alert, at_ms=at_ms, word=word)


def _unchanged(episode: Episode, noop: Noop) -> Step:
    return Step(episode, noop=noop)
