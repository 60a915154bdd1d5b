"""The rulebook: follows the table of watches, and lets no row stop the others."""

import pytest

from consumers.alerting.rulebook import Rulebook
from consumers.runtime.watch_rows import REFRESH_MS
from contracts.codec import encode_value
from contracts.errors import OwnTopicUnreadable
from contracts.watches import Rule, Watch
from tests.consumers.alerting.desk import HEADS, Rows, volume_rule, watch_of

KEY = "default/acme"


def opened(*watches: Watch) -> tuple[Rows, Rulebook]:
    rows = Rows()
    for watch in watches:
        rows.put(watch)
    book = Rulebook(rows, heads=HEADS)
    book.start()
    return rows, book


def revision(book: Rulebook) -> int | None:
    watched = book.get(KEY)
    return None if watched is None else watched.watch.revision


def test_every_watch_is_known_after_the_start_with_its_rules_read() -> None:
    _, book = opened(watch_of(volume_rule()), watch_of(id="quiet"))
    watched = book.get(KEY)
    assert watched is not None
    assert [rule.limit for rule in watched.rules] == [3.0]
    assert book.get("default/quiet") is not None
    assert book.get("default/nobody") is None


def test_changes_are_followed_at_most_twice_a_second() -> None:
    rows, book = opened(watch_of())
    book.refresh(10_000)
    rows.put(watch_of(revision=2))
    book.refresh(10_000 + REFRESH_MS - 1)
    assert revision(book) == 1
    book.refresh(10_000 + REFRESH_MS)
    assert revision(book) == 2
    rows.remove(KEY)
    book.refresh(20_000)
    assert book.get(KEY) is None


def test_a_lower_revision_than_the_known_one_is_ignored() -> None:
    rows, book = opened(watch_of(revision=5))
    rows.put(watch_of(revision=4))
    book.refresh(10_000)
    assert revision(book) == 5


def test_the_table_is_read_to_its_end_only_for_what_is_not_known() -> None:
    rows, book = opened(watch_of(revision=2))
    reads = rows.reads
    assert book.find(KEY, revision=2) is not None
    assert rows.reads == reads
    rows.put(watch_of(revision=3))
    found = book.find(KEY, revision=3)
    assert found is not None
    assert (found.watch.revision, rows.reads) == (3, reads + 1)
    assert book.find("default/nobody") is None
    assert rows.reads == reads + 2


def test_a_watch_whose_rules_cannot_be_read_is_followed_without_them() -> None:
    _, book = opened(watch_of(Rule("new_story")), watch_of(volume_rule(), id="good"))
    watched, good = book.get(KEY), book.get("default/good")
    assert watched is not None
    assert good is not None
    assert (watched.rules, len(good.rules)) == ((), 1)


def test_a_row_that_is_no_watch_leaves_the_known_one() -> None:
    rows, book = opened(watch_of(volume_rule()))
    rows.put_raw(KEY, b"{")
    rows.put_raw("default/other", encode_value(watch_of(id="not-other")))
    book.refresh(10_000)
    assert revision(book) == 1
    assert book.get("default/other") is None


def test_a_watch_of_a_version_to_come_stops_the_worker_and_goes_on_doing_so() -> None:
    rows, book = opened(watch_of())
    headers = [
        ("ce_specversion", b"1.0"), ("ce_id", b"1"), ("ce_source", b"t"), ("ce_type", b"hubbub.watch.v2"),
    ]  # fmt: skip
    rows.put_raw(KEY, b"{}", headers)
    for at_ms in (10_000, 20_000):
        with pytest.raises(OwnTopicUnreadable, match=KEY):
            book.refresh(at_ms)


def test_the_labels_of_a_head_come_in_order() -> None:
    _, book = opened()
    assert book.labels("emotion") == ("anger", "fear", "joy", "neutral")
    assert book.labels("intent") == ()


def test_a_watch_whose_row_cannot_be_read_is_not_gone() -> None:
    # Given a row that this version cannot read, and no earlier one
    rows = Rows()
    rows.put_raw("default/acme", b'{"id": "acme"}')
    rulebook = Rulebook(rows, heads={})
    rulebook.start()
    # Then nothing is known of it, and yet what was learnt of it must stay
    assert rulebook.get("default/acme") is None
    assert not rulebook.is_gone("default/acme")
    assert rulebook.is_gone("default/other")
    # When it is removed
    rows.remove("default/acme")
    rulebook.refresh(10_000)
    assert rulebook.is_gone("default/acme")
