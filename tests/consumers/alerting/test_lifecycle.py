"""An alert comes once, lives on numbered steps, ends once, and is the same on every replay."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from consumers.alerting.episode import Episode, Step, moment
from consumers.alerting.lifecycle import observe
from consumers.alerting.rule import AlertRule, Verdict
from consumers.alerting.severity import points_of, severity_of
from contracts.alerts import AlertTransition, Evidence, Severity, Silence, alert_id
from tests.consumers.alerting.lives import (
    BEGIN_MS,
    RULE,
    STEP_MS,
    WATCH,
    changes,
    lived,
    step_of,
    verdict,
    windows,
)

HOUR_S = 3600
QUICK = replace(RULE, resolve_s=30, reopen_s=60, update_s=0)


def kept(episode: Episode | None) -> Episode:
    assert episode is not None
    return episode


def unasked() -> Evidence:
    raise AssertionError("evidence was asked for")


def test_a_rule_without_hold_fires_at_the_first_broken_window() -> None:
    # Given nothing so far
    # When one window of a minute breaks the rule
    step = step_of(verdict("breach", group="sport"))
    # Then the alert fires, named after that window's beginning
    alert = kept(step.episode).alert
    assert changes(step.transitions) == ["fired"]
    assert (alert.state, alert.number, alert.group) == ("firing", 1, "sport")
    assert alert.id == alert_id("default/acme", "volume_spike", group="sport", decided_ms=BEGIN_MS)
    assert alert == step.alert
    assert (alert.updated_at - alert.began_at).total_seconds() == 60
    assert (alert.watch_name, alert.watch_revision, alert.rule_version) == ("Acme", 3, "v1")
    assert step.transitions[0].says == {"en": "More than usual."}


@pytest.mark.parametrize("level", ["clear", "hover"])
def test_a_window_that_breaks_nothing_leaves_nothing(level: str) -> None:
    assert lived(windows({"clear": ".", "hover": "h"}[level])) == (None, [])


@pytest.mark.parametrize(
    ("drawn", "told"),
    [
        ("bbb", ["pending"]),
        ("bbbb", ["pending", "fired"]),
        ("bb.", ["pending", "gone"]),
        ("bb.bbb", ["pending", "gone", "pending"]),
        ("bhbhbhh", ["pending"]),
        ("bhbhbhhb", ["pending", "fired"]),
        ("bhhbbb", ["pending", "fired"]),
        ("bbbhhhhh", ["pending"]),
    ],
)
def test_a_rule_with_hold_fires_once_windows_broke_it_for_so_long(
    drawn: str, told: list[str]
) -> None:
    _, transitions = lived(windows(drawn), rule=replace(RULE, hold_s=30))
    assert changes(transitions) == told


def test_what_was_pending_and_came_to_nothing_leaves_nothing() -> None:
    rule = replace(RULE, hold_s=30)
    pending = step_of(verdict("breach"), rule=rule)
    gone = step_of(verdict("clear", 10), rule=rule, episode=pending.episode)
    assert gone.is_gone
    assert not pending.is_gone
    assert gone.episode is None
    assert gone.transitions[0].state == "gone"


@pytest.mark.parametrize(
    ("drawn", "told"),
    [
        ("b..", ["fired"]),
        ("b...", ["fired", "resolved"]),
        ("b..b..b..", ["fired"]),
        ("b..hhhh.", ["fired", "resolved"]),
        ("bhhhhhhhh", ["fired"]),
        ("b.h.h.", ["fired", "resolved"]),
    ],
)
def test_an_alert_resolves_once_windows_were_clear_for_so_long(drawn: str, told: list[str]) -> None:
    _, transitions = lived(windows(drawn), rule=replace(RULE, resolve_s=30))
    assert changes(transitions) == told


def test_an_alert_that_comes_back_in_time_is_the_same() -> None:
    # Given an alert that was acknowledged and has resolved
    fired = step_of(verdict("breach"), rule=QUICK)
    seen = kept(fired.episode)
    alert = replace(seen.alert, state="acknowledged", acknowledged_by="ana")
    episode, transitions = lived(
        list(windows("b..."))[1:], rule=QUICK, episode=replace(seen, alert=alert)
    )
    assert changes(transitions) == ["resolved"]
    # When its rule is broken again within a minute of its end
    episode, transitions = lived([verdict("breach", 90)], rule=QUICK, episode=episode)
    # Then it fires again, numbered on, and nobody has acknowledged that
    back = kept(episode).alert
    assert changes(transitions) == ["reopened"]
    assert (back.id, back.number, back.reopened) == (alert.id, 3, 1)
    assert (back.state, back.acknowledged_by, back.resolved_at) == ("firing", None, None)
    assert (back.began_at, back.fired_at) == (alert.began_at, alert.fired_at)


def test_an_alert_that_comes_back_late_is_another() -> None:
    episode, transitions = lived([*windows("b..."), verdict("breach", 91)], rule=QUICK)
    assert changes(transitions) == ["fired", "resolved", "fired"]
    assert len({one.alert for one in transitions}) == 2
    assert kept(episode).alert.number == 1


def test_an_alert_is_forgotten_when_it_can_no_longer_come_back() -> None:
    episode, _ = lived([*windows("b..."), verdict("clear", 90)], rule=QUICK)
    assert episode is not None
    assert lived([verdict("clear", 91)], rule=QUICK, episode=episode) == (None, [])


def test_coming_back_takes_as_long_as_firing() -> None:
    rule = replace(QUICK, hold_s=20)
    drawn = "bbb" + "..." + "b.b.bbb"
    _, transitions = lived(windows(drawn), rule=rule)
    assert changes(transitions) == ["pending", "fired", "resolved", "reopened"]
    assert transitions[-1].number == 4


def test_one_that_began_to_come_back_in_time_may_be_held_beyond_it() -> None:
    rule = replace(QUICK, hold_s=30, reopen_s=20)
    _, transitions = lived(windows("bbbb" + "..." + ".bhhbbb"), rule=rule)
    assert changes(transitions) == ["pending", "fired", "resolved", "reopened"]


def test_every_return_doubles_how_long_it_must_be_clear_up_to_eight_times() -> None:
    # Given an alert that comes back whenever it has resolved
    rule = replace(RULE, resolve_s=30, reopen_s=600, update_s=HOUR_S)
    waited, episode, now_s = [], None, 0.0
    for _ in range(6):
        episode, _ = lived([verdict("breach", now_s)], rule=rule, episode=episode)
        began_s = now_s
        while kept(episode).alert.state != "resolved":
            now_s += 10
            episode, _ = lived([verdict("clear", now_s)], rule=rule, episode=episode)
        waited.append(now_s - began_s)
        now_s += 10
    # Then each time it takes twice as long to end
    assert waited == [30, 60, 120, 240, 240, 240]


def minutes_told(seen: Iterable[Verdict], *, rule: AlertRule = RULE) -> list[tuple[str, float]]:
    """Return each change with the minutes from the beginning to it."""
    _, transitions = lived(seen, rule=rule)
    return [(one.change, (one.at - moment(BEGIN_MS)).total_seconds() / 60) for one in transitions]


def test_a_firing_alert_is_told_anew_after_twice_as_long_each_time() -> None:
    # Given a rule that is broken for a day
    told = minutes_told(windows("b" * 1440, 60))
    # Then it is told anew after 5, 10, 20 ... minutes, and in the end every six hours
    waits = [after - before for (_, before), (_, after) in pairwise(told)]
    assert waits == [5, 10, 20, 40, 80, 160, 320, 360, 360]
    assert {change for change, _ in told[1:]} == {"updated"}


@pytest.mark.parametrize(("update_s", "waits"), [(0, [1] * 5), (30 * HOUR_S, [1800] * 2)])
def test_one_that_is_told_always_or_seldom_stays_so(update_s: int, waits: list[float]) -> None:
    told = minutes_told(windows("b" * 4000, 60), rule=replace(RULE, update_s=update_s))
    assert [after - before for (_, before), (_, after) in pairwise(told)][:5] == waits


def test_what_is_more_severe_or_has_more_points_begins_the_waiting_anew() -> None:
    def seen_at(minute: int) -> Verdict:
        probability = 1e-7 if minute < 100 else 1e-8 if minute < 200 else 1e-12
        return verdict("breach", 60 * minute, probability=probability)

    # Given an alert of which minute 100 has a first point, and minute 200 a second, which is a warning
    told = minutes_told(map(seen_at, range(240)))
    # Then it is told anew once that is due after the shortest wait, and at once
    assert told == [
        ("fired", 0), ("updated", 5), ("updated", 15), ("updated", 35), ("updated", 75),
        ("updated", 100), ("updated", 110), ("updated", 130), ("updated", 170),
        ("raised", 200), ("updated", 205), ("updated", 215), ("updated", 235),
    ]  # fmt: skip


def test_points_that_come_and_go_are_news_once() -> None:
    seen = [verdict("breach", 60 * n, voices=30 if n // 9 % 2 else 5) for n in range(240)]
    assert minutes_told(seen) == [
        ("fired", 0), ("updated", 5), ("updated", 10), ("updated", 20), ("updated", 40),
        ("updated", 80), ("updated", 160),
    ]  # fmt: skip


def test_an_alert_that_comes_back_is_told_as_a_new_one() -> None:
    told = minutes_told(windows("b" * 40 + "." * 11 + "b" * 20, 60))
    assert told[3:] == [
        ("updated", 35), ("resolved", 49), ("reopened", 51), ("updated", 56), ("updated", 66),
    ]  # fmt: skip


def test_a_rise_in_severity_is_told_at_once_and_a_fall_never() -> None:
    # Given an alert that fires as information
    seen = [
        verdict("breach", 0),
        verdict("breach", 10, probability=1e-13),
        verdict("breach", 20, probability=1e-100, voices=400),
        verdict("breach", 30),
    ]
    # When the windows grow more improbable and then less so
    episode, transitions = lived(seen)
    # Then every rise is told, and it stays what it was at its worst
    assert changes(transitions) == ["fired", "raised", "raised"]
    assert [one.severity for one in transitions] == ["info", "warning", "critical"]
    assert kept(episode).alert.severity == "critical"


def test_evidence_is_asked_for_only_where_an_alert_is_made_or_told_anew() -> None:
    episode = step_of(verdict("breach")).episode
    for seen in (
        verdict("breach", 10),
        verdict("hover", 20),
        *(verdict("clear", s) for s in (30, 640)),
    ):
        step = observe(episode, seen, rule=RULE, watch=WATCH, evidence=unasked)
        episode = step.episode
    assert kept(episode).alert.state == "resolved"
    assert kept(episode).alert.evidence.mentions == BEGIN_MS // STEP_MS


def test_a_window_that_was_seen_before_changes_nothing() -> None:
    once = step_of(verdict("breach"))
    assert step_of(verdict("breach"), episode=once.episode) == Step(once.episode)
    assert step_of(verdict("clear", -10), episode=once.episode) == Step(once.episode)


def test_a_silence_ends_by_itself_and_the_life_goes_on_numbered_meanwhile() -> None:
    # Given a silenced alert
    fired = kept(step_of(verdict("breach")).episode)
    silence = Silence("ana", moment(BEGIN_MS + 400_000))
    episode = replace(fired, alert=replace(fired.alert, silenced=silence))
    # When windows go on breaking its rule until after the silence
    left, transitions = lived(list(windows("b" * 45))[1:], episode=episode)
    # Then it is told anew in silence, and speaks again when its time has passed
    assert changes(transitions) == ["updated", "unsilenced"]
    assert [one.number for one in transitions] == [2, 3]
    assert kept(left).alert.silenced is None


def test_an_event_at_the_edge_of_the_calendar_stops_nothing() -> None:
    for end_ms in (-(2**55), 2**55):
        seen = replace(verdict("breach"), end_ms=end_ms)
        assert changes(step_of(seen).transitions) == ["fired"]


@pytest.mark.parametrize(
    ("seen", "points", "severity"),
    [
        (verdict("breach", probability=1e-6), 0, "info"),
        (verdict("breach", probability=1e-8), 1, "info"),
        (verdict("breach", probability=1e-12), 2, "warning"),
        (verdict("breach", probability=1e-300, voices=300), 5, "critical"),
        (replace(verdict("breach"), probability=None, reach=2_000_000, sources=3), 3, "warning"),
    ],
)
def test_severity_is_how_improbable_and_how_far_it_reaches(
    seen: Verdict, points: int, severity: Severity
) -> None:
    assert points_of(seen) == points
    assert severity_of(RULE, seen) == severity
    assert severity_of(replace(RULE, severity="critical"), seen) == "critical"


def test_a_source_that_stopped_is_a_warning() -> None:
    rule = AlertRule("silence", "silence", "")
    seen = replace(verdict("breach", voices=0), probability=None)
    assert severity_of(rule, seen) == "warning"


@given(
    st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(1, n), st.just(n))), st.booleans()
)
def test_an_hour_of_flapping_fires_once_and_resolves_at_most_once(
    turn: tuple[int, int], hovers: bool
) -> None:
    # Given an hour in which a rule is broken and clear by turns of ten seconds to ten minutes
    broken, period = turn
    hour = (("b" * broken + ("h" if hovers else ".") * (period - broken)) * 360)[:360]
    # When that is watched, and two quiet hours after it
    _, transitions = lived(windows(hour + "." * 720))
    # Then it was told of once, and ended once
    assert changes(transitions).count("fired") == 1
    assert changes(transitions).count("resolved") == 1
    assert set(changes(transitions)) <= {"fired", "updated", "resolved"}


LIVES = st.lists(
    st.tuples(
        st.sampled_from(["breach", "breach", "hover", "clear"]),
        st.sampled_from([10, 10, 10, 60, 300]),
        st.sampled_from([1e-7, 1e-7, 1e-20, 1e-60]),
    ),
    max_size=120,
)
RULES = st.builds(
    AlertRule, id=st.just("r"), kind=st.just("volume_spike"), version=st.just(""),
    hold_s=st.sampled_from([0, 0, 20, 60]), resolve_s=st.sampled_from([0, 30, 120]),
    reopen_s=st.sampled_from([0, 60, 600]), update_s=st.sampled_from([0, 60, 300]),
)  # fmt: skip


def life(drawn: Sequence[tuple[str, int, float]]) -> list[Verdict]:
    """Return the windows of a drawn life, each so long after the one before it."""
    at_s, seen = 0, []
    for level, later_s, probability in drawn:
        at_s += later_s
        seen.append(replace(verdict("clear", at_s, probability=probability), level=level))
    return seen


FOLLOWS = {
    "pending": {"fired", "gone"},
    "fired": {"updated", "raised", "resolved"},
    "updated": {"updated", "raised", "resolved"},
    "raised": {"updated", "raised", "resolved"},
    "resolved": {"reopened"},
    "reopened": {"updated", "raised", "resolved"},
    "gone": set(),
}


@given(LIVES, RULES)
def test_an_alert_lives_by_the_drawing(
    drawn: list[tuple[str, int, float]], rule: AlertRule
) -> None:
    _, transitions = lived(life(drawn), rule=rule)
    by_alert: dict[str, list[AlertTransition]] = {}
    for one in transitions:
        by_alert.setdefault(one.alert, []).append(one)
    for steps in by_alert.values():
        # Numbers are consecutive, times never go back, and each change is one that may follow
        assert [one.number for one in steps] == list(range(1, len(steps) + 1))
        assert all(a.at < b.at and b.change in FOLLOWS[a.change] for a, b in pairwise(steps))
        assert steps[0].change == ("pending" if rule.hold_s else "fired")
    # No alert begins before the one before it has ended, and none is told of twice without an end between
    ends = [one for one in transitions if one.change in {"resolved", "gone"}]
    begins = [one for one in transitions if one.number == 1]
    assert all(
        any(end.alert == a.alert and end.at < b.at for end in ends) for a, b in pairwise(begins)
    )


@given(LIVES, RULES, st.data())
def test_a_replay_from_any_moment_gives_the_same(
    drawn: list[tuple[str, int, float]], rule: AlertRule, data: st.DataObject
) -> None:
    # Given a life that was stopped somewhere, and windows that are seen again after the start
    seen = life(drawn)
    place = data.draw(st.integers(0, len(seen)))
    again = data.draw(st.integers(0, place))
    whole = lived(seen, rule=rule)
    before, first = lived(seen[:place], rule=rule)
    # When it goes on from what was kept
    after, rest = lived(seen[place:], rule=rule, episode=before)
    # Then nothing differs from a life that was never stopped
    assert (after, first + rest) == whole
    # And what is kept of an alert takes no harm from windows that it knows
    if before is not None:
        assert lived(seen[again:place], rule=rule, episode=before) == (before, [])


@given(LIVES, RULES)
def test_severity_never_falls_while_an_alert_fires(
    drawn: list[tuple[str, int, float]], rule: AlertRule
) -> None:
    ranks = ["info", "warning", "critical"]
    _, transitions = lived(life(drawn), rule=rule)
    for a, b in pairwise(transitions):
        if b.change in {"updated", "raised", "resolved"}:
            assert ranks.index(a.severity) <= ranks.index(b.severity)
            assert (b.change == "raised") == (a.severity != b.severity)
