"""An alert in words: nothing that it stands on is left out, and what carries the emotion is marked."""

from datetime import UTC, datetime, timedelta

import msgspec

from consumers.operations.alert_pages import (
    Piece,
    line_of,
    minute,
    page_of,
    pieces_of,
    row_of,
    said,
    spark,
)
from contracts.alerts import CurvePoint, Silence
from contracts.scores import Span
from tests.given_alerts import EVIDENCE, NOON, QUOTE, SAYS, alert_of, resolved, transition_of

MUTED = Silence("maria", NOON + timedelta(hours=2), why="known fault", id="alertmanager/7")


def told(page: object) -> dict[str, str]:
    return {
        line.name: "".join(piece.text for piece in line.pieces)
        for line in page  # type: ignore[attr-defined]
    }


def test_a_row_has_what_a_list_shows() -> None:
    alert = alert_of(group="politics", silenced=MUTED)
    assert row_of(alert, lang="zh") == (
        alert.id, "firing, silenced", "warning", "acme", "negative_surge", "politics", "2026-01-01 12:01Z",
        SAYS["zh"],
    )  # fmt: skip


def test_a_page_has_every_fact() -> None:
    # Given an alert with all that it can have
    alert = resolved(
        alert_of(
            group="politics", by="topic", watch_name="Acme", acknowledged_by="li", silenced=MUTED,
            reopened=1, rule_version="r9",
        ),
        NOON + timedelta(minutes=30),
    )  # fmt: skip
    steps = [transition_of(alert, "fired", number=1, at=NOON)]
    steps.append(transition_of(alert, "acknowledged", by="li", why="on it"))
    # When it is shown
    page = page_of(alert, steps, lang="en")
    # Then each fact stands under its name
    facts = told(page[:-2])
    assert facts["about"] == "default/acme negative_surge (politics)"
    assert facts["kind"] == "negative_surge by topic"
    assert facts["state"] == "resolved, warning, transition 3"
    assert facts["by"] == "acknowledged by li"
    assert facts["silenced"] == "until 2026-01-01 14:00Z by maria (alertmanager/7): known fault"
    assert facts["says"] == SAYS["en"]
    assert facts["measure"] == "emotion:anger 123, expected 12.5"
    assert facts["chance"] == "1.5e-09 on a usual day; fires at 1e-06"
    assert facts["window"] == "60 s, 140 mentions of 98 voices, reach 54,321"
    assert facts["sources"] == "weibo 100, twitter 40"
    assert facts["observed"] == "▁▂▃▄▅▆▇█ up to 7"
    assert facts["expected"] == "▂▂▂▂▂▂▂▂ up to 1"
    assert facts["phrases"] == "battery (31)"
    assert facts["reopened"] == "once"
    assert facts["made by"] == "watch revision 1, rule r9, model v1"
    assert facts["typical"].endswith(
        "weibo zh anger 0.93 reach 1,200 [e-1] 气死我了 so angry https://example.org/1"
    )
    assert [line.pieces[0].text for line in page[-2:]] == [
        "  1 2026-01-01 12:00Z fired (warning)",
        "  3 2026-01-01 12:30Z acknowledged (warning) by li (on it)",
    ]


def test_a_rule_of_a_measure_shows_its_threshold_and_a_single_source_is_marked() -> None:
    evidence = msgspec.structs.replace(
        EVIDENCE, probability=None, expected=None, threshold=0.4, observed=0.5, curve=(), phrases=(),
        sources={"rss": 9}, single_source=True,
    )  # fmt: skip
    facts = told(page_of(alert_of(evidence=evidence), [], lang="en"))
    assert facts["threshold"] == "0.4"
    assert facts["measure"] == "emotion:anger 0.5"
    assert facts["sources"] == "rss 9 (a single source)"
    assert not facts.keys() & {"chance", "observed", "expected", "phrases", "silenced", "resolved"}


def test_spans_are_marked_in_order_once_and_never_beyond_the_text() -> None:
    assert pieces_of(QUOTE) == (
        Piece("气死我了", marked=True), Piece(" so "), Piece("angry", marked=True),
    )  # fmt: skip
    spans = (Span(0, 5, "a", 1), Span(3, 7, "a", 1), Span(4, 5, "a", 1), Span(900, 990, "a", 1))
    overlapping = pieces_of(msgspec.structs.replace(QUOTE, text="abcdefghi", spans=spans))
    assert overlapping == (Piece("abcde", marked=True), Piece("fg", marked=True), Piece("hi"))
    assert pieces_of(msgspec.structs.replace(QUOTE, spans=())) == (Piece("气死我了 so angry"),)


def test_a_curve_below_zero_and_a_flat_one_are_drawn() -> None:
    points = tuple(CurvePoint(n, value, 0.0) for n, value in enumerate((-1.0, 0.0, 1.0)))
    alert = alert_of(evidence=msgspec.structs.replace(EVIDENCE, curve=points))
    assert told(page_of(alert, [], lang="en"))["observed"].startswith("▁▅█ ")
    assert spark([0.0, 0.0], low=0.0, high=0.0) == "▁▁"


def test_a_transition_is_one_line() -> None:
    one = transition_of(alert_of(), "silenced", by="li", until=NOON, why="known")
    assert line_of(one, lang="en") == (
        f"2026-01-01 12:02Z silenced     warning  {one.alert} default/acme negative_surge"
        f" by li until 2026-01-01 12:00Z (known): {SAYS['en']}"
    )
    assert line_of(msgspec.structs.replace(one, says={}), lang="en").endswith("(known)")


def test_a_language_that_is_missing_is_told_in_another() -> None:
    assert said({"zh": "好"}, "en") == "好"
    assert said({}, "en") == ""


def test_a_moment_of_another_zone_keeps_it() -> None:
    shanghai = datetime.fromisoformat("2026-01-01T20:00:30+08:00")
    assert minute(shanghai) == "2026-01-01 20:00+08:00"
    assert minute(shanghai.astimezone(UTC)) == "2026-01-01 12:00Z"


def test_updates_in_a_row_are_told_as_one_and_others_one_by_one() -> None:
    # Given an alert that was updated thrice, raised, and updated once
    alert = alert_of()
    changes = ("fired", "updated", "updated", "updated", "raised", "updated")
    steps = [
        transition_of(alert, change, number=n, at=NOON + timedelta(minutes=5 * n))
        for n, change in enumerate(changes, start=1)
    ]
    # When its page is written
    history = [
        "".join(piece.text for piece in line.pieces)
        for line in page_of(alert, steps, lang="en")
        if line.name == "history"
    ]
    # Then three updates are one line
    assert history[1] == "  2 2026-01-01 12:10Z to 2026-01-01 12:20Z updated 3 times (warning)"
    assert [line.split(maxsplit=3)[-1] for line in history[2:]] == [
        "raised (warning)",
        "updated (warning)",
    ]


def test_a_curve_says_what_it_shows_and_when() -> None:
    surge = alert_of()
    assert told(page_of(surge, [], lang="en"))["curve"].startswith(
        "share of negatives by the minute, "
    )
    anger = msgspec.structs.replace(EVIDENCE, measure="share:anger")
    shift = msgspec.structs.replace(surge, kind="emotion_shift", evidence=anger)
    assert told(page_of(shift, [], lang="en"))["curve"].startswith("share of anger by the minute, ")
