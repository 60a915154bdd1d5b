"""Numbers in sentences: nearly all is not all, and nothing is less than nothing."""

from consumers.alerting.rule import AlertRule
from consumers.alerting.sentences import say
from contracts.alerts import Evidence


def said(measure: str, observed: float, *, limit: float) -> tuple[str, str]:
    seen = Evidence(
        measure=measure, observed=observed, threshold=limit, window_s=60, mentions=12, voices=9,
        sources={"chirp": 7, "weiyu": 5},
    )  # fmt: skip
    rule = AlertRule("threshold", "threshold", "", measure=measure, limit=limit)
    sentences = say(seen, rule, name="Norvia")
    return sentences["en"].partition(",")[0], sentences["zh"].partition("；")[0]


def test_nearly_all_is_not_all() -> None:
    assert said("negative_share", 0.996, limit=0.5) == (
        "Norvia: 99.6 % are negative",
        "【Norvia】1分钟内负面占比为99.6%，高于阈值50%",
    )
    assert said("negative_share", 0.99999, limit=0.5)[0] == "Norvia: 99.9 % are negative"
    assert said("negative_share", 1.0, limit=0.5)[0] == "Norvia: 100 % are negative"


def test_a_mean_just_below_zero_is_told_with_its_digits() -> None:
    assert said("valence", -0.004, limit=0.0) == (
        "Norvia: the mean valence is −0.004",
        "【Norvia】1分钟内平均情感值为−0.004，低于阈值0",
    )
