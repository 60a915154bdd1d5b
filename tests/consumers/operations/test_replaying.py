"""A watch's mentions run through the alert stage again: what each rule saw last before a moment."""

from collections.abc import Iterable, Sequence

from consumers.operations.reading import Span
from consumers.operations.replaying import Kept, Replay, Replayed
from consumers.protocols import Input, Record
from consumers.runtime.rehearsal import MemoryRecord
from contracts.alerts import Feedback
from contracts.topics import FEEDBACK, MENTIONS
from contracts.watches import Watch
from tests.consumers.alerting.desk import (
    BEGIN_MS,
    DEFAULTS,
    HEADS,
    Desk,
    Item,
    arrived,
    feedback,
    mention,
    tick,
    volume_rule,
    watch_of,
)

NAMES = DEFAULTS.topics.names
SOURCE, SAID = Input(NAMES.of(MENTIONS), 0), Input(NAMES.of(FEEDBACK), 0)
WATCH = watch_of(volume_rule(4))


def records_of(items: Iterable[Item], *, source: Input = SOURCE, at_s: float = 0) -> list[Record]:
    """Return items as they lie in a partition; the broker took them a millisecond apart from `at_s` on."""
    begin_ms = BEGIN_MS + round(at_s * 1000)
    return [
        MemoryRecord(*source, number, begin_ms + number, out.key, out.value, out.headers)
        for number, out in enumerate(map(arrived, items))
    ]


def replayed(
    records: Sequence[Record],
    at_s: float,
    *,
    watch: Watch = WATCH,
    begin: int = 0,
    said: Sequence[Record] = (),
    inputs: int = 1,
) -> Replayed:
    """Replay records up to so many seconds after the beginning."""
    kept = Kept(SOURCE, Span(begin, begin + len(records)), inputs, said)
    replay = Replay(DEFAULTS, watch, kept=kept, heads=HEADS)
    return replay.run(records, at_ms=BEGIN_MS + round(at_s * 1000))


def day(count: int = 6) -> list[Item]:
    """Return mentions of two watches in the second minute, in time that comes in small steps."""
    items: list[Item] = [tick(0)]
    for number in range(count):
        at_s = 60 + 5 * number
        items += [mention(number, at_s), mention(number, at_s, watch="globex")]
        items += [tick(at_s + part / 5) for part in range(25)]
    return [*items, *(tick(at_s) for at_s in range(100, 3000, 7))]


def test_the_last_window_before_the_moment_is_told_with_what_was_missing() -> None:
    # Given six mentions within half a minute; when the moment lies before the fourth, then after it
    early, later = replayed(records_of(day()), 75), replayed(records_of(day()), 85)
    # Then two were seen, and then enough for the rule
    (_, before), (_, after) = early.last["threshold", ""], later.last["threshold", ""]
    assert (before.end_ms - BEGIN_MS, before.level) == (70_000, "clear")
    assert [(one.condition, one.seen, one.needed) for one in before.missing] == [("volume", 2, 4)]
    assert (after.end_ms - BEGIN_MS, after.level, after.observed) == (80_000, "breach", 4)
    assert early.alerts == []
    assert [alert.state for alert in later.alerts] == ["firing"]


def test_it_is_what_the_stage_itself_saw() -> None:
    # Given a stage that has read all that there is
    desk = Desk(WATCH, watch_of(id="globex"))
    desk.give(*day())
    # When the same is replayed to its end
    done = replayed(records_of(day()), 3000)
    # Then it saw the same last, with no mention of another watch, and its alert stands as it does there
    assert done.last["threshold", ""][1] == desk.judged[-1].verdict
    assert done.alerts == desk.alerts
    assert (done.mentions, done.from_ms) == (6, BEGIN_MS)
    assert done.reached_ms == BEGIN_MS + 2998_000


def test_an_alert_is_told_as_it_stood_at_the_moment() -> None:
    def state(at_s: float) -> list[str]:
        return [alert.state for alert in replayed(records_of(day()), at_s).alerts]

    assert [state(at_s) for at_s in (79, 80, 600, 1000)] == [
        [],
        ["firing"],
        ["firing"],
        ["resolved"],
    ]


def test_what_people_said_in_time_counts() -> None:
    # Given an acknowledgement that came when 200 s had passed, and a judgement after all else
    records = records_of(day(), at_s=60)
    said = [
        *records_of([feedback("acknowledge", 200)], source=SAID, at_s=60.177),
        *records_of([feedback("useful", 900)], source=SAID, at_s=99),
    ]
    # When a moment before and some after it are asked for
    (before,), (after,), (end,) = (replayed(records, s, said=said).alerts for s in (150, 300, 5000))
    # Then the later ones know who took it on
    assert (before.state, after.state, after.acknowledged_by) == ("firing", "acknowledged", "ana")
    assert (end.state, end.number) == ("resolved", after.number + 2)


def test_inputs_whose_only_tick_has_expired_hold_no_time_back() -> None:
    # Given two inputs, of which one told its time before what is kept
    records = records_of(day())
    # When the beginning was removed, and when it was not
    cut, whole = replayed(records, 85, inputs=2, begin=7), replayed(records, 85, inputs=2)
    # Then time goes on without it; from the topic's beginning on it stands still, as it did for the stage
    assert cut.last["threshold", ""][1].observed == 4
    assert whole.last == {}


def test_no_more_is_read_than_the_moment_needs() -> None:
    read = 0

    def counted(records: Sequence[Record]) -> Iterable[Record]:
        nonlocal read
        for record in records:
            read += 1
            yield record

    more: list[Item] = [mention(100 + n, 3600 + n) for n in range(5000)]
    records = records_of([*day(), *more, *(tick(3600 + n) for n in range(0, 5000, 10))])
    kept = Kept(SOURCE, Span(0, len(records)), 1, ())
    Replay(DEFAULTS, WATCH, kept=kept, heads=HEADS).run(counted(records), at_ms=BEGIN_MS + 85_000)
    assert read < 2500


def test_feedback_alone_changes_nothing() -> None:
    said: list[Feedback] = [feedback("silence", 10, until=None)]
    done = replayed([], 100, said=records_of(said, source=SAID))
    assert (done.last, done.alerts, done.from_ms, done.reached_ms) == ({}, [], None, None)
