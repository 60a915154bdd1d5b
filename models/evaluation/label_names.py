"""Say which of our labels each name in public data sets stands for.

In: nothing. Out: tables. Pure data; imports the standard library alone. `models.evaluation.label_sets` applies them,
and `LABELS.md` beside this file shows them.

A row reads OURS (several joined by +: any of them may be meant): THEIRS, in the form of `plain_name`. The row "" holds
names that say too little to be judged. Ours, under their own names, need no row.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import NamedTuple


class NamesTogether(NamedTuple):
    """Hold names whose meaning hangs on the others in the file, numbers above all: ours by theirs.

    It applies to a file with no other names than these, and with all of `needs`.
    """

    what: str
    names: Mapping[str, str]
    needs: frozenset[str] = frozenset()


def plain_name(name: str) -> str:
    """Return a name without case, and with one _ for whatever is neither letter nor digit; numbers keep their sign.

    >>> (
    ...     plain_name("Sci/Tech"),
    ...     plain_name("not-hate"),
    ...     plain_name("-1"),
    ...     plain_name("+1"),
    ...     plain_name("5 stars"),
    ... )
    ('sci_tech', 'not_hate', '-1', '1', '5_stars')
    """
    folded = unicodedata.normalize("NFKC", name).strip().casefold()
    if re.fullmatch(r"[+-]?\d+", folded):
        return str(int(folded))
    return re.sub(r"[\W_]+", "_", folded).strip("_")


_JOY = (
    "happy happiness like love grateful gratitude admiration amusement approval caring desire excitement excited pride "
    "relief joyful enjoyment 喜悦 高兴 快乐 开心 喜欢 喜好"
)
_ANGER = "angry annoyance annoyed disapproval mad furious 愤怒 生气"
_SADNESS = (
    "sad depress depressed disappointment disappointed embarrassment grief remorse 悲伤 伤心 难过"
)
_FEAR = "fearful worried worry nervousness anxiety anxious scared afraid 恐惧 害怕 担心"
_DISGUST = "disgusted 厌恶"
_HOPE = "hope hopeful optimistic"
_NO_MOOD = "no_emotion 中性 无情绪"

_EMOTION = {
    "joy": _JOY,
    "anger": _ANGER,
    "sadness": _SADNESS,
    "fear": _FEAR,
    "disgust": _DISGUST,
    "surprise": "surprised astonished realization confusion curiosity 惊讶 惊奇",
    "optimism": _HOPE,
    "neutral": _NO_MOOD,
    "": "negative_other positive_other relaxed",
}

_SENTIMENT = {
    "positive": "pos good bullish very_positive positive_other relaxed 4_stars 5_stars 正面 积极 好评 利好 "
    f"joy optimism {_JOY} {_HOPE}",
    "neutral": f"neu 3_stars 中评 {_NO_MOOD}",
    "negative": f"neg bad bearish very_negative negative_other 1_star 2_stars 负面 消极 差评 利空 anger sadness fear "
    f"disgust {_ANGER} {_SADNESS} {_FEAR} {_DISGUST}",
    "": "surprise surprised astonished realization confusion curiosity 惊讶 惊奇",
}

_TOPIC = {
    "arts_culture_entertainment_and_media": "arts culture entertainment media movies music books news_culture "
    "news_entertainment 娱乐 文化",
    "conflict_war_and_peace": "war military conflict news_military 军事",
    "crime_law_and_justice": "crime law justice",
    "disaster_accident_and_emergency_incident": "disaster accident",
    "economy_business_and_finance": "business finance economy money stock stocks realty news_finance news_stock "
    "news_house news_agriculture 财经 股票 房产",
    "education": "edu news_edu 教育",
    "environment": "climate green",
    "health": "medical wellness healthcare 健康",
    "human_interest": "news_story weird_news",
    "labour": "labor jobs employment",
    "lifestyle_and_leisure": "lifestyle leisure game games travel food fashion news_game news_travel "
    "游戏 时尚 旅游 家居",
    "politics_and_government": "politics government 时政 政治",
    "religion": "faith",
    "science_and_technology": "science tech technology sci_tech news_tech 科技",
    "sport": "sports news_sports 体育",
    "society+crime_law_and_justice+human_interest+disaster_accident_and_emergency_incident+health": "society 社会",
    "politics_and_government+conflict_war_and_peace+society+disaster_accident_and_emergency_incident": "world "
    "news_world 国际",
    "lifestyle_and_leisure+economy_business_and_finance+science_and_technology": "car news_car 汽车",
    "": "彩票 星座",
}

_HARM = {
    "none": "not_offensive non_offensive not not_off normal neither clean not_toxic non_toxic harmless",
    "none+offensive": "not_hate non_hate nothate nohate not_hateful non_hateful no_hate",
    "offensive+hate": "offensive off offensive_language toxic abusive insult harmful",
    "hate": "hateful hate_speech hatespeech",
}

_IRONY = {
    "irony": "ironic sarcasm sarcastic 反讽 讽刺",
    "none": "non_irony not_irony no_irony non_ironic not_ironic not_sarcastic non_sarcastic non_sarcasm not_sarcasm "
    "literal",
}

# Ours by theirs, for each head of ours.
NAMES: Mapping[str, Mapping[str, str]] = {
    "emotion": _EMOTION,
    "sentiment": _SENTIMENT,
    "topic": _TOPIC,
    "harm": _HARM,
    "irony": _IRONY,
}

# A task that a head of another name answers, where the model has none of the task's own.
HEAD_OF_TASK: Mapping[str, str] = {"hate": "harm", "offensive": "harm"}

_TNEWS = (
    "100=human_interest 101=arts_culture_entertainment_and_media 102=arts_culture_entertainment_and_media 103=sport "
    "104=economy_business_and_finance 106=economy_business_and_finance 107=lifestyle_and_leisure+"
    "economy_business_and_finance+science_and_technology 108=education 109=science_and_technology "
    "110=conflict_war_and_peace 112=lifestyle_and_leisure 113=politics_and_government+conflict_war_and_peace+society+"
    "disaster_accident_and_emergency_incident 114=economy_business_and_finance 115=economy_business_and_finance "
    "116=lifestyle_and_leisure"
)


def _pairs(words: str) -> dict[str, str]:
    return {theirs: ours for theirs, _, ours in (word.partition("=") for word in words.split())}


# The first that fits a file is taken; where none does, a number stands for itself.
TOGETHER: Mapping[str, tuple[NamesTogether, ...]] = {
    "emotion": (
        NamesTogether(
            "`optimism` beside `gratitude` and without `joy` (COVID-19 Weibo: glad rather than hopeful)",
            _pairs(
                "optimism=joy gratitude=joy anger=anger disgust=disgust fear=fear sadness=sadness surprise=surprise"
            ),
            needs=frozenset({"optimism", "gratitude"}),
        ),
    ),
    "sentiment": (
        NamesTogether("0 and 1", _pairs("0=negative 1=positive")),
        NamesTogether(
            "-1, 0 and 1", _pairs("-1=negative 0=neutral 1=positive"), needs=frozenset({"-1"})
        ),
        NamesTogether(
            "0, 1 and 2", _pairs("0=negative 1=neutral 2=positive"), needs=frozenset({"0"})
        ),
        NamesTogether(
            "0, 2 and 4", _pairs("0=negative 2=neutral 4=positive"), needs=frozenset({"4"})
        ),
        NamesTogether(
            "0 to 4",
            _pairs("0=negative 1=negative 2=neutral 3=positive 4=positive"),
            needs=frozenset({"0"}),
        ),
        NamesTogether(
            "1 to 5, as stars",
            _pairs("1=negative 2=negative 3=neutral 4=positive 5=positive"),
            needs=frozenset({"5"}),
        ),
    ),
    "topic": (NamesTogether("TNEWS, 100 to 116", _pairs(_TNEWS)),),
    "irony": (NamesTogether("0 and 1", _pairs("0=none 1=irony false=none true=irony")),),
    "hate": (NamesTogether("0 and 1", _pairs("0=none+offensive 1=hate false=none+offensive true=hate")),),
    "offensive": (
        NamesTogether("0 and 1", _pairs("0=none 1=offensive+hate false=none true=offensive+hate")),
    ),
}  # fmt: skip
