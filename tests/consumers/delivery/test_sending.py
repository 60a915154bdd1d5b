"""What Alertmanager is told next: once, again in time, and the end of whatever it knows."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from consumers.delivery.posts import Labels, Post, identity_of
from consumers.delivery.sending import REFUSED_AGAIN, Ledger, Sending, speaks
from contracts.alerts import Alert, Silence
from contracts.delivery_settings import AlertmanagerSettings
from tests.given_alerts import NOON, alert_of, resolved

SECOND = timedelta(seconds=1)
RESEND = 60 * SECOND
HERE = Silence("li", NOON + timedelta(days=1))
THERE = Silence("li", NOON + timedelta(days=1), id="alertmanager/1")
SURGE = alert_of(fired_at=NOON, updated_at=NOON)


def ledger() -> Ledger:
    return Ledger(AlertmanagerSettings(url="http://a:1", resend_s=60))


def tell(book: Ledger, now: datetime) -> list[Sending]:
    """Return what is due, and have it taken."""
    due = book.due(now)
    book.took(due, now)
    return due


def test_an_alert_is_told_at_once_and_again_after_an_interval() -> None:
    book = ledger()
    book.take("k", SURGE, now=NOON)
    assert len(tell(book, NOON)) == 1
    assert tell(book, NOON + RESEND - SECOND) == []
    assert len(tell(book, NOON + RESEND)) == 1


def test_a_new_transition_is_told_at_once_and_the_same_row_again_is_not() -> None:
    book = ledger()
    book.take("k", SURGE, now=NOON)
    tell(book, NOON)
    book.take("k", SURGE, now=NOON)
    assert tell(book, NOON + SECOND) == []
    book.take("k", msgspec.structs.replace(SURGE, number=3), now=NOON)
    assert [one.is_end for one in tell(book, NOON + SECOND)] == [False]


def test_what_is_resolved_ends_at_its_own_time_once() -> None:
    book = ledger()
    book.take("k", SURGE, now=NOON)
    tell(book, NOON)
    book.take("k", resolved(SURGE, NOON + 5 * SECOND), now=NOON + 9 * SECOND)
    (end,) = tell(book, NOON + 9 * SECOND)
    assert (end.is_end, end.known.post.ends_at) == (True, NOON + 5 * SECOND)
    assert tell(book, NOON + 2 * RESEND) == []


def test_a_silence_of_ours_ends_it_until_it_is_over_and_one_made_there_does_not() -> None:
    book = ledger()
    book.take("k", SURGE, now=NOON)
    tell(book, NOON)
    book.take("k", msgspec.structs.replace(SURGE, silenced=THERE), now=NOON)
    assert tell(book, NOON + SECOND) == []
    book.take("k", msgspec.structs.replace(SURGE, silenced=HERE), now=NOON)
    assert [one.is_end for one in tell(book, NOON + SECOND)] == [True]
    assert tell(book, NOON + RESEND) == []
    assert [one.is_end for one in tell(book, HERE.until)] == [False]
    assert book.count(NOON + SECOND) == 0


def test_a_severity_that_rose_ends_the_old_name_before_the_new_one_fires() -> None:
    book = ledger()
    book.take("k", SURGE, now=NOON)
    tell(book, NOON)
    book.take("k", msgspec.structs.replace(SURGE, severity="critical", number=3), now=NOON)
    told = [
        (one.is_end, one.known.post.labels["severity"]) for one in tell(book, NOON + 2 * SECOND)
    ]
    assert told == [(True, "warning"), (False, "critical")]


def test_what_was_told_by_an_earlier_process_and_ended_since_is_ended() -> None:
    book = ledger()
    book.take("k", resolved(SURGE, NOON), now=NOON + RESEND)
    book.take("old", resolved(alert_of("globex"), NOON), now=NOON + timedelta(hours=1))
    (end,) = tell(book, NOON + RESEND)
    assert end.known.post.labels["watch"] == "acme"


def test_after_a_failure_all_is_told_again() -> None:
    book = ledger()
    other = alert_of("globex", fired_at=NOON)
    book.take("k", SURGE, now=NOON)
    tell(book, NOON)
    book.take("o", other, now=NOON)
    book.doubt(book.due(NOON + SECOND))
    assert len(book.due(NOON + 2 * SECOND)) == 2
    # And an alert that it may have taken, and that is gone by now, is ended
    book.take("o", None, now=NOON + 2 * SECOND)
    ends = [one.known.key for one in book.due(NOON + 2 * SECOND) if one.is_end]
    assert ends == ["o"]


def test_what_is_refused_is_told_again_with_its_next_transition_or_after_a_while() -> None:
    # Given an alert that is refused, beside one that is taken
    book = ledger()
    book.take("k", SURGE, now=NOON)
    book.take("o", alert_of("globex", fired_at=NOON), now=NOON)
    refused, taken = book.due(NOON)
    assert book.refused(refused, NOON)
    book.took([taken], NOON)
    # Then it is due in no interval before that, also where all else is in doubt
    book.doubt([])
    assert [one.known.key for one in book.due(NOON + RESEND)] == ["o"]
    again = [one for one in book.due(NOON + REFUSED_AGAIN) if one.known.key == "k"]
    # And the same again is no news, but the next transition is
    assert not book.refused(again[0], NOON + REFUSED_AGAIN)
    book.take("k", msgspec.structs.replace(SURGE, number=3), now=NOON)
    risen = next(one for one in book.due(NOON + REFUSED_AGAIN) if one.known.key == "k")
    assert book.refused(risen, NOON + REFUSED_AGAIN)
    # And once it is taken it is as any other
    book.took(book.due(NOON + 2 * REFUSED_AGAIN), NOON + 2 * REFUSED_AGAIN)
    assert len(book.due(NOON + 2 * REFUSED_AGAIN + RESEND)) == 2


def test_what_was_refused_has_no_end_to_tell_and_an_end_that_is_refused_is_told_once() -> None:
    book = ledger()
    book.take("k", SURGE, now=NOON)
    (refused,) = book.due(NOON)
    book.refused(refused, NOON)
    over = resolved(SURGE, NOON + timedelta(hours=1))
    book.take("k", over, now=NOON + timedelta(hours=1))
    ends = book.due(NOON + timedelta(hours=1))
    assert [one.is_end for one in ends] == []
    # Given one that was taken before, and whose end is refused
    book.take("o", alert_of("globex", fired_at=NOON), now=NOON)
    tell(book, NOON)
    book.take("o", None, now=NOON + SECOND)
    (end,) = book.due(NOON + SECOND)
    assert book.refused(end, NOON + SECOND)
    assert book.due(NOON + 2 * SECOND) == []


def test_rows_read_anew_end_what_is_no_longer_there() -> None:
    book = ledger()
    book.take("k", SURGE, now=NOON)
    tell(book, NOON)
    book.begin_again()
    assert [one.is_end for one in tell(book, NOON + SECOND)] == [True]


class Remote:
    """Keep alerts as Alertmanager does: by labels, until they end; it may forget, or take without answering."""

    def __init__(self) -> None:
        self.ends: dict[Labels, datetime] = {}

    def take(self, posts: Sequence[Post]) -> None:
        for post in posts:
            assert post.starts_at <= post.ends_at
            self.ends[tuple(sorted(post.labels.items()))] = post.ends_at

    def active(self, now: datetime) -> set[Labels]:
        return {labels for labels, end in self.ends.items() if end > now}


def variants(number: int) -> st.SearchStrategy[Alert | None]:
    alert = alert_of(rule=f"rule-{number}", fired_at=NOON, updated_at=NOON)
    return st.one_of(
        st.none(),
        st.builds(
            lambda **given: msgspec.structs.replace(alert, **given),
            state=st.sampled_from(["pending", "firing", "acknowledged", "resolved"]),
            severity=st.sampled_from(["warning", "critical"]),
            silenced=st.sampled_from([None, HERE, THERE]),
            number=st.integers(1, 9),
            resolved_at=st.just(NOON),
        ),
    )


CHANGES = st.integers(0, 2).flatmap(lambda n: st.tuples(st.just(f"key-{n}"), variants(n)))
STEPS = st.lists(
    st.tuples(
        st.lists(CHANGES, max_size=3),
        st.sampled_from(["taken", "taken", "lost", "unanswered", "forgotten", "restarted"]),
        st.integers(1, 90),
    ),
    max_size=12,
)


@given(STEPS)
def test_whatever_happens_it_knows_in_the_end_what_fires_and_nothing_else(
    steps: list[tuple[list[tuple[str, Alert | None]], str, int]],
) -> None:
    # Given any changes, any requests that fail on either side, a remote that forgets, and restarts of ours
    book, remote, now = ledger(), Remote(), NOON
    rows: dict[str, Alert | None] = {}
    for changes, fate, seconds in steps:
        for key, alert in changes:
            rows[key] = alert
            book.take(key, alert, now=now)
        if fate == "restarted":
            book = ledger()
            for key, alert in rows.items():
                book.take(key, alert, now=now)
        due = book.due(now)
        if fate != "lost":
            remote.take([one.known.post for one in due])
        if fate == "forgotten":
            remote.ends.clear()
        if fate in {"taken", "restarted"}:
            book.took(due, now)
        else:
            book.doubt(due)
        now += seconds * SECOND
    # When all is well for as long as a post lasts
    for _ in range(4):
        due = book.due(now)
        remote.take([one.known.post for one in due])
        book.took(due, now)
        now += RESEND
    # Then the remote knows the alerts that speak, under their names, and no other
    firing = {identity_of(alert) for alert in rows.values() if alert and speaks(alert, now)}
    assert remote.active(now - RESEND + SECOND) == firing
