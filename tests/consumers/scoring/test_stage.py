"""The score stage on batches: what becomes of each record, and what is written where."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
import pytest

from consumers.protocols import Batch, Input, Progress
from consumers.runtime.outcome import BatchOutcome
from consumers.runtime.state import Overlay, PartitionState
from consumers.runtime.table import Change
from consumers.runtime.watch_rows import REFRESH_MS
from consumers.scoring.chinese import Lexicon
from consumers.scoring.mentioning import cut_utf8
from consumers.scoring.stage import ScoreStage
from consumers.scoring.watchlist import Watchlist
from contracts.codec import encode_value, make_headers
from contracts.errors import OwnTopicUnreadable
from contracts.events import Author, Event
from contracts.mentions import Mention
from contracts.settings import load
from contracts.watches import Watch
from models.identity import identity_scorer

TEXT = Input("hubbub.events.text", 0)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
NOON_MS = 1_767_268_800_000
# Two Chinese words are enough here: what Chinese needs has tests of its own.
LEXICON = Lexicon([("河流", 100), ("洪水", 100)])


class Row(NamedTuple):
    """One record (protocol `Record`)."""

    offset: int
    value: bytes | None
    topic: str = TEXT.topic
    partition: int = TEXT.partition
    timestamp: int = NOON_MS
    key: bytes | None = None
    headers: Sequence[tuple[str, bytes | None]] = ()


class Rows:
    """A table of watches in memory: rows that a test adds (protocol `WatchTable`)."""

    def __init__(self) -> None:
        self.waiting: list[Change] = []

    def put(self, watch: Watch) -> None:
        headers = make_headers(Watch, watch.key, source="test")
        self.waiting.append(Change(watch.key.encode(), encode_value(watch), headers))

    def start(self) -> None:
        pass

    def read_to_end(self, deadline_s: float) -> Iterator[Change]:
        return self.changes()

    def changes(self) -> Iterator[Change]:
        rows, self.waiting = self.waiting, []
        return iter(rows)

    def close(self) -> None:
        pass


class Desk:
    """One stage with one partition, and batches through it."""

    def __init__(self, *watches: Watch, **score: Any) -> None:
        self.rows = Rows()
        for watch in watches:
            self.rows.put(watch)
        self.stage = ScoreStage(
            load(flags={"score": score}),
            scorer=identity_scorer(),
            watchlist=Watchlist(self.rows, lexicon=LEXICON),
            mention_partitions=2,
        )
        self.stage.start()
        self.kept = PartitionState()
        self.stage.opened(TEXT, Overlay(self.kept))
        self.offset = 0

    def give(
        self, *values: bytes | None, now_ms: int = NOON_MS, commits: bool = True
    ) -> BatchOutcome:
        records = [Row(self.offset + at, value) for at, value in enumerate(values)]
        outcome = BatchOutcome("score", {TEXT: self.kept}, letters="letters", now_ms=now_ms)
        batch = Batch({TEXT: records}, now_ms)
        self.stage.process(batch, outcome)
        outcome.settle(batch)
        if commits:
            self.offset += len(values)
            outcome.apply()
            self.stage.applied()
        return outcome

    def tick(self, *, silent_ms: int = 0, now_ms: int = NOON_MS) -> list[dict[str, Any]]:
        outcome = BatchOutcome("score", {TEXT: self.kept}, letters="letters", now_ms=now_ms)
        self.stage.tick([Progress(TEXT, True, silent_ms)], outcome, now_ms=now_ms)
        self.stage.ticked()
        return [msgspec.json.decode(output.value or b"") for output in outcome.outputs]


def event(id: str, text: str = "the river floods", **more: Any) -> bytes:
    given = {"source": "test", "observed_at": NOON, "received_at": NOON, **more}
    return encode_value(Event(id=id, text=text, **given))


def topics(outcome: BatchOutcome) -> Counter[str]:
    return Counter(output.topic.removeprefix("hubbub.") for output in outcome.outputs)


def test_an_event_is_scored_once_and_mentioned_once_for_each_watch_it_matches() -> None:
    desk = Desk(Watch("river", "river"), Watch("flood", "flood*"), Watch("fire", "fire"))
    outcome = desk.give(event("1"))
    assert topics(outcome) == {"scored": 1, "mentions": 2}
    assert outcome.ends[TEXT].result == 1


def test_a_mention_carries_its_watch_and_place_and_what_matched() -> None:
    desk = Desk(Watch("river", "river", revision=3))
    author = Author(key="a1", followers=90)
    desk.give(event("0"))
    outcome = desk.give(event("1", "Our river rises", author=author, url="https://example.org/1"))
    mention = msgspec.json.decode(outcome.outputs[1].value or b"")
    assert outcome.outputs[1].key == b"default/river"
    expected = {
        "watch": "river", "watch_revision": 3, "event_id": "1", "partition": 0, "offset": 1,
        "lane": "text", "author": "a1", "reach": 90, "spans": [[4, 9]], "text": "Our river rises",
        "url": "https://example.org/1", "model_version": "identity-1",
    }  # fmt: skip
    assert {name: mention[name] for name in expected} == expected


def test_a_repeat_changes_nothing_and_is_counted() -> None:
    desk = Desk(Watch("river", "river"))
    desk.give(event("1"))
    outcome = desk.give(event("1"), event("2"), event("2"))
    assert outcome.ends[TEXT].dropped == {"repeat": 2}
    assert topics(outcome) == {"scored": 1, "mentions": 1}


def test_a_batch_whose_transaction_was_lost_is_not_taken_for_repeats() -> None:
    desk = Desk()
    desk.give(event("1"), event("2"), commits=False)
    outcome = desk.give(event("1"), event("2"))
    assert outcome.ends[TEXT].result == 2


def test_another_partition_keeps_nothing_of_a_lost_batch_when_one_commits() -> None:
    # Given a lost batch over two partitions
    desk = Desk()
    other = Input("hubbub.events.text", 1)
    kept = PartitionState()
    desk.stage.opened(other, Overlay(kept))
    states = {TEXT: desk.kept, other: kept}
    rows = {TEXT: [Row(0, event("1"))], other: [Row(0, event("2"), partition=1)]}
    desk.stage.process(Batch(rows, NOON_MS), BatchOutcome("score", states, letters="letters"))
    # When a batch of the first alone commits, and then the second's comes again
    desk.give(event("1"))
    outcome = BatchOutcome("score", states, letters="letters")
    desk.stage.process(Batch({other: rows[other]}, NOON_MS), outcome)
    outcome.settle(Batch({other: rows[other]}, NOON_MS))
    # Then it counts as new
    assert outcome.ends[other].result == 1


def test_only_matching_drops_what_no_watch_wants_and_counts_it() -> None:
    desk = Desk(Watch("river", "river"), only_matching=True)
    outcome = desk.give(event("1"), event("2", "nothing of that"))
    assert outcome.ends[TEXT].dropped == {"unmatched": 1}
    assert topics(outcome) == {"scored": 1, "mentions": 1}


def test_a_bad_record_is_a_dead_letter_with_its_bytes_and_its_neighbours_are_unharmed() -> None:
    desk = Desk()
    outcome = desk.give(event("1"), b'{"id": 5}', None, event("2"))
    letters = [output for output in outcome.outputs if output.topic == "letters"]
    assert [letter.value for letter in letters] == [b'{"id": 5}', None]
    assert dict(letters[0].headers)["hubbub-dead-place"] == b"$.id"
    assert outcome.ends[TEXT].result == 2


def test_a_watch_changes_while_running_by_revision() -> None:
    # Given a watch for rivers
    desk = Desk(Watch("a", "river"))
    assert topics(desk.give(event("1")))["mentions"] == 1
    # When a new revision, an older one and a pause arrive
    desk.rows.put(Watch("a", "fire", revision=2))
    desk.rows.put(Watch("a", "river", revision=1))
    later = NOON_MS + REFRESH_MS
    # Then the newest stands
    assert topics(desk.give(event("2"), event("3", "fire!"), now_ms=later))["mentions"] == 1
    desk.rows.put(Watch("a", "fire", revision=3, state="paused"))
    assert topics(desk.give(event("4", "fire!"), now_ms=later + REFRESH_MS))["mentions"] == 0
    desk.rows.waiting.append(Change(b"default/a", None, ()))
    assert topics(desk.give(event("5", "fire!"), now_ms=later + 2 * REFRESH_MS))["mentions"] == 0


def test_a_row_that_cannot_be_read_stops_no_other_watch() -> None:
    desk = Desk(Watch("a", "river"))
    desk.rows.waiting.append(Change(b"default/b", b"{", ()))
    desk.rows.put(Watch("c", "(river OR"))
    outcome = desk.give(event("1"), now_ms=NOON_MS + REFRESH_MS)
    assert topics(outcome)["mentions"] == 1


def test_a_watch_of_an_unknown_major_version_stops_the_stage_and_goes_on_doing_so() -> None:
    # Given a row of a future version between two good ones
    desk = Desk()
    desk.rows.put(Watch("a", "river"))
    future = [
        ("ce_type", b"hubbub.watch.v2"),
        ("ce_specversion", b"1.0"),
        ("ce_id", b"b"),
        ("ce_source", b"s"),
    ]
    desk.rows.waiting.append(Change(b"default/b", b"{}", future))
    desk.rows.put(Watch("c", "fire"))
    # When batches come
    # Then every one says so, however often it is tried
    for turn in range(1, 4):
        with pytest.raises(OwnTopicUnreadable, match="default/b"):
            desk.give(event("1"), now_ms=NOON_MS + turn * REFRESH_MS)


def test_an_event_that_lies_about_its_receipt_does_not_move_time_beyond_it() -> None:
    desk = Desk()
    end = datetime(9999, 12, 31, tzinfo=UTC)
    desk.give(event("1", observed_at=end, received_at=end))
    assert {tick["watermark_ms"] for tick in desk.tick()} == {NOON_MS}


def test_an_event_from_the_future_is_mentioned_as_of_its_receipt() -> None:
    """Given one clock that is decades ahead, Then its mention does not open a pane that only decades close."""
    desk = Desk(Watch("river", "river"))
    outcome = desk.give(event("1", observed_at=datetime(2077, 1, 1, tzinfo=UTC)), event("2"))
    sent = [o.value or b"" for o in outcome.outputs if o.topic == "hubbub.mentions"]
    assert [msgspec.json.decode(value, type=Mention).at for value in sent] == [NOON, NOON]


def test_a_repeat_is_known_whatever_time_its_record_claims() -> None:
    # Given one event whose records bear old timestamps, as after a backfill
    desk = Desk()
    desk.give(event("1"))
    again = Row(desk.offset, event("1"), timestamp=0)
    outcome = BatchOutcome("score", {TEXT: desk.kept}, letters="letters")
    desk.stage.process(Batch({TEXT: [again]}, NOON_MS + 1000), outcome)
    outcome.settle(Batch({TEXT: [again]}, NOON_MS + 1000))
    # Then the second is a repeat
    assert outcome.ends[TEXT].dropped == {"repeat": 1}


def test_a_character_with_a_hundred_thousand_marks_does_not_hold_the_stage_up() -> None:
    desk = Desk(Watch("river", "river"))
    marks = "\u0315\u0300"
    author = Author(key="k", name="a" + marks * 9000)
    began = time.perf_counter()
    outcome = desk.give(event("1", "river a" + marks * 99_000, author=author))
    assert topics(outcome) == {"scored": 1, "mentions": 1}
    # Folded as one character it takes three quarters of a minute.
    assert time.perf_counter() - began < 15


def test_a_watch_sees_events_of_its_own_tenant_alone() -> None:
    desk = Desk(Watch("a", "river", tenant="one"), Watch("b", "river", tenant="two"))
    outcome = desk.give(event("1", tenant="two"))
    assert [output.key for output in outcome.outputs] == [b"two/1", b"two/b"]


def test_a_tick_goes_to_every_partition_of_mentions_and_is_told_once() -> None:
    desk = Desk()
    desk.give(event("1"))
    ticks = desk.tick()
    assert ticks == [{"lane": "text", "partition": 0, "watermark_ms": NOON_MS}] * 2
    assert desk.tick() == []


def test_a_tick_moves_only_with_what_was_committed() -> None:
    desk = Desk()
    desk.give(event("1"))
    desk.tick()
    desk.give(event("2", observed_at=NOON + timedelta(seconds=9), received_at=None), commits=False)
    assert desk.tick() == []


def test_an_input_that_is_drained_and_silent_says_that_it_is_idle() -> None:
    desk = Desk()
    desk.give(event("1"))
    assert [tick["idle"] for tick in desk.tick(silent_ms=6000)] == [True, True]


@pytest.mark.parametrize(
    ("text", "limit", "cut"), [("abc", 2, "ab"), ("苹果", 5, "苹"), ("é", 1, "")]
)
def test_a_text_is_cut_to_whole_characters(text: str, limit: int, cut: str) -> None:
    assert cut_utf8(text, limit) == cut
