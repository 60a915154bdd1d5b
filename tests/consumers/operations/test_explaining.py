"""Why a watch did or did not fire: one document and its words."""

from datetime import UTC, datetime, timedelta

import pytest

from consumers.alerting.rule import AlertRule, Missing, Verdict
from consumers.alerting.rules import read_rules
from consumers.operations.explaining import (
    Explanation,
    check_rule,
    explanation_of,
    lines_of,
    moment_of,
)
from consumers.operations.reading import Span
from consumers.operations.replaying import Kept, Replayed
from consumers.protocols import Input
from contracts.alerts import Alert
from contracts.errors import InvalidInput
from contracts.watches import Rule, Watch
from tests.given_alerts import NOON, alert_of

WATCH = Watch(
    id="acme", query="acme", revision=3,
    rules=(Rule("volume_spike"), Rule("negative_surge", {"by": "topic"}), Rule("silence")),
)  # fmt: skip
RULES = read_rules(WATCH, heads={})
NOON_MS = int(NOON.timestamp() * 1000)
ALERT = alert_of(rule="volume_spike", acknowledged_by="li")


def verdict_of(rule: AlertRule, *missing: Missing, group: str = "", before_s: int = 10) -> Verdict:
    """Return what a rule saw of the window that ended so many seconds before noon."""
    if rule.kind == "silence":
        return Verdict(
            rule.id, "", NOON_MS - before_s * 1000, 3600, "silence", "clear", 600.0, 3600.0,
            missing=missing,
        )  # fmt: skip
    return Verdict(
        rule.id, group, NOON_MS - before_s * 1000, 60, "volume", "hover", 12.0, 1e-6, 8.1, 5e-4,
        mentions=12, voices=1, sources=2, missing=missing,
    )  # fmt: skip


def explained(
    *verdicts: Verdict, at: datetime = NOON, begin: int = 0, alerts: tuple[Alert, ...] = ()
) -> Explanation:
    """Return the explanation of what was seen, of a partition kept from an hour before noon to a minute after."""
    rules = {rule.id: rule for rule in RULES}
    last = {(v.rule, v.group.rpartition("=")[2]): (rules[v.rule], v) for v in verdicts}
    done = Replayed(last, alerts, 345, NOON_MS - 3_600_000, NOON_MS + 60_000)
    kept = Kept(Input("mentions", 0), Span(begin, 1000), 1, ())
    return explanation_of(WATCH, RULES, at=at, kept=kept, replayed=done)


def lines(explanation: Explanation, group: str | None = None) -> list[str]:
    return list(lines_of(explanation, group=group))


def test_each_rule_is_told_with_what_it_saw_and_what_was_missing() -> None:
    # Given a window that was improbable and not enough, an alert that someone has taken on, and some silence
    spike, surge, silence = RULES
    told = lines(
        explained(
            verdict_of(spike, Missing("probability", 5e-4, 1e-6), Missing("voices", 1, 3)),
            verdict_of(silence, Missing("silent_s", 600, 3600)),
            alerts=(ALERT,),
        )
    )
    # Then every rule has its lines
    assert told == [
        "default/acme, revision 3, at 2026-01-01 12:00:00Z",
        "learnt from 345 mentions since 2026-01-01 11:00:00Z, the topic's first record",
        "",
        "volume_spike: the 1 min to 2026-01-01 11:59:50Z",
        "  observed  volume 12 where 8.1 is usual; chance 1 in 2,000, fires at 1 in 1,000,000",
        "  heard     12 mentions of 1 voice from 2 sources",
        "  missing   chance 1 in 2,000, needs 1 in 1,000,000; 1 of 3 voices",
        f"  alert     {ALERT.id} firing since 2026-01-01 12:01:00Z, warning, acknowledged by li",
        "",
        f"{surge.id}: nothing was judged by then",
        "",
        "silence: to 2026-01-01 11:59:50Z",
        "  observed  silent for 10 min, fires at 1 h",
        "  missing   silent for 10 min of 1 h",
        "  alert     none",
    ]


def test_groups_are_those_of_the_last_window_the_nearest_first_and_not_too_many() -> None:
    # Given seven topics of one window, and one of an earlier one
    surge = RULES[1]
    seen = [
        verdict_of(surge, Missing("mentions", number, 10), group=f"topic=t{number}")
        for number in range(1, 8)
    ]
    earlier = verdict_of(surge, group="topic=gone", before_s=600)
    explanation = explained(*seen, earlier)
    # Then the document has the seven, and five are shown, or the one that is asked for
    assert [one.group for one in explanation.rules[1].seen] == [f"t{n}" for n in range(7, 0, -1)]
    told = lines(explanation)
    shown = [line.split(":")[0] for line in told if line.startswith(f"{surge.id} (")]
    assert shown == [f"{surge.id} (t{number})" for number in range(7, 2, -1)]
    assert "and 2 groups further away; --group NAME shows one" in told
    assert f"{surge.id} (t1): the 1 min to 2026-01-01 11:59:50Z" in lines(explanation, "t1")
    assert f"{surge.id}: nothing of gone was judged by then" in lines(explanation, "gone")


def test_it_says_what_it_cannot_know() -> None:
    cut = lines(explained(begin=7))
    assert "what was learnt before is no longer kept" in cut[1]
    ahead = explained(at=NOON + timedelta(minutes=5))
    assert lines(ahead)[2] == "time has come no further than 2026-01-01 12:01:00Z"
    with pytest.raises(InvalidInput, match="before what is kept of default/acme, which begins at"):
        explained(at=NOON - timedelta(hours=2))


def test_a_watch_without_the_rule_that_is_asked_for_is_refused() -> None:
    check_rule(WATCH, RULES, asked="silence")
    with pytest.raises(InvalidInput, match="has no rule 'spike'; it has volume_spike, negative"):
        check_rule(WATCH, RULES, asked="spike")
    with pytest.raises(InvalidInput, match="has no rules, so nothing is judged"):
        check_rule(Watch(id="bare", query="x"), (), asked=None)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-01-01T08:00:00Z", datetime(2026, 1, 1, 8, tzinfo=UTC)),
        ("2026-01-01T08:00:00+08:00", datetime(2026, 1, 1, tzinfo=UTC)),
        ("-2h", NOON - timedelta(hours=2)),
        ("-1d12h", NOON - timedelta(hours=36)),
    ],
)
def test_a_moment_is_a_time_or_so_long_ago(text: str, at: datetime) -> None:
    assert moment_of(text, NOON) == at


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("noon", "expected ISO 8601"),
        ("2026-01-01T08:00:00", "no zone"),
        ("-2x", "expected a length"),
    ],
)
def test_what_is_no_moment_is_refused(text: str, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        moment_of(text, NOON)
