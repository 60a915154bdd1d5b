"""Numbers in sentences: nearly all is not all, and nothing is less than nothing."""

import pytest

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


def counted(observed: float, *, usual: float) -> tuple[str, str]:
    seen = Evidence(
        measure="volume", observed=observed, expected=usual, probability=1e-6, threshold=1e-6, window_s=60,
        mentions=round(observed), voices=9, sources={"chirp": 7, "weiyu": 5},
    )  # fmt: skip
    sentences = say(seen, AlertRule("spike", "volume_spike", ""), name="Norvia")
    return sentences["en"].partition(", by")[0], sentences["zh"].partition("；")[0]


@pytest.mark.parametrize(
    ("observed", "usual", "more"),
    [
        # What is near the usual, and yet improbable, is told in percent, beside numbers that differ
        (1_040_000, 1_003_412.3,
         "1,040,000 mentions where 1,003,412 are usual (4 % more|104万条相关内容，平时约为100万条，比平时多4%"),
        (2_004, 2_001.3,
         "2,004 mentions where 2,001 are usual (less than 1 % more|2004条相关内容，平时约为2001条，比平时多不足1%"),
        (1_990, 1_960.2, "1,990 mentions where 1,960 are usual (2 % more|1990条相关内容，平时约为1960条，比平时多2%"),
        (12, 8.4, "12 mentions where 8.4 are usual (43 % more|12条相关内容，平时约为8.4条，比平时多43%"),
        # And what is far from it in times
        (15, 10, "15 mentions where 10 are usual (1.5 times the usual|15条相关内容，平时约为10条，是平时的1.5倍"),
        (20, 10.1, "20 mentions where 10 are usual (twice the usual|20条相关内容，平时约为10条，是平时的两倍"),
        (24, 9.9, "24 mentions where 9.9 are usual (2.4 times the usual|24条相关内容，平时约为9.9条，是平时的2.4倍"),
        (12, 1, "12 mentions where 1 is usual (12 times the usual|12条相关内容，平时约为1条，是平时的12倍"),
    ],
)  # fmt: skip
def test_how_much_more_than_usual_is_told_as_people_say_it(
    observed: float, usual: float, more: str
) -> None:
    english, zh = more.split("|")
    assert counted(observed, usual=usual) == (
        f"Norvia: {english}, chance 1 in 1 million)",
        f"【Norvia】1分钟内出现{zh}（偶然出现的概率约为百万分之一）",
    )


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
