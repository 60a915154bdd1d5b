"""Sentences: every kind of rule in both languages, exact, in words for people."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.alerting.chinese import chinese
from consumers.alerting.rule import AlertRule, RuleKind
from consumers.alerting.sentences import say
from consumers.alerting.wording import EMOTIONS, TOPICS, Told
from contracts.alerts import Evidence, Phrase, Quote
from models import bundled

MANIFEST = Path(str(bundled.__file__)).with_name("text") / "manifest.json"
THREE = {"chirp": 150, "newswire": 40, "weiyu": 22}
PHRASES = (Phrase("battery fire", 9, 3.0), Phrase("电池着火", 8, 3.0), Phrase("过热", 8, 2.0))
LIMIT: dict[str, Any] = {"expected": None, "probability": None}


def evidence_of(**fields: Any) -> Evidence:
    known: dict[str, Any] = {
        "measure": "share:negative", "observed": 0.74, "expected": 0.31, "probability": 1e-7,
        "threshold": 1e-6, "window_s": 300, "mentions": 212, "voices": 183, "sources": THREE,
    }  # fmt: skip
    return Evidence(**{**known, **fields})


def said(kind: RuleKind, evidence: Evidence, group: str = "", **rule: Any) -> tuple[str, str]:
    told = AlertRule("r", kind, "1", **rule)
    sentences = say(evidence, told, name="Norvia", group=group)
    return sentences["en"], sentences["zh"]


def test_a_surge_of_negatives_by_share() -> None:
    en, zh = said("negative_surge", evidence_of(phrases=PHRASES))
    assert en == (
        "Norvia: 74 % are negative where 31 % is usual (chance 1 in 10 million), in 212 mentions "
        "by about 180 voices from 3 sources within 5 minutes; "
        'standing out: "battery fire" and "电池着火".'
    )
    assert zh == (
        "【Norvia】5分钟内负面占比达74%，平时约为31%（偶然出现的概率约为千万分之一）；"
        "共212条相关内容，出自3个来源、约180位独立发言者；突出词语：“电池着火”“过热”。"
    )


def test_a_surge_of_negatives_by_count() -> None:
    seen = evidence_of(measure="negative", observed=57, expected=6.2, probability=5.4e-5)
    en, zh = said("negative_surge", seen)
    assert en == (
        "Norvia: 57 negative mentions where 6.2 are usual (9.2 times the usual, chance 1 in 20,000), "
        "of 212 in all, by about 180 voices from 3 sources within 5 minutes."
    )
    assert zh == (
        "【Norvia】5分钟内出现57条负面内容，平时约为6.2条，是平时的9.2倍（偶然出现的概率约为两万分之一）；"
        "共212条相关内容，出自3个来源、约180位独立发言者。"
    )


def test_a_spike_of_volume_from_a_single_source_on_a_topic() -> None:
    seen = evidence_of(
        measure="volume", observed=212, expected=25.8, probability=2.4e-9, voices=90,
        sources={"chirp": 212}, single_source=True,
    )  # fmt: skip
    en, zh = said("volume_spike", seen, "topic=health")
    assert en == (
        "Norvia on the topic health: 212 mentions where 26 are usual (8.2 times the usual, "
        "chance 1 in 400 million), by about 90 voices, all from one source, chirp, within 5 minutes."
    )
    assert zh == (
        "【Norvia】话题“健康”：5分钟内出现212条相关内容，平时约为26条，是平时的8.2倍"
        "（偶然出现的概率约为四亿分之一）；全部出自同一来源“chirp”，涉及约90位独立发言者。"
    )


def test_a_few_where_almost_none_is_usual_on_a_label_of_ones_own() -> None:
    seen = evidence_of(
        measure="volume", observed=5, expected=0.3, probability=1e-20, mentions=5, voices=4,
        window_s=60,
    )  # fmt: skip
    en, zh = said("volume_spike", seen, "intents=refund")
    assert en == (
        "Norvia on refund (intents): 5 mentions where fewer than one is usual "
        "(chance less than 1 in a trillion), by 4 voices from 3 sources within 1 minute."
    )
    assert zh == (
        "【Norvia】intents“refund”：1分钟内出现5条相关内容，平时不足1条"
        "（偶然出现的概率不足万亿分之一）；出自3个来源、4位独立发言者。"
    )


def test_a_shift_of_an_emotion_too_small_for_whole_percents() -> None:
    seen = evidence_of(measure="share:anger", observed=0.124, expected=0.117, probability=3e-3)
    en, zh = said("emotion_shift", seen, emotion="anger")
    assert en == (
        "Norvia: 12.4 % express anger where 11.7 % is usual (chance 1 in 300), in 212 mentions "
        "by about 180 voices from 3 sources within 5 minutes."
    )
    assert zh == (
        "【Norvia】5分钟内愤怒情绪占比达12.4%，平时约为11.7%（偶然出现的概率约为三百分之一）；"
        "共212条相关内容，出自3个来源、约180位独立发言者。"
    )


def test_one_influential_post() -> None:
    at = datetime(2026, 11, 23, tzinfo=UTC)
    quote = Quote("m", "e", "chirp", at, "en", "They lie", "influential", reach=1_234_567)
    seen = evidence_of(
        measure="reach", observed=1_234_567, threshold=500_000, quotes=(quote,), mentions=1,
        voices=1, sources={"chirp": 1}, single_source=True, **LIMIT,
    )  # fmt: skip
    en, zh = said("influential_post", seen, measure="negative_reach")
    assert en == (
        "Norvia: one negative mention on chirp reaches 1.2 million people, above the limit of 500,000, "
        "within 5 minutes."
    )
    assert zh == ("【Norvia】5分钟内有1条来自chirp的负面内容可触达120万人，高于阈值50万人。")


@pytest.mark.parametrize(
    ("measure", "observed", "limit", "expected"),
    [
        ("negative_share", 0.62, 0.5, "62 % are negative, above the limit of 50 %|负面占比为62%，高于阈值50%"),
        ("emotion:fear", 0.62, 0.5, "62 % express fear, above the limit of 50 %|恐惧情绪占比为62%，高于阈值50%"),
        ("harm_share", 0.5, 0.5,
         "50 % are offensive or hateful, at the limit of 50 %|攻击或仇恨言论占比为50%，达到阈值50%"),
        ("abstained_share", 0.9, 0.5,
         "90 % could not be judged, above the limit of 50 %|模型无法判断的内容占比为90%，高于阈值50%"),
        ("valence", -0.423, -0.3,
         "the mean valence is −0.42, below the limit of −0.3|平均情感值为−0.42，低于阈值−0.3"),
        ("voices", 183, 100, "about 180 voices, above the limit of 100|独立发言者约180位，高于阈值100位"),
        ("sources", 1, 1, "1 source, at the limit of 1|来源为1个，达到阈值1个"),
        ("reach", 504_000, 500_000,
         "504,000 people are reached, above the limit of 500,000|累计触达50.4万人，高于阈值50万人"),
        ("volume", 23_456, 20_000, "23,456 mentions, above the limit of 20,000|相关内容为2.35万条，高于阈值2万条"),
    ],
)  # fmt: skip
def test_any_measure_against_its_limit(
    measure: str, observed: float, limit: float, expected: str
) -> None:
    seen = evidence_of(measure=measure, observed=observed, threshold=limit, **LIMIT)
    en, zh = said("threshold", seen)
    in_english, in_chinese = expected.split("|")
    assert en.startswith(f"Norvia: {in_english}, ")
    assert zh.startswith(f"【Norvia】5分钟内{in_chinese}；")


def test_nothing_at_all_below_a_limit() -> None:
    seen = evidence_of(
        measure="volume", observed=0, threshold=10, mentions=0, voices=0, sources={},
        window_s=3600, **LIMIT,
    )  # fmt: skip
    en, zh = said("threshold", seen, above=False)
    assert en == ("Norvia: 0 mentions, below the limit of 10, within 1 hour.")
    assert zh == ("【Norvia】1小时内相关内容为0条，低于阈值10条。")


@pytest.mark.parametrize(
    ("source", "english", "of"),
    [("chirp", "nothing from chirp", "来自chirp的内容"), (None, "no mention", "任何相关内容")],
)
def test_silence(source: str | None, english: str, of: str) -> None:
    seen = evidence_of(
        measure="silence", observed=7325, threshold=3600, mentions=0, voices=0, sources={}, **LIMIT
    )
    en, zh = said("silence", seen, source=source)
    assert en == (f"Norvia: {english} for 2 hours, where the limit is 1 hour.")
    assert zh == (f"【Norvia】已有2小时没有{of}（阈值为1小时）。")


@pytest.mark.parametrize(
    ("probability", "english", "of"),
    [
        (0.3, "1 in 3", "三分之一"), (0.05, "1 in 20", "二十分之一"), (1e-2, "1 in 100", "百分之一"),
        (5e-3, "1 in 200", "两百分之一"), (1e-4, "1 in 10,000", "万分之一"), (4e-6, "1 in 200,000", "二十万分之一"),
        (3.3e-7, "1 in 3 million", "三百万分之一"), (9.8e-9, "1 in 100 million", "亿分之一"),
        (5e-10, "1 in 2 billion", "二十亿分之一"), (2e-12, "1 in 500 billion", "五千亿分之一"),
    ],
)  # fmt: skip
def test_chances_are_said_in_one_digit(probability: float, english: str, of: str) -> None:
    told = said("negative_surge", evidence_of(probability=probability))
    assert f"(chance {english})" in told[0]
    assert f"（偶然出现的概率约为{of}）" in told[1]


def test_one_of_a_kind_is_singular() -> None:
    seen = evidence_of(
        mentions=1, voices=1, sources={"chirp": 1}, single_source=True, observed=1.0, window_s=1
    )
    told = said("negative_surge", seen)
    assert "in 1 mention by 1 voice, from one source, chirp, within 1 second." in told[0]
    assert "共1条相关内容，出自同一来源“chirp”，涉及1位独立发言者" in told[1]


def test_every_topic_and_emotion_of_the_bundled_model_has_words() -> None:
    labels = msgspec.json.decode(MANIFEST.read_bytes())["labels"]
    assert set(TOPICS) == set(labels["topic"])
    assert {*EMOTIONS, "neutral"} == set(labels["emotion"])
    for topic, (english, zh) in TOPICS.items():
        told = said("negative_surge", evidence_of(), f"topic={topic}")
        assert told[0].startswith(f"Norvia on the topic {english}: ")
        assert told[1].startswith(f"【Norvia】话题“{zh}”：")


KINDS: tuple[RuleKind, ...] = (
    "negative_surge", "volume_spike", "emotion_shift", "influential_post", "threshold", "silence",
)  # fmt: skip
MEASURES = (
    "share:negative", "negative", "volume", "share:joy", "reach", "valence", "voices", "sources",
    "emotion:fear", "harm_share", "silence",
)  # fmt: skip


@given(
    kind=st.sampled_from(KINDS),
    measure=st.sampled_from(MEASURES),
    observed=st.floats(0, 1e9),
    expected=st.none() | st.floats(0, 1e9),
    probability=st.floats(1e-300, 1),
    counts=st.tuples(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 5)),
)
def test_whatever_the_facts_there_is_one_well_formed_sentence(
    kind: RuleKind,
    measure: str,
    observed: float,
    expected: float | None,
    probability: float,
    counts: tuple[int, int, int],
) -> None:
    # Given any facts
    mentions, voices, sources = counts
    seen = evidence_of(
        measure=measure, observed=observed, expected=expected, mentions=mentions, voices=voices,
        probability=None if expected is None else probability, threshold=5.0,
        sources={f"source-{n}": 1 for n in range(sources)}, single_source=sources == 1,
    )  # fmt: skip
    # When they are said
    english, zh = said(kind, seen)
    # Then the sentences end once, without gaps or doubled signs
    for sentence, end in ((english, "."), (zh, "。")):
        assert sentence.endswith(end)
        assert not re.search(r"  |,,|;;| ,|，，|；；|，；|None|nan|e\+|\( ", sentence)
    # And the Chinese one has no half-width comma, semicolon or bracket
    assert not re.search(r"[,;()]", zh)


def test_a_watch_name_with_signs_of_its_own_is_said_as_it_is() -> None:
    rule = AlertRule("r", "negative_surge", "1")
    assert chinese(Told(evidence_of(), rule, "Norvia: heat")).startswith("【Norvia: heat】")
