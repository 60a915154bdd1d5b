"""People acknowledge, silence and judge alerts; what cannot apply is counted and changes nothing."""

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from consumers.alerting.episode import Episode, Noop, Step, milliseconds, moment
from consumers.alerting.feedback import apply_feedback, close, concerns
from consumers.alerting.silences import MOST_SILENCES, Silences, hushed
from contracts.alerts import Action, Feedback, Silence
from tests.consumers.alerting.lives import BEGIN_MS, RULE, changes, lived, step_of, verdict, windows

NOW = moment(BEGIN_MS + 5_000)
LATER = NOW + timedelta(hours=1)


def firing() -> Episode:
    episode = step_of(verdict("breach", group="sport")).episode
    assert episode is not None
    return episode


def pending() -> Episode:
    episode = step_of(verdict("breach"), rule=replace(RULE, hold_s=60)).episode
    assert episode is not None
    return episode


def resolved() -> Episode:
    episode, _ = lived(windows("b..."), rule=replace(RULE, resolve_s=30))
    assert episode is not None
    return episode


def said(action: Action, **fields: str | datetime | None) -> Feedback:
    return replace(Feedback("default", "acme", action, "ana", NOW), **fields)


def standing_after(*words: Feedback, judged_ms: int = 0) -> Silences:
    """Return the silences of a watch after these words, in order."""
    silences = Silences()
    for one in words:
        silences = silences.after(one, judged_ms=judged_ms)
    return silences


def kept(step: Step) -> Episode:
    assert step.episode is not None
    return step.episode


def test_a_firing_alert_is_acknowledged_by_a_person() -> None:
    # Given an alert that fires
    # When a person acknowledges it and says why
    step = apply_feedback(firing(), said("acknowledge", why="on it"))
    # Then it stands so, and the next step of its life says who did
    assert kept(step).alert.state == "acknowledged"
    assert kept(step).alert.acknowledged_by == "ana"
    assert kept(step).alert == step.alert
    (transition,) = step.transitions
    assert (transition.change, transition.number, transition.state) == (
        "acknowledged",
        2,
        "acknowledged",
    )
    assert (transition.by, transition.why, transition.at) == ("ana", "on it", NOW)


def test_an_acknowledged_alert_is_told_anew_and_resolves() -> None:
    episode = kept(apply_feedback(firing(), said("acknowledge")))
    left, transitions = lived(list(windows("b" * 40 + "." * 61))[1:], episode=episode)
    assert changes(transitions) == ["updated", "resolved"]
    assert left is not None
    assert left.alert.state == "resolved"


@pytest.mark.parametrize(
    ("episode", "feedback", "noop"),
    [
        (None, said("acknowledge"), "no_alert"),
        (pending(), said("acknowledge"), "not_firing"),
        (resolved(), said("acknowledge"), "not_firing"),
        (kept(apply_feedback(firing(), said("acknowledge"))), said("acknowledge"), "already"),
        (firing(), said("acknowledge", alert="another"), "other"),
        (firing(), said("silence"), "no_until"),
        (firing(), said("silence", until=NOW), "no_until"),
        (firing(), said("unsilence"), "already"),
        (firing(), said("useful", group="politics"), "other"),
        (firing(), said("useful", watch="other"), "other"),
        (firing(), said("useful", rule="other"), "other"),
    ],
)
def test_what_cannot_apply_changes_nothing_and_says_why(
    episode: Episode | None, feedback: Feedback, noop: Noop
) -> None:
    assert apply_feedback(episode, feedback) == Step(episode, noop=noop)


@pytest.mark.parametrize("action", ["useful", "not_useful"])
@pytest.mark.parametrize("episode", [firing(), resolved()])
def test_a_judgement_is_noted_and_changes_no_state(action: Action, episode: Episode) -> None:
    step = apply_feedback(episode, said(action))
    assert changes(step.transitions) == [action]
    assert kept(step).alert.state == episode.alert.state
    assert kept(step).alert.number == episode.alert.number + 1


def test_an_alert_is_silenced_and_speaks_again() -> None:
    asked = said("silence", until=LATER, why="maintenance", id="am-1")
    step = apply_feedback(firing(), asked)
    assert changes(step.transitions) == ["silenced"]
    assert kept(step).alert.silenced == Silence("ana", LATER, "maintenance", "am-1")
    assert step.transitions[0].until == LATER
    assert apply_feedback(step.episode, asked).noop == "already"
    assert apply_feedback(step.episode, said("unsilence", id="am-2")).noop == "other"
    back = apply_feedback(step.episode, said("unsilence", id="am-1"))
    assert changes(back.transitions) == ["unsilenced"]
    assert kept(back).alert.silenced is None


def test_feedback_means_an_alert_by_its_id_or_by_its_watch_rule_and_group() -> None:
    alert = firing().alert
    assert concerns(said("useful"), alert)
    assert concerns(said("useful", rule="volume_spike"), alert)
    assert concerns(said("useful", rule="volume_spike", group="sport"), alert)
    assert concerns(said("useful", alert=alert.id), alert)
    assert not concerns(said("useful", tenant="other"), alert)
    assert concerns(said("useful", group=""), replace(alert, group=None))


def test_an_alert_closes_with_its_watch() -> None:
    step = close(firing(), "the watch was removed", at_ms=BEGIN_MS + 9_000)
    assert step.episode is None
    assert changes(step.transitions) == ["closed"]
    assert step.transitions[0].why == "the watch was removed"
    assert step.alert is not None
    assert (step.alert.state, step.alert.resolved_at) == ("resolved", moment(BEGIN_MS + 9_000))


def test_what_was_pending_is_gone_with_its_watch_and_what_had_ended_leaves_without_a_word() -> None:
    assert close(pending(), "no more", at_ms=BEGIN_MS).is_gone
    assert close(resolved(), "no more", at_ms=BEGIN_MS) == Step(None)


def test_a_silence_over_a_rule_covers_alerts_to_come_until_it_ends() -> None:
    # Given a silence of one rule
    standing = standing_after(said("silence", until=LATER, rule="volume_spike"))
    # When its rule is broken while that stands
    at_ms = milliseconds(NOW)
    step = hushed(step_of(verdict("breach")), standing, at_ms=at_ms)
    # Then the alert is silent from its first record on
    assert changes(step.transitions) == ["fired", "silenced"]
    assert step.alert is not None
    assert step.alert.silenced == Silence("ana", LATER)
    assert (step.alert.number, kept(step).alert) == (2, step.alert)
    # And neither what breaks another rule nor what comes when it has ended is silent
    assert standing.silence_for("negative_surge", "", at_ms=at_ms) is None
    assert standing.silence_for("volume_spike", "", at_ms=milliseconds(LATER)) is None


def test_a_person_may_let_one_alert_speak_under_a_silence() -> None:
    standing = standing_after(said("silence", until=LATER))
    hushed_step = hushed(step_of(verdict("breach")), standing, at_ms=BEGIN_MS)
    spoken = apply_feedback(
        hushed_step.episode, said("unsilence", alert=kept(hushed_step).alert.id)
    )
    again = step_of(verdict("breach", 400), episode=spoken.episode)
    assert changes(again.transitions) == ["updated"]
    assert hushed(again, standing, at_ms=BEGIN_MS) == again


def test_an_alert_whose_own_silence_ends_first_stays_silent_under_a_longer_one() -> None:
    standing = standing_after(said("silence", until=LATER))
    own = apply_feedback(firing(), said("silence", until=NOW + timedelta(seconds=60)))
    ended = step_of(verdict("clear", 70), episode=own.episode)
    step = hushed(ended, standing, at_ms=BEGIN_MS + 70_000)
    assert changes(step.transitions) == ["unsilenced", "silenced"]


def test_silences_are_replaced_and_taken_back_by_id_or_by_scope() -> None:
    def scopes(silences: Silences) -> list[tuple[str | None, str | None]]:
        return [(one.rule, one.silence.id) for one in silences.standing]

    first = said("silence", until=LATER, rule="a")
    both = standing_after(first, said("silence", until=LATER, rule="b", id="am-1"))
    assert scopes(both) == [("a", None), ("b", "am-1")]

    def after(feedback: Feedback) -> list[tuple[str | None, str | None]]:
        return scopes(both.after(feedback, judged_ms=0))

    # The same id or the same scope again takes its place
    assert after(said("silence", until=LATER, rule="c", id="am-1")) == [("a", None), ("c", "am-1")]
    longer = said("silence", until=LATER + timedelta(hours=1), rule="a")
    assert after(longer) == [("b", "am-1"), ("a", None)]
    # An id takes back one, a scope all within it
    assert after(said("unsilence", id="am-1")) == [("a", None)]
    assert after(said("unsilence", rule="a")) == [("b", "am-1")]
    assert after(said("unsilence")) == []
    # What is said of one alert changes nothing for those to come
    assert both.after(said("silence", until=LATER, alert="x"), judged_ms=0) == both
    assert both.after(said("acknowledge"), judged_ms=0) == both


def test_a_silence_is_let_go_when_no_window_before_its_end_is_judged_any_more() -> None:
    # Given a silence that is over by the clock when the next is asked for
    first = said("silence", until=LATER, rule="a")
    second = said("silence", at=LATER, until=LATER + timedelta(hours=1), rule="b")
    # Then it stands for as long as windows before its end are still to come, and no longer
    for judged_ms, rules in ((milliseconds(LATER) - 1, ["a", "b"]), (milliseconds(LATER), ["b"])):
        assert [
            one.rule for one in standing_after(first, second, judged_ms=judged_ms).standing
        ] == rules


def test_the_silences_of_a_watch_are_bounded() -> None:
    asked = [said("silence", until=LATER, rule=f"r{n}") for n in range(MOST_SILENCES + 5)]
    silences = standing_after(*asked)
    assert len(silences.standing) == MOST_SILENCES
    assert silences.standing[-1].rule == asked[-1].rule


def test_the_longest_silence_that_covers_an_alert_counts() -> None:
    longest = LATER + timedelta(hours=2)
    silences = standing_after(
        said("silence", until=LATER), said("silence", until=longest, group="sport")
    )
    at_ms = milliseconds(NOW)
    assert silences.silence_for("r", "sport", at_ms=at_ms) == Silence("ana", longest)
    assert silences.silence_for("r", "", at_ms=at_ms) == Silence("ana", LATER)
