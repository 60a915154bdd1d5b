"""What the sentences of both languages share: what is to be told, and the names of labels.

In: evidence, a rule, a group. Out: a `Told`, and the words of labels in English and Chinese. Pure; imports msgspec and
contracts.
"""

from collections.abc import Callable, Iterable

import msgspec

from consumers.alerting.rule import AlertRule
from contracts.alerts import Evidence

Style = Callable[[float], str]
TOPIC = "topic"
# The 17 top levels of IPTC Media Topics, in English and Chinese.
TOPICS = {
    "arts_culture_entertainment_and_media": ("arts, culture, entertainment and media", "文化娱乐与媒体"),
    "conflict_war_and_peace": ("conflict, war and peace", "冲突、战争与和平"),
    "crime_law_and_justice": ("crime, law and justice", "犯罪、法律与司法"),
    "disaster_accident_and_emergency_incident": (
        "disaster, accident and emergency incident", "灾害、事故与突发事件",
    ),
    "economy_business_and_finance": ("economy, business and finance", "经济、商业与金融"),
    "education": ("education", "教育"),
    "environment": ("environment", "环境"),
    "health": ("health", "健康"),
    "human_interest": ("human interest", "人情趣闻"),
    "labour": ("labour", "劳动与就业"),
    "lifestyle_and_leisure": ("lifestyle and leisure", "生活与休闲"),
    "politics_and_government": ("politics and government", "政治与政府"),
    "religion": ("religion", "宗教"),
    "science_and_technology": ("science and technology", "科学与技术"),
    "society": ("society", "社会"),
    "sport": ("sport", "体育"),
    "weather": ("weather", "天气"),
}  # fmt: skip
# Shares that are not of an emotion: what the mentions are, in English; of what the share is, in Chinese.
SHARES = {
    "negative": ("are negative", "负面"),
    "neutral": ("are neutral", "中性"),
    "positive": ("are positive", "正面"),
    "harm": ("are offensive or hateful", "攻击或仇恨言论"),
    "abstained": ("could not be judged", "模型无法判断的内容"),
}
EMOTIONS = {
    "anger": "愤怒", "disgust": "厌恶", "fear": "恐惧", "joy": "喜悦", "optimism": "乐观", "sadness": "悲伤",
    "surprise": "惊讶",
}  # fmt: skip
LABELS_ZH = {**EMOTIONS, **{label: zh for label, (_, zh) in SHARES.items()}}
HEADS_ZH = {TOPIC: "话题", "emotion": "情绪", "sentiment": "情感"}
MOST_PHRASES = 2
# Below so many times the usual, how much more it is is told in percent: 1.04 times would be "1 times".
NEAR = 1.5
# Voices are counted exactly up to this number.
EXACT_VOICES = 63


class Told(msgspec.Struct, frozen=True):
    """Hold what a sentence tells: the evidence, the rule, the watch's name, and the group as (head, label) if any."""

    evidence: Evidence
    rule: AlertRule
    name: str
    head: str = ""
    label: str = ""

    @property
    def is_past_limit(self) -> bool:
        """Say whether a measure is compared with a limit, not with what is usual."""
        return self.evidence.probability is None

    @property
    def source(self) -> str | None:
        """Return the source of the mention whose reach was observed, None where it is not among the quotes."""
        quotes = self.evidence.quotes
        return next((q.source for q in quotes if q.reach == self.evidence.observed), None)

    def phrases(self, is_ours: Callable[[str], bool]) -> list[str]:
        """Return the first phrases, those of one's own script before all others."""
        texts = [phrase.text for phrase in self.evidence.phrases]
        return sorted(texts, key=lambda text: not is_ours(text))[:MOST_PHRASES]


def share_label(measure: str) -> str | None:
    """Return of what a measure is the share, None where it is none.

    >>> share_label("share:negative"), share_label("harm_share"), share_label("emotion:fear")
    ('negative', 'harm', 'fear')
    """
    for prefix in ("share:", "emotion:"):
        if measure.startswith(prefix):
            return measure.removeprefix(prefix)
    return measure.removesuffix("_share") if measure.endswith("_share") else None


def apart(observed: float, other: float, *, styles: Iterable[Style]) -> tuple[str, str]:
    """Return two numbers in words of the first style that tells them apart; equal ones in the first.

    >>> apart(0.124, 0.117, styles=("{:.0%}".format, "{:.1%}".format))
    ('12.4%', '11.7%')
    """
    words = [(style(observed), style(other)) for style in styles]
    if observed == other:
        return words[0]
    return next((pair for pair in words if pair[0] != pair[1]), words[-1])


def two_digits(value: float) -> float:
    """Return a number rounded to two significant digits.

    >>> two_digits(183), two_digits(1_234_567), two_digits(0.4551)
    (180.0, 1200000.0, 0.46)
    """
    return float(f"{value:.1e}")


def one_in(probability: float) -> float:
    """Return n of "1 in n", rounded to one significant digit.

    >>> one_in(6.7e-5), one_in(9.6e-8)
    (10000.0, 10000000.0)
    """
    return float(f"{1 / probability:.0e}")


def length(seconds: float, *, units: tuple[str, str, str, str]) -> tuple[int, str]:
    """Return a length of time in the largest unit of which a whole number is right within a twentieth.

    `units` name seconds, minutes, hours and days.

    >>> units = ("s", "min", "h", "d")
    >>> [length(s, units=units) for s in (60, 90, 300, 3600, 7325, 9000, 86_400)]
    [(1, 'min'), (90, 's'), (5, 'min'), (1, 'h'), (2, 'h'), (150, 'min'), (1, 'd')]
    """
    for size, unit in zip((86_400, 3600, 60), reversed(units), strict=False):
        count = round(seconds / size)
        if count and abs(count * size - seconds) <= seconds / 20:
            return count, unit
    return round(seconds), units[0]
