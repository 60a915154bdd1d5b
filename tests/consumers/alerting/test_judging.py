"""What rules see in a window: breach, hover or clear, and what was missing to fire."""

from collections.abc import Mapping

import pytest

from consumers.alerting.baselines import Usual
from consumers.alerting.judging import (
    Window,
    counts_of,
    judge,
    judge_silence,
    series_name,
    shares_of,
    still_on,
    worst,
)
from consumers.alerting.rule import AlertRule, Missing, RuleKind, Verdict
from consumers.alerting.rules import read_rules
from consumers.alerting.tallies import Tally
from contracts.watches import Rule, Watch
from tests.consumers.alerting.desk import HEADS, mention


def rule_of(kind: RuleKind, **settings: str | float | bool) -> AlertRule:
    return read_rules(Watch(id="a", query="a", rules=(Rule(kind, settings),)), heads=HEADS)[0]


def tally_of(many: int, *, negative: int = 0, angry: int = 0, reach: int = 10) -> Tally:
    tally = Tally()
    for n in range(many):
        tally.take(
            mention(
                n, n, sentiment="negative" if n < negative else "positive",
                emotion="anger" if n < angry else "joy", reach=reach,
            )
        )  # fmt: skip
    return tally


def window_of(
    tally: Tally,
    usual: Mapping[str, tuple[float, float]] | None = None,
    *,
    history_s: float = 1e6,
    window_s: int = 60,
) -> Window:
    """Return a window of all; `usual` is expected and probability by measure."""
    known = {series_name("", name): Usual(*pair, 0.0) for name, pair in (usual or {}).items()}
    return Window(60_000, window_s, {"": tally}, known, history_s, listened_s=history_s)


def missing(verdict: Verdict) -> list[str]:
    return [one.condition for one in verdict.missing]


@pytest.mark.parametrize(
    ("probability", "level"),
    [(1e-8, "breach"), (1e-7, "breach"), (2e-7, "hover"), (3e-4, "hover"), (4e-4, "clear")],
)
def test_a_spike_hovers_between_its_probability_and_the_root_of_it(
    probability: float, level: str
) -> None:
    verdict = judge(
        rule_of("volume_spike"), window_of(tally_of(20), {"volume": (5.0, probability)}), group=""
    )
    assert (verdict.level, verdict.observed, verdict.expected) == (level, 20.0, 5.0)
    assert missing(verdict) == ([] if level == "breach" else ["probability"])


def test_too_little_is_improbable_too_but_no_spike() -> None:
    verdict = judge(
        rule_of("volume_spike"), window_of(tally_of(20), {"volume": (90.0, 1e-30)}), group=""
    )
    assert (verdict.level, verdict.probability) == ("clear", 1.0)


def test_what_is_missing_to_fire_is_told_with_what_was_seen() -> None:
    rule = rule_of("volume_spike", min_mentions=40, min_voices=30, min_sources=4)
    window = window_of(tally_of(20), {"volume": (5.0, 1e-4)}, history_s=1800)
    verdict = judge(rule, window, group="")
    assert verdict.level == "hover"
    assert verdict.missing == (
        Missing("probability", 1e-4, 1e-7),
        Missing("mentions", 20, 40),
        Missing("voices", 20, 30),
        Missing("sources", 3, 4),
        Missing("history_s", 1800, 3600),
    )


def test_a_long_window_needs_a_history_of_twelve() -> None:
    usual = {"volume": (5.0, 1e-9)}
    for history_s, level in ((7199, "hover"), (7200, "breach")):
        window = window_of(tally_of(20), usual, history_s=history_s, window_s=600)
        assert judge(rule_of("volume_spike"), window, group="").level == level


def test_a_surge_of_negatives_takes_the_rarer_of_count_and_share() -> None:
    usual = {"share:negative": (0.1, 1e-4), "negative": (3.0, 1e-9)}
    verdict = judge(
        rule_of("negative_surge"), window_of(tally_of(20, negative=15), usual), group=""
    )
    assert (verdict.measure, verdict.level, verdict.observed) == ("negative", "breach", 15.0)
    usual = {"share:negative": (0.1, 1e-12), "negative": (3.0, 1e-9)}
    verdict = judge(
        rule_of("negative_surge"), window_of(tally_of(20, negative=15), usual), group=""
    )
    assert (verdict.measure, verdict.observed) == ("share:negative", 0.75)


def test_more_of_everything_is_no_surge_of_negatives() -> None:
    # Given many more negatives than usual, and of all a smaller share than usual
    usual = {"share:negative": (0.6, 1e-4), "negative": (3.0, 1e-30)}
    verdict = judge(
        rule_of("negative_surge"), window_of(tally_of(100, negative=40), usual), group=""
    )
    assert (verdict.level, verdict.measure) == ("clear", "share:negative")


def test_an_emotion_is_judged_by_its_share_of_what_was_judged() -> None:
    rule = rule_of("emotion_shift", emotion="anger")
    usual = {"share:anger": (0.05, 1e-8)}
    verdict = judge(rule, window_of(tally_of(20, angry=12), usual), group="")
    assert (verdict.level, verdict.observed, verdict.measure) == ("breach", 0.6, "share:anger")


def test_a_group_that_is_not_there_is_clear() -> None:
    for rule in (rule_of("volume_spike"), rule_of("threshold", measure="volume", above=1)):
        verdict = judge(rule, window_of(tally_of(20)), group="topic=sport")
        assert (verdict.level, verdict.mentions) == ("clear", 0)


@pytest.mark.parametrize(
    ("negative", "level"), [(12, "breach"), (10, "breach"), (9, "hover"), (8, "clear")]
)
def test_a_threshold_hovers_in_its_margin(negative: int, level: str) -> None:
    rule = rule_of("threshold", measure="negative_share", above=0.5)
    assert judge(rule, window_of(tally_of(20, negative=negative)), group="").level == level


def test_a_share_of_nothing_breaks_no_threshold_on_either_side() -> None:
    for side in ("above", "below"):
        rule = rule_of("threshold", measure="negative_share", **{side: 0.5})
        assert judge(rule, window_of(Tally()), group="").level == "clear"


def test_few_mentions_break_a_threshold_below() -> None:
    rule = rule_of("threshold", measure="volume", below=10)
    levels = [judge(rule, window_of(tally_of(n)), group="").level for n in (0, 10, 11, 12)]
    assert levels == ["breach", "breach", "hover", "clear"]


@pytest.mark.parametrize(("after_s", "level"), [(599, "clear"), (600, "breach"), (9000, "breach")])
def test_silence_is_measured_from_the_newest_mention(after_s: int, level: str) -> None:
    rule = rule_of("silence", **{"for": "10m"})
    verdict = judge_silence(rule, last_ms=1000, end_ms=1000 + 1000 * after_s)
    assert (verdict.level, verdict.observed) == (level, float(after_s))


def test_the_loudest_of_several_windows_speaks() -> None:
    rule = rule_of("volume_spike")
    seen = [
        judge(rule, window_of(tally_of(20), {"volume": (5.0, p)}, window_s=s), group="")
        for p, s in ((1e-4, 60), (1e-8, 300), (1e-7, 600), (1e-8, 3600))
    ]
    assert worst(seen) is seen[1]


@pytest.mark.parametrize(
    ("middle", "level"), [((1.5, 0.2), "breach"), ((20.0, 1.0), "clear"), ((30.0, 1e-3), "clear")]
)
def test_an_hour_counts_as_long_as_its_last_ten_minutes_are_above_the_usual(
    middle: tuple[float, float], level: str
) -> None:
    # Given a minute without anything, ten minutes with 20 mentions, and an hour that is improbable
    rule = rule_of("volume_spike")
    empty = judge(rule, window_of(tally_of(0), {"volume": (0.1, 1.0)}), group="")
    short = judge(rule, window_of(tally_of(20), {"volume": middle}, window_s=600), group="")
    hour = judge(rule, window_of(tally_of(90), {"volume": (20.0, 1e-9)}, window_s=3600), group="")
    # When they are joined, then the hour speaks only where ten minutes have more than is usual for them
    assert worst(still_on([empty, short, hour])).level == level
    assert still_on([hour]) == [hour]


def test_every_series_is_named_by_its_group_and_measure() -> None:
    groups = {"": tally_of(4, negative=1, angry=2), "topic=health": tally_of(2)}
    assert counts_of(groups) == {
        "|volume": 4, "|negative": 1, "topic=health|volume": 2, "topic=health|negative": 0,
    }  # fmt: skip
    assert shares_of(groups, ["anger"]) == {
        "|share:negative": (1, 4), "|share:anger": (2, 4),
        "topic=health|share:negative": (0, 2), "topic=health|share:anger": (0, 2),
    }  # fmt: skip


def test_what_was_not_listened_to_from_its_begin_is_not_too_little() -> None:
    rule = rule_of("threshold", measure="volume", below=10, window="1h")
    for history_s, level in ((3599, "hover"), (3600, "breach")):
        window = window_of(tally_of(1), history_s=history_s, window_s=3600)
        assert judge(rule, window, group="").level == level
