"""What a rule saw, for people: how near it came, and what was missing in words."""

import pytest

from consumers.alerting.rule import AlertRule, Missing, Verdict
from consumers.operations.seen import group_of, lack_words, nearness, seen_of

SPIKE = AlertRule("volume_spike", "volume_spike", "")
ANGRY = AlertRule("angry", "threshold", "", measure="negative_share", limit=0.6)
QUIET = AlertRule("quiet", "threshold", "", measure="volume", above=False, limit=3.0)
LONELY = AlertRule("lonely", "threshold", "", measure="voices", above=False, limit=3.0)
NOBODY = AlertRule("nobody", "threshold", "", measure="voices", above=False, limit=0.0)
ONE_SIDED = AlertRule("one-sided", "threshold", "", measure="sources", above=False, limit=2.0)
HEARD = AlertRule("heard", "threshold", "", measure="voices", limit=8.0)
GLAD = AlertRule("glad", "threshold", "", measure="valence", limit=0.5)


@pytest.mark.parametrize(
    ("rule", "missing", "near", "words"),
    [
        (SPIKE, Missing("mentions", 3, 5), 0.6, "3 of 5 mentions"),
        (SPIKE, Missing("voices", 1, 3), 0.333, "1 of 3 voices"),
        (SPIKE, Missing("history_s", 2400, 3600), 0.667, "history 40 min of 1 h"),
        (SPIKE, Missing("hold_s", 60, 300), 0.96, "broken for 1 min of 5 min"),
        (SPIKE, Missing("silent_s", 1200, 3600), 0.333, "silent for 20 min of 1 h"),
        (SPIKE, Missing("probability", 1e-3, 1e-6), 0.5, "chance 1 in 1,000, needs 1 in 1,000,000"),
        (SPIKE, Missing("probability", 1.0, 1e-6), 0.0, "nothing unusual, needs 1 in 1,000,000"),
        (ANGRY, Missing("negative_share", 0.3, 0.6), 0.5, "negative_share 0.3, needs 0.6 or more"),
        (QUIET, Missing("volume", 6, 3), 0.5, "volume 6, needs 3 or less"),
        (QUIET, Missing("volume", 0, 3), 0.0, "volume: nothing to judge"),
        (LONELY, Missing("voices", 4, 3), 0.75, "voices 4, needs 3 or less"),
        (LONELY, Missing("voices", 1, 2), 0.5, "1 of 2 voices"),
        (NOBODY, Missing("voices", 2, 0), 0.0, "voices 2, needs 0 or less"),
        (ONE_SIDED, Missing("sources", 17, 2), 0.5, "sources 17, needs 2 or less"),
        (HEARD, Missing("voices", 2, 8), 0.25, "2 of 8 voices"),
        (GLAD, Missing("valence", -0.25, 0.5), 0.5, "valence -0.25, needs 0.5 or more"),
    ],
)
def test_what_was_missing_is_told_with_how_near_it_came(
    rule: AlertRule, missing: Missing, near: float, words: str
) -> None:
    assert round(nearness(rule, (missing,)), 3) == near
    assert lack_words(rule, missing) == words


def test_a_window_is_as_near_as_its_farthest_condition() -> None:
    missing = (Missing("probability", 1e-3, 1e-6), Missing("voices", 1, 3))
    assert nearness(SPIKE, missing) == pytest.approx(1 / 3)
    assert nearness(SPIKE, ()) == 1.0


def test_a_verdict_is_told_with_its_group_by_the_label_alone() -> None:
    # Given a rule that parts its watch, and what it saw of one part
    rule = AlertRule("surge", "negative_surge", "", by="topic")
    verdict = Verdict(
        "surge", "topic=health", 60_000, 60, "negative", "hover", 4.0, 1e-6, 0.5, 1e-4,
        mentions=4, voices=4, sources=2, missing=(Missing("probability", 1e-4, 1e-6),),
    )  # fmt: skip
    # When it is told
    seen = seen_of(rule, verdict)
    # Then it has the label, the moment of its end, and everything that was counted
    assert (seen.group, seen.at.timestamp(), seen.nearness) == ("health", 60.0, 0.667)
    assert [lack.says for lack in seen.missing] == ["chance 1 in 10,000, needs 1 in 1,000,000"]
    assert group_of(SPIKE, Verdict("s", "", 0, 60, "volume", "clear", 0.0, 1.0)) == ""
